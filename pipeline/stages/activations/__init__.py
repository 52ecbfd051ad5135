"""What the layers answer to real images."""
