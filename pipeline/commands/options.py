"""What the words of a command line may be, for those commands that Hydra does not read."""

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
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


def run_and_settings(run: str, settings: Sequence[str]) -> tuple[str, list[str]]:
    """Return RUN and the settings of a command, which may be given in any order.

    Args:
        run: the word that stands where RUN does; settings: the others.
    Raises:
        InputError: all of them are settings.
    """
    words = [run, *settings]
    if not _is_setting(run):
        return run, [*settings]
    found = next((word for word in words if not _is_setting(word)), None)
    if found is None:
        got = f"only settings, {' '.join(words)}"
        raise InputError.at("RUN", takes="the id of a run, or the folder of a stage", got=got)
    words.remove(found)
    return found, words


def runs_and_settings(words: Sequence[str], keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return several runs, and the settings, of words that may be given in any order.

    Args:
        keys: what each of the runs is called.
    Raises:
        InputError: there are more or fewer runs.
    """
    runs = [word for word in words if not _is_setting(word)]
    if len(runs) != len(keys):
        got = f"{len(runs)} of them in {' '.join(words)}"
        raise InputError.at(" ".join(keys), takes="runs, and settings such as oip.steps=100", got=got)
    return runs, [word for word in words if _is_setting(word)]


def _is_setting(word: str) -> bool:
    # a folder may have the name of one, as the jobs of a sweep have; of a name that is too long pathlib makes an error
    return re.match(r"[+~]*\w+(\.\w+)*=", word) is not None and not os.path.isdir(word)  # noqa: PTH112


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
