"""OxRAM cells: their card, their draws, the array of them."""
