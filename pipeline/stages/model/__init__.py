"""The CNN out of a file, in place of a training."""
