"""The one error that a user can cause, and any error in one line, without a traceback and passwords."""

import re
import shutil
from pathlib import Path

LONGEST_LINE = 300


class InputError(ValueError):
    """A setting, file or picture that cannot be used.

    The message is one line of the form ``key: takes WHAT IS POSSIBLE; got WHAT CAME``.
    """

    @classmethod
    def at(cls, key: str, *, takes: str, got: object) -> "InputError":
        """Return the error for the setting `key`.

        Args:
            key: dotted, as on the command line.
            takes: what the setting takes.
            got: what was given; text is told as it is.
        """
        received = got if isinstance(got, str) else repr(got)
        return cls(f"{key}: takes {takes}; got {received}".replace("\n", " "))


class BrokenFileError(InputError):
    """A file that is not as this program wrote it. file: its path; problem: what is wrong, as in "is empty"."""

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"{file} {problem}")
        self.file = file
        self.problem = problem


def without_passwords(text: str) -> str:
    """Return `text` with ``//user:password@`` as ``//user@``, and ``password=...`` without what follows."""
    text = re.sub(r"(//[^/@:\s]*):[^/\s]*@", r"\1@", text)
    return re.sub(r"(?i)\b(password=)[^&\s]*", r"\1", text)


def one_line(error: BaseException) -> str:
    """Return what went wrong, in one line without passwords."""
    # what a database said, without the words of SQLAlchemy around it
    error = getattr(error, "orig", None) or error
    message = " ".join(without_passwords(str(error)).split())
    if isinstance(error, BrokenFileError):
        # it says all, and what to do stands at its end
        return message
    return cut(f"{type(error).__name__}: {message}" if message else type(error).__name__)


def cut(line: str) -> str:
    """Return a line that is not too long, cut between words where it has any."""
    if len(line) <= LONGEST_LINE:
        return line
    kept = line[: LONGEST_LINE - 4]
    # the middle of a word is its end only if there is nothing else
    whole = kept.rpartition(" ")[0] if line[len(kept)] != " " else kept
    return f"{whole or kept} ..."


def why(error: OSError) -> str:
    """Return what the system says of an error with files, and of which file, without Python's words around it."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        # one for each file that could not be copied; the first says it all
        return re.sub(r"\[Errno \d+\] ", "", str(error.args[0][0][-1]))
    return ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
