"""A sweep by joblib's workers, the same sweep one job after the other, and its ascents alone, in one run, taking turns.

    python -m benchmarks.sweeps [--jobs N] [--workers N] [--repeats N] [--keep] [--settings WORD ...]

Every job is a sweep of OIPs with other noise, on a CNN that was trained before; both sides record it in MLflow. The
ascents alone are those of all jobs in a process that has done one before, with nothing beside them. Prints Markdown;
what it is doing goes to the standard error output.
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

from benchmarks.recorded import compared
from benchmarks.timing import ratio

ONE_BY_ONE, ALONE = "one by one", "the ascents alone"
ASCENTS = """
import sys, time
from pathlib import Path
from pipeline import compose
from pipeline.core import ascent
from pipeline.engine.storage import load_model
from pipeline.runtime.tensorflow import start_tensorflow
from pipeline.stages.oip import compute as oip
config = compose(*sys.argv[2:])
start_tensorflow(config.runtime)
(folder,) = Path("outputs/store/train").iterdir()
model, spent = load_model(folder), 0.0
def timed(*arguments, **named):
    global spent
    begun = time.perf_counter()
    try:
        return ascend(*arguments, **named)
    finally:
        spent += time.perf_counter() - begun
ascend, ascent.ascend = ascent.ascend, timed
for seed in range(int(sys.argv[1]) + 1):
    oip.sweep_oips(config.oip, config.noise, model, seed=seed)
    spent = spent if seed else 0.0
print(spent)
"""


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
            _say(f"round {number + 1} of {arguments.repeats}: {ALONE} ...")
            spent = _python(trained, "-c", ASCENTS, str(arguments.jobs), *arguments.settings)
            times.setdefault(ALONE, []).append(float(spent.split()[-1]))
    print(_table(times, side_by_side, arguments.jobs))
    print("\n" + compared(_figures(times, side_by_side, arguments.jobs), keep=arguments.keep))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.sweeps", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=12, metavar="N", help="jobs of each sweep (12)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="workers of joblib (2)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds (3)")
    parser.add_argument("--keep", action="store_true", help="write the figures down as the recorded ones")
    parser.add_argument("--settings", nargs="*", default=[], metavar="WORD", help="of the pipeline, such as data=mnist")
    arguments = parser.parse_args()
    for name in ("jobs", "workers", "repeats"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name}: takes a number from 1 on")
    return arguments


def _pipeline(folder: Path, *words: str) -> None:
    _python(folder, "-m", "pipeline", *words)


def _python(folder: Path, *words: str) -> str:
    # the sweeps run in a folder of their own, with the sources of this one
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout


def _check(folder: Path, jobs: int) -> None:
    found = len(list(folder.glob("outputs/multirun/*/*/*/oip/stage.json")))
    if found != jobs:
        sys.exit(f"{found} of {jobs} jobs left a result")


def _table(times: dict[str, list[float]], side_by_side: str, jobs: int) -> str:
    rows = ["| sweep | median, s | (from - to) |", "|---|---|---|"]
    for name, seconds in times.items():
        rows.append(f"| {name} | {statistics.median(seconds):.1f} | {min(seconds):.1f} - {max(seconds):.1f} |")
    rows += ["", f"{jobs} jobs; the ratios are medians of those within a round."]
    return "\n".join(rows)


def _figures(times: dict[str, list[float]], side_by_side: str, jobs: int) -> dict[str, float]:
    return {
        f"{jobs} jobs: one by one over {side_by_side}": ratio(times[ONE_BY_ONE], times[side_by_side]),
        f"{jobs} jobs: one by one over {ALONE}": ratio(times[ONE_BY_ONE], times[ALONE]),
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
