"""The mathematics: arrays in, arrays out. Knows TensorFlow, no config, no file, no tracking."""
