"""The stages: a folder each, which says all about its stage."""
