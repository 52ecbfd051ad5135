"""What a command is, and how each of them begins and ends."""

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
        execute: does what they say; returns the exit code.
        writes_to: the options that name where it writes, for the message when that fails.
        any_order: whether options may stand between words of a list.
    """

    name: str
    about: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    execute: Callable[[argparse.Namespace], int]
    writes_to: str | None = None
    any_order: bool = False

    def __call__(self, arguments: Sequence[str] | None = None, *, prog: str | None = None) -> int:
        """Do what the words say, in a process that is set up already; return the exit code.

        Args:
            arguments: the words; None for those of this process.
            prog: how it was called, for the line of its usage.

        Raises:
            SystemExit: words that it does not know, or --help.
        """
        parser = argparse.ArgumentParser(prog or f"python -m pipeline.{self.name}", description=self.about)
        self.add_arguments(parser)
        # argparse knows no subcommands in any order
        options = (parser.parse_intermixed_args if self.any_order else parser.parse_args)(arguments)
        return exit_code(lambda: self.execute(options), writes_to=self.writes_to)

    def run(self, arguments: Sequence[str] | None = None, *, prog: str | None = None) -> int:
        """Do it as a process of its own, which signals end and whose output may get lost; return the exit code."""
        listen()
        # before the log takes it
        keep_going()
        logging.basicConfig(level=logging.WARNING, format="mnist-dream: %(message)s")
        return run_command(lambda: self(arguments, prog=prog))
