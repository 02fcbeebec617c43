"""What the chip does for the array's front end."""
