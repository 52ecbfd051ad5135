"""Where the time of a default run goes, stage by stage, and what the record and the pictures cost it.

    python -m benchmarks.shares [--repeats N] [--keep] [--settings WORD ...]

Every command is a new process in an empty folder. Three kinds take turns: a default run, one without the record, and
one without record and pictures; what they differ by is what these cost, as stages are drawn and recorded while others
are computed. Prints Markdown.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.recorded import compared

# Of a run: how long each stage is computed, drawn and saved, in seconds, as the last line of the error output.
MEASURED = """
import functools, json, os, sys, time
from collections import Counter
from pipeline.drawing import pictures
from pipeline.engine import storage
from pipeline.stages.registry import STAGES
from pipeline.__main__ import main
spent = Counter()
def timed(name, function):
    @functools.wraps(function)
    def called(*arguments, **named):
        begun = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[name] += time.perf_counter() - begun
    return called
for name, stage in STAGES.items():
    object.__setattr__(stage, "compute", timed(f"{name}: computed", stage.compute))
    drawn = (lambda *_: {}) if os.environ.get("WITHOUT_PICTURES") else stage.draw
    object.__setattr__(stage, "draw", timed(f"{name}: drawn", drawn))
pictures.save_pictures = timed("pictures written", pictures.save_pictures)
storage.save_result = timed("arrays written", storage.save_result)
try:
    main()
finally:
    print(json.dumps(spent), file=sys.stderr)
"""
WHOLE, NO_RECORD, BARE = "default", "without the record", "without record and pictures"


def main() -> None:
    """Time what was asked for, and print it."""
    arguments = _arguments()
    seconds: dict[str, list[float]] = {WHOLE: [], NO_RECORD: [], BARE: []}
    parts: list[dict[str, float]] = []
    for _ in range(arguments.repeats):
        for kind, words, environment in (
            (WHOLE, (), {}),
            (NO_RECORD, ("tracking=none",), {}),
            (BARE, ("tracking=none",), {"WITHOUT_PICTURES": "1"}),
        ):
            taken, found = _run(*arguments.settings, *words, **environment)
            seconds[kind].append(taken)
            if kind == WHOLE:
                parts.append(found)
    print("| part of a default run | median, s | share of the run |\n|---|---|---|")
    for name in parts[0]:
        times = [found.get(name, 0.0) for found in parts]
        share = statistics.median(time / whole for time, whole in zip(times, seconds[WHOLE], strict=True))
        print(f"| {name} | {statistics.median(times):.2f} | {share:.1%} |")
    print("\n| run | median, s | (from - to) | what it leaves out |\n|---|---|---|---|")
    for kind, times in seconds.items():
        left_out = _left_out(seconds[WHOLE], times)
        print(f"| {kind} | {statistics.median(times):.1f} | {min(times):.1f} - {max(times):.1f} | {left_out:.1%} |")
    print("\nThe parts overlap, and add up to more than the run: a stage is computed while the one before is drawn.\n")
    record_and_pictures = {"record and pictures in a default run, share": _left_out(seconds[WHOLE], seconds[BARE])}
    print(compared(record_and_pictures, keep=arguments.keep))


def _left_out(whole: Sequence[float], without: Sequence[float]) -> float:
    """Return the median over the rounds of the share of a run that another one of the same round does without."""
    return statistics.median((a - b) / a for a, b in zip(whole, without, strict=True))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.shares", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds (3)")
    parser.add_argument("--keep", action="store_true", help="write the figures down as the recorded ones")
    parser.add_argument("--settings", nargs="*", default=[], metavar="WORD", help="of the pipeline, such as data=mnist")
    arguments = parser.parse_args()
    if arguments.repeats < 1:
        parser.error("--repeats: takes a number from 1 on")
    return arguments


def _run(*words: str, **environment: str) -> tuple[float, dict[str, float]]:
    """Return how long a command takes, and its parts, in seconds."""
    variables = {**os.environ, **environment, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *words],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - begun
    if done.returncode != 0:
        sys.exit(done.stderr)
    return seconds, json.loads(done.stderr.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
