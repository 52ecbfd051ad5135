"""Several command lines in one other process, which imports TensorFlow and MLflow once."""

import importlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

END = "exit code:"


class Commands:
    """A process that is given one command after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)

    def __call__(self, directory: Path, *words: str) -> tuple[int, str]:
        """The exit code, and all that is said, of a command such as "pipeline.rerun", "RUN", given in `directory`."""
        self._process.stdin.write(json.dumps([str(directory), *words]) + "\n")
        self._process.stdin.flush()
        said = []
        while line := self._process.stdout.readline():
            if line.startswith(END):
                return int(line.removeprefix(END)), "".join(said)
            said.append(line)
        raise AssertionError(f"the process ended: {''.join(said)}")


def _main() -> None:
    environment = dict(os.environ)
    for line in sys.stdin:
        directory, name, *arguments = json.loads(line)
        sys.argv[1:] = arguments
        os.chdir(directory)
        # what Hydra has set for the log of the command before
        logging.root.handlers.clear()
        os.environ.clear()
        os.environ.update(environment)
        try:
            module = importlib.import_module("pipeline.__main__" if name == "pipeline" else name)
            code = module.main() if name == "pipeline" else module.main(arguments)
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        sys.stderr.flush()
        print(END, code or 0, flush=True)


if __name__ == "__main__":
    _main()
