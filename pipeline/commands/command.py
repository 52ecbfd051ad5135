"""What a command is, and how each of them begins and ends."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from pipeline.commands.options import exit_code
from pipeline.runtime.output import keep_going, run_command
from pipeline.runtime.signals import listen


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command beside the pipeline itself, whose words argparse reads.

    Args:
        name: its file, its first word, and its line in the table.
        about: what its own --help says of it.
        add_arguments: declares its words.
        example: of its words, for its own --help.
        execute: does what they say; returns the exit code.
        writes_to: the options that name where it writes, for the message when that fails.
    """

    name: str
    about: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    example: str
    execute: Callable[[argparse.Namespace], int]
    writes_to: str | None = None

    def __call__(self, arguments: Sequence[str] | None = None, *, prog: str | None = None) -> int:
        """Do what the words say, in a process that is set up already; return the exit code.

        Args:
            arguments: the words; None for those of this process.
            prog: how it was called, for the line of its usage.

        Raises:
            SystemExit: words that it does not know, or --help.
        """
        words = sys.argv[1:] if arguments is None else arguments
        options = self.parser(prog).parse_intermixed_args(_as_paths(words))
        return exit_code(lambda: self.execute(options), writes_to=self.writes_to)

    def parser(self, prog: str | None = None) -> argparse.ArgumentParser:
        """Return what reads its words, of which options may stand anywhere."""
        called = prog or f"python -m pipeline.{self.name}"
        parser = _Parser(called, description=self.about, epilog=f"example: mnist-dream {self.name} {self.example}")
        self.add_arguments(parser)
        return parser

    def run(self, arguments: Sequence[str] | None = None, *, prog: str | None = None) -> int:
        """Do it as a process of its own, which signals end and whose output may get lost; return the exit code."""
        listen()
        # before the log takes it
        keep_going()
        logging.basicConfig(level=logging.WARNING, format="mnist-dream: %(message)s")
        return run_command(lambda: self(arguments, prog=prog))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say also how a value that begins with a dash is given, where one seems to lack."""
        is_lacking = message.endswith("expected one argument")
        super().error(f"{message}; one that begins with a dash is given with =" if is_lacking else message)


def _as_paths(words: Sequence[str]) -> list[str]:
    """Return words in which what begins with a dash behind -- is written as a path, as argparse would take it for an
    option where these may stand anywhere."""
    end = list(words).index("--") if "--" in words else len(words)
    return [*words[:end], *(f"./{word}" if word.startswith("-") else word for word in words[end + 1 :])]
