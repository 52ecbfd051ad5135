"""The needs of every process: errors, locks, signals, TensorFlow's settings, progress."""
