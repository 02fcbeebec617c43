"""What the top of the chip is made of: the blocks between the others, and the wires that every chip has."""
