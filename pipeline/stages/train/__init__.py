"""The training of the CNN."""
