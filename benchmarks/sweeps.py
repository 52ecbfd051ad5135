"""A sweep by joblib's workers against the same sweep one job after the other, in one run, taking turns.

    python -m benchmarks.sweeps [--jobs N] [--workers N] [--repeats N] [--settings WORD ...]

Every job is a sweep of OIPs with other noise, on a CNN that was trained before; both sides record it in MLflow. Prints
Markdown; what it is doing goes to the standard error output.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ONE_BY_ONE = "one by one"


def main() -> None:
    """Time what was asked for, and print it."""
    arguments = _arguments()
    side_by_side = f"joblib, {arguments.workers} workers"
    sides = {ONE_BY_ONE: (), side_by_side: ("hydra/launcher=joblib", f"hydra.launcher.n_jobs={arguments.workers}")}
    times: dict[str, list[float]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as place:
        trained = Path(place) / "trained"
        trained.mkdir()
        _say("training the CNN ...")
        # what the first recorded sweep would make is there for both
        _pipeline(trained, *arguments.settings, "stages=[oip]")
        for number in range(arguments.repeats):
            for name, launcher in sides.items():
                _say(f"round {number + 1} of {arguments.repeats}: {name} ...")
                folder = shutil.copytree(trained, Path(place) / "sweep")
                jobs = ("-m", "stages=[oip]", f"noise.seed=range(1,{arguments.jobs + 1})")
                started = time.perf_counter()
                _pipeline(folder, *jobs, *arguments.settings, *launcher)
                times[name].append(time.perf_counter() - started)
                _check(folder, arguments.jobs)
                shutil.rmtree(folder)
    print(_table(times, side_by_side, arguments.jobs))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.sweeps", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=12, metavar="N", help="jobs of each sweep (12)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="workers of joblib (2)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds (3)")
    parser.add_argument("--settings", nargs="*", default=[], metavar="WORD", help="of the pipeline, such as data=mnist")
    arguments = parser.parse_args()
    for name in ("jobs", "workers", "repeats"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name}: takes a number from 1 on")
    return arguments


def _pipeline(folder: Path, *words: str) -> None:
    # the sweeps run in a folder of their own, with the sources of this one
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    command = [sys.executable, "-m", "pipeline", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)


def _check(folder: Path, jobs: int) -> None:
    found = len(list(folder.glob("outputs/multirun/*/*/*/oip/stage.json")))
    if found != jobs:
        sys.exit(f"{found} of {jobs} jobs left a result")


def _table(times: dict[str, list[float]], side_by_side: str, jobs: int) -> str:
    rows = ["| sweep | median, s | (from - to) |", "|---|---|---|"]
    for name, seconds in times.items():
        rows.append(f"| {name} | {statistics.median(seconds):.1f} | {min(seconds):.1f} - {max(seconds):.1f} |")
    ratio = statistics.median(a / b for a, b in zip(times[ONE_BY_ONE], times[side_by_side], strict=True))
    return "\n".join([*rows, "", f"{jobs} jobs: {ratio:.2f} times as fast, the median of the ratios within a round."])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
