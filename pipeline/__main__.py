"""`python -m pipeline`, and `mnist-dream`: a command as the first word, or the pipeline's own words."""

import gc
import sys
from pathlib import Path

from pipeline.commands.table import COMMANDS, load
from pipeline.runtime.output import run_command


def main() -> None:
    """Do what the words of this process say, and end it."""
    if sys.argv[1:2] == ["help"]:
        sys.argv[1:] = [*sys.argv[2:], "--help"]
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    code = _code(first)
    # at its end Python would look once more at each of a million objects, for two seconds
    gc.freeze()
    sys.exit(code)


def _code(first: str) -> int:
    """Return the exit code of the command of this first word."""
    if first in COMMANDS:
        return load(first).run(sys.argv[2:], prog=f"{_called()} {first}")
    # late: commands need no Hydra
    if {"-sc", "--shell-completion"} & set(sys.argv[1:]):
        from pipeline.commands import completion

        return run_command(lambda: completion.command(sys.argv[1:]))
    from pipeline.commands.run import command
    from pipeline.commands.unknown import refusal

    said = refusal(first)
    return run_command(command if said is None else lambda: _refuse(said))


def _refuse(said: str) -> int:
    print(f"mnist-dream: {said}", file=sys.stderr)
    return 2


def _called() -> str:
    """Return how this process was called, without its words."""
    return "python -m pipeline" if Path(sys.argv[0]).name == "__main__.py" else "mnist-dream"


if __name__ == "__main__":
    main()
