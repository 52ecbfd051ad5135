"""The answers of every map of a layer to labelled images."""
