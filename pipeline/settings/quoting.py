"""How a text is written as a word of the command line, for Hydra and for a shell."""

import re
import shlex
from collections.abc import Callable

from hydra.core.override_parser.types import Quote, QuotedString


def quoted(text: str) -> str:
    """Return a text in quotes, as a value for Hydra, which leaves out blanks around a value."""
    return QuotedString(text.strip(" \t"), Quote.double).with_quotes()


def literal(text: str) -> str:
    r"""Return a text in which ${ stands for itself and refers to nothing: \${."""
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", text)


def quoted_word(key: str, text: str, quote: Callable[[str], str] = shlex.quote) -> str:
    """Return the word that gives a setting this text.

    Args:
        quote: for the place where it is written; a shell, unless said otherwise.
    """
    return quote(f"{key}={quoted(text)}")
