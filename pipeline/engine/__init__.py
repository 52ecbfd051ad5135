"""A stage's key, its computation once, the store, and files whole or not at all. Knows no stage by name."""
