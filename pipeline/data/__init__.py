"""Data sets and photos to arrays."""
