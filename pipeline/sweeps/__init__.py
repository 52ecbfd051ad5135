"""Sweeps: what was begun, what became of its jobs, and what they show side by side."""
