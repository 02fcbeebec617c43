"""What takes the place of likelihood and inference where all outputs of a row speak together: a softmax."""
