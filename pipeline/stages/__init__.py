"""The four stages: pure functions from settings, data and a model to a result. No file, no tracking."""
