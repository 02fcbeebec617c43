"""`make signoff`: OpenTitan's checklists for this chip, each row with evidence that is checked."""
