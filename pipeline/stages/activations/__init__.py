"""The answers of the layers to real images."""
