"""What the record and the pictures cost a default run, in one run, with and without a record taking turns.

    python -m benchmarks.shares [--repeats N] [--settings WORD ...]

Every command is a new process in an empty folder. The record's time is what the command takes longer with it; that of
the pictures is measured where they are drawn and written. Prints Markdown.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEASURED = """
import sys, time
from pipeline.drawing import pictures
from pipeline.__main__ import main
from pipeline.engine.execution import Execution
spent = 0.0
def timed(function):
    def called(*arguments, **named):
        global spent
        begun = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent += time.perf_counter() - begun
    return called
pictures.save_pictures = timed(pictures.save_pictures)
try:
    main()
finally:
    print(spent, file=sys.stderr)
"""


def main() -> None:
    """Time what was asked for, and print it."""
    parser = argparse.ArgumentParser("python -m benchmarks.shares", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds (3)")
    parser.add_argument("--settings", nargs="*", default=[], metavar="WORD", help="of the pipeline, such as data=mnist")
    arguments = parser.parse_args()
    if arguments.repeats < 1:
        parser.error("--repeats: takes a number from 1 on")
    with_record, record, pictures = [], [], []
    for _ in range(arguments.repeats):
        without, drawn_without = _run(*arguments.settings, "tracking=none")
        whole, drawn = _run(*arguments.settings)
        with_record.append(whole)
        record.append((whole - without) / whole)
        pictures.append(statistics.mean((drawn, drawn_without)) / whole)
    print("| default run | median | (from - to) |\n|---|---|---|")
    print(f"| all of it, s | {statistics.median(with_record):.1f} | {min(with_record):.1f} - {max(with_record):.1f} |")
    for name, shares in (("the record in MLflow", record), ("pictures", pictures)):
        print(f"| {name} | {statistics.median(shares):.1%} | {min(shares):.1%} - {max(shares):.1%} |")


def _run(*words: str) -> tuple[float, float]:
    """How long a command takes, and its pictures, in seconds."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - begun
    if done.returncode != 0:
        sys.exit(done.stderr)
    return seconds, float(done.stderr.split()[-1])


if __name__ == "__main__":
    main()
