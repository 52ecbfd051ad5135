"""What is said of a first word that is neither a command nor a word of the pipeline's."""

import difflib
import re
from dataclasses import fields

from pipeline.commands.table import COMMANDS
from pipeline.settings.compose import CONF
from pipeline.settings.config import Config

NAME = re.compile(r"[A-Za-z][\w-]*")


def refusal(word: str) -> str | None:
    """Return what to say of a first word, in one line; None if Hydra knows what to make of it.

    The name of a setting, or of a group of them, lacks only its value.
    """
    if not NAME.fullmatch(word) or word in {field.name for field in fields(Config)} or (CONF / word).is_dir():
        return None
    close = difflib.get_close_matches(word, COMMANDS, n=1)
    if close:
        return f"{word}: no such command; did you mean {close[0]}?"
    return f"{word}: no such command; there are {', '.join(COMMANDS)}; a setting takes the form setting=value"
