"""What every map of a layer answers to labelled images."""
