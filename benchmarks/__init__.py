"""Timings, as ratios taken in one run. Nothing is asserted: a slow or busy machine is not a failure."""
