"""Energy reports: text, page, and for other tools."""
