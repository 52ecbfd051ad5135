"""The one error that a user can cause, and any error in one line, without a traceback and passwords."""

import errno
import re
import shutil
from pathlib import Path

LONGEST_LINE = 300
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
    """Return what went wrong, in one line without passwords; the kind of error only where a user needs it."""
    # what a database said, without the words of SQLAlchemy around it
    said = getattr(error, "orig", None) or error
    text = why(said) if isinstance(said, OSError) else str(said)
    message = " ".join(without_numbers(without_passwords(text)).split())
    if isinstance(said, BrokenFileError):
        # it says all, and what to do stands at its end
        return message
    kind = type(said).__name__
    is_plain = said is not error or isinstance(said, InputError | OSError) or _is_of_mlflow(said)
    return cut((message if is_plain else f"{kind}: {message}") if message else kind)


def without_numbers(text: str) -> str:
    """Return `text` without the numbers of the system's errors."""
    return re.sub(r"\[Errno -?\d+\] ", "", text)


def _is_of_mlflow(error: BaseException) -> bool:
    # which is not imported for this
    return any(kind.__name__ == "MlflowException" for kind in type(error).__mro__)


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
        return without_numbers(str(error.args[0][0][-1]))
    # where there is no room for a copy, the file that is copied is not to blame
    file = error.filename2 if error.errno in NO_ROOM and error.filename2 else error.filename
    return ": ".join(str(part) for part in (file, error.strerror or error) if part)
