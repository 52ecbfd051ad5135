"""What the words of a command line may be, for those commands that Hydra does not read."""

import argparse
import math
from pathlib import Path


def folder(text: str) -> Path:
    """A folder by its path; an empty one would be the current folder, which nobody means."""
    if not text.strip():
        raise argparse.ArgumentTypeError("takes a folder; got nothing")
    return Path(text)


def days(text: str) -> float:
    """A time in days."""
    return _number(text, "a number of days of at least 0")


def tolerance(text: str) -> float:
    """The largest difference that counts as none."""
    return _number(text, "a number of at least 0")


def _number(text: str, takes: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"takes {takes}; got {text or 'nothing'}")
    return value
