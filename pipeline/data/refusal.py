"""The one line that refuses data."""

from pathlib import Path

from pipeline.runtime.errors import InputError


def refused(path: Path | str | None, takes: str, got: str) -> InputError:
    """Return the error for data that cannot be taken.

    Args:
        path: where they are; None for what comes without one.
        takes: what can be.
        got: what is there.
    """
    return InputError.at("data.path", takes=takes, got=got if path is None else f"{path} {got}")
