"""Standard output and standard error of a command, also when nobody can be told any more.

Results come first: a command goes on when a line cannot be written, and its exit code says so at the end. Python by
itself would raise an error out of `print`, in the middle of a run, or say "Exception ignored" when it ends.
"""

import contextlib
import io
import os
import select
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

# What a shell shows of any tool whose reader has gone (128 and the number of SIGPIPE), so that a pipe that ends early
# is told apart from a command that could say all; and what sysexits.h has for an error of input or output.
READER_GONE, NOT_WRITTEN = 141, 74


class _Kept(io.FileIO):
    """A stream of this process. error: the first that occurred; what is written afterwards is dropped."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.error: OSError | None = None

    def write(self, data: Any, /) -> int:
        content = memoryview(data).cast("B")
        done = 0
        while done < len(content) and self.error is None:
            try:
                written = super().write(content[done:])
                if written is None:
                    # whoever opened it does not want to wait, but the lines are to be told
                    select.select([], [self], [])
                done += written or 0
            except OSError as error:
                self.error = error
        return len(content)


def keep_going() -> None:
    """Let this process go on when its standard output or error cannot be written.

    Streams that replace its own, as in tests, are left alone.
    """
    _occupy()
    if sys.stdout is sys.__stdout__:
        sys.stdout = _kept(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _kept(sys.stderr, 2)


def run_command(main: Callable[[], int | None]) -> int:
    """Run a command line and return its exit code.

    That is the code of `main`, or, if that is 0, one that says that standard output could not be written.
    """
    keep_going()
    try:
        code = main() or 0
    except SystemExit as end:
        code = _code_of(end)
    error = _failure()
    if error is None:
        return code
    if isinstance(error, BrokenPipeError):
        return code or READER_GONE
    print(f"mnist-dream: standard output cannot be written: {error.strerror or error}", file=sys.stderr)
    return code or NOT_WRITTEN


def is_lost() -> bool:
    """Tell whether what is said on standard output reaches nobody any more."""
    return _failure() is not None


def _failure() -> OSError | None:
    buffer = getattr(sys.stdout, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if not isinstance(raw, _Kept):
        return None
    sys.stdout.flush()
    return raw.error


def _code_of(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _occupy() -> None:
    """Open every standard stream that is closed (>&-) on nothing.

    Otherwise the next file that is opened gets its number, and all that native code has to say.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # the lowest number that is free is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _kept(stream: TextIO | None, number: int) -> TextIO:
    """Return the same stream, on a `_Kept`."""
    raw = _Kept(number)
    if stream is None:
        return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace")
    assert isinstance(stream, io.TextIOWrapper)
    with contextlib.suppress(OSError):
        stream.flush()
    # a folder's name that the terminal cannot show is no error
    errors = "backslashreplace" if stream.errors == "strict" else stream.errors
    return io.TextIOWrapper(
        raw if stream.write_through else io.BufferedWriter(raw),
        stream.encoding,
        errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def shell_word(path: Path | str) -> str:
    """Return a path as a word of a shell's command line, which no command takes for an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def shown(path: Path) -> Path:
    """Return a path relative to where the command was given, if it lies below."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
