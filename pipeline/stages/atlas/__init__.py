"""A page about every map."""
