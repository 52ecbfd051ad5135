"""The CNN dreams into a photo."""
