"""The figures: what is measured for each, how it is held against the paper's text, a picture."""
