"""What the words of a command line may be, for those commands that Hydra does not read."""

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline.runtime.errors import InputError, why
from pipeline.runtime.names import PLAIN, is_plain_text


def folder(text: str) -> Path:
    """Return a folder by its path; an empty one would be the current folder, which nobody means."""
    if not text.strip():
        raise argparse.ArgumentTypeError("takes a folder; got nothing")
    if not is_plain_text(text):
        raise argparse.ArgumentTypeError(f"takes a folder {PLAIN}; got {text!a}")
    return Path(text)


def exit_code(action: Callable[[], int], *, writes_to: str | None) -> int:
    """Return what `action` does, 2 for what is refused, told in one line, 130 for an interrupt.

    Args:
        action: what a command does; returns its exit code.
        writes_to: the options that name where it writes, for the message; None to tell only what the system says.
    """
    try:
        return action()
    except InputError as error:
        print(f"mnist-dream: {error}", file=sys.stderr)
    except OSError as error:
        if writes_to is None:
            print(f"mnist-dream: {why(error)}", file=sys.stderr)
            return 2
        takes = "a folder that can be written to, with room for the results"
        print(f"mnist-dream: {InputError.at(writes_to, takes=takes, got=why(error))}", file=sys.stderr)
    except KeyboardInterrupt:
        print("mnist-dream: interrupted", file=sys.stderr)
        return 130
    return 2


def days(text: str) -> float:
    """Return a time in days."""
    return _number(text, "a number of days of at least 0")


def tolerance(text: str) -> float:
    """Return the largest difference that counts as none."""
    return _number(text, "a number of at least 0")


def _number(text: str, takes: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"takes {takes}; got {text or 'nothing'}")
    return value
