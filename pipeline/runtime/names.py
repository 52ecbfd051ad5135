"""Names that anyone may choose, of layers and classes, where a system allows less."""

import re
import unicodedata
from collections.abc import Iterable

# Of a file's name, in characters: a path has several of them.
LONGEST = 80
# Of folders, which are told in lines and kept in records.
PLAIN = "whose name is text without line breaks and control characters"


def is_plain_text(text: str) -> bool:
    """Tell whether a text can be told in a line, and kept in a record: in UTF-8, without control characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # bytes of a command line that are no text
        return False
    return not any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text)


def file_names(names: Iterable[str]) -> list[str]:
    """Return a file's name for each name: letters without accents, digits, "_", "-" and "." of it, "-" for the rest.

    "backbone/block_2" becomes "backbone.block_2". No two are the same, also where capitals are no other letters: of
    those that would be, all but the first end in a number.
    """
    found: dict[str, None] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_.-]", "-", name.replace("/", "."))[:LONGEST]
        # a hidden file, or a folder above
        plain = re.sub(r"^\.", "-", plain).rstrip(".") or "-"
        taken = {other.lower() for other in found}
        same = (f"{plain}-{number}" for number in range(2, len(taken) + 3))
        found[next(each for each in (plain, *same) if each.lower() not in taken)] = None
    return list(found)
