"""The tools that several stages draw with."""
