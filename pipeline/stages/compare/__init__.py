"""Two CNNs side by side."""
