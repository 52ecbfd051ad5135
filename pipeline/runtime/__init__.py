"""What a process needs: errors, locks, signals, TensorFlow's settings, progress."""
