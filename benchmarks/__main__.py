"""`make bench`: the OIP sweep against the article's loop, the peer tools and a plain torch loop, in one run.

    python -m benchmarks [--model FILE.keras] [--repeats N] [--only NAME ...] [--objective before|after]

Prints Markdown; what it is doing goes to the standard error output.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from benchmarks import many_starts, report
from benchmarks.contenders.all import NAMES, PEERS, Absent, contenders, failed
from benchmarks.machine import MatrixProducts
from benchmarks.recorded import compared
from benchmarks.task import SEED, Task, task_of
from benchmarks.timing import Timing, first_call, take_turns
from pipeline import compose, load_dataset, train
from pipeline.settings.config import Config

MANY_STARTS = "many-starts"


def main() -> None:
    """Time what was asked for, and print it."""
    arguments = _arguments()
    config = compose(*arguments.settings)
    model = keras.models.load_model(arguments.model) if arguments.model else _trained(config)
    task = task_of(model, config, after=arguments.objective == "after")
    timings, absent = _first_calls(task, arguments.only)
    products = MatrixProducts()

    def between(number: int) -> None:
        _say(f"round {number + 1} of {arguments.repeats} ...")
        products.measure()

    take_turns(timings, arguments.repeats, between)
    if timings or absent:
        print(report.table(task, timings, absent, arguments.repeats), end="\n\n")
        print(report.engine_share(task, timings, products), end="\n\n")
        print(compared(report.figures(timings, products, task), keep=arguments.keep))
    if MANY_STARTS in arguments.only:
        _say(f"{many_starts.STARTS} starts for every map ...")
        print(report.many_starts(task, _many_starts(model, arguments.model)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, metavar="FILE.keras", help="a trained CNN; without it one is trained")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds after the first calls (5)")
    choices = (*NAMES, MANY_STARTS)
    parser.add_argument("--only", nargs="+", default=choices, choices=choices, metavar="NAME", help=", ".join(choices))
    parser.add_argument(
        "--objective",
        choices=("before", "after"),
        default="before",
        help="what the peers ascend: a map before its relu, to their advantage (before), or the layer's output",
    )
    parser.add_argument("--keep", action="store_true", help="write the figures down as the recorded ones")
    parser.add_argument("--settings", nargs="*", default=[], metavar="WORD", help="of the pipeline, such as data=mnist")
    arguments = parser.parse_args()
    if arguments.repeats < 1:
        parser.error("--repeats: takes a number from 1 on")
    if arguments.model and not arguments.model.is_file():
        parser.error(f"--model: no such file: {arguments.model}")
    return arguments


def _trained(config: Config) -> keras.Model:
    dataset = load_dataset(config.data, size=config.model.input_size)
    _say(f"training the CNN on {dataset.name} ({config.train.epochs} epochs) ...")
    return train(config.train, config.model, dataset, seed=SEED).model


def _first_calls(task: Task, chosen: list[str]) -> tuple[list[Timing], list[Absent]]:
    """The first call of each contender; a peer that fails is set aside."""
    timings: list[Timing] = []
    absent: list[Absent] = []
    for contender in contenders(task, chosen):
        if isinstance(contender, Absent):
            absent.append(contender)
            _say(f"{contender.name}: {contender.reason}")
            continue
        _say(f"{contender.name}: first call ...")
        try:
            timings.append(first_call(contender))
        except Exception as error:
            if contender.name not in PEERS:
                raise
            absent.append(failed(contender.name, error))
            _say(f"{contender.name}: {absent[-1].reason}")
    return timings, absent


def _many_starts(model: keras.Model, path: Path | None) -> dict[str, float | str]:
    if path:
        return many_starts.in_a_process_of_its_own(path)
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model.keras"
        model.save(saved)
        return many_starts.in_a_process_of_its_own(saved)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
