"""The commands by their names: each is the file of that name in this folder, and a line here."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.commands.command import Command

# What `mnist-dream --help` says of each; the files are imported when they are asked for.
COMMANDS = {
    "rerun": "compute a recorded stage again, and say whether the results are the same bits",
    "atlas": "make a page about every map of the CNN of a finished run",
    "compare": "make a page about what two CNNs have in common, and what not",
    "resume": "finish a sweep that was interrupted, or in which jobs failed",
    "store": "list, verify or prune the results that are kept to be reused",
    "sync": "record in MLflow what was computed while its server was away",
    "ui": "show the MLflow page of the record, until Ctrl-C",
}


def load(name: str) -> "Command":
    """Return the command of a name in `COMMANDS`."""
    command: Command = importlib.import_module(f"{__package__}.{name}").main
    return command


def listing() -> str:
    """Return the commands with what each does, a line each."""
    width = max(map(len, COMMANDS))
    return "\n".join(f"{name:<{width}} : {about}" for name, about in COMMANDS.items())
