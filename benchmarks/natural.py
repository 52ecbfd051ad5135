"""How natural pictures of maps are, on one measure: this engine, its peers, real images and noise.

    python -m benchmarks.natural [--data-path mnist.npz] [--model FILE.keras] [--second-model FILE.keras] [--repeats N]

Without --data-path of the embedded digits. Every picture is judged as it is saved, by the engine's own evidence: the
images it may be drawn to are of the training half, those it is compared with of the test half. Prints Markdown; what it
is doing goes to the standard error output.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from benchmarks.case import Case, Figures, case_of, judged
from benchmarks.contenders import accentuation, pictures, vital
from benchmarks.contenders.pictures import Painter
from benchmarks.timing import ratio, timed
from pipeline import compose, load_dataset_for, train
from pipeline.data.dataset import Dataset
from pipeline.settings.config import Config

PLAIN = "default"
NAMES = (
    *("default", "article-loop", "article", "smooth", "maco", "vital", "accentuation"),
    *("range", "covariance", "start", "distributions", "match"),
    *("faithful-distributions", "faithful-fixed", "faithful"),
    *("best", "best-training", "mean-reference", "random", "scrambled", "noise"),
)
SEEDS = 0, 1


def main() -> None:
    """Make the pictures, judge them, and print the table."""
    arguments = _arguments()
    words = list(arguments.settings)
    if arguments.data_path is not None:
        words += ["data=mnist", f"data.path='{arguments.data_path}'"]
    config = compose(*words)
    dataset = load_dataset_for(config)
    model = _cnn(arguments.model, config, dataset, seed=SEEDS[0])
    second = _cnn(arguments.second_model, config, dataset, seed=SEEDS[1])
    case = case_of(model, second, config, words, dataset)
    painters = [painter for painter in _painters(case) if painter.name in arguments.only]
    found: dict[str, Figures] = {}
    made: dict[str, Any] = {}
    for painter in painters:
        _say(f"{painter.title} ...")
        made[painter.name] = painter.run(SEEDS[0])
        again = painter.run(SEEDS[1]) if painter.has_seeds else None
        found[painter.name] = judged(case, made[painter.name], painter.maps, again)
    if arguments.keep:
        np.savez_compressed(arguments.keep, driven=case.driven, top_class=_classes(case), **made)
    print(table(case, painters, found, _ratios(painters, case.maps, arguments.repeats)))


def table(
    case: Case, painters: Sequence[Painter], found: dict[str, Figures], ratios: dict[str, float] | None = None
) -> str:
    """Return the table in Markdown.

    Args:
        found: what each painter's pictures were judged to be.
        ratios: how many times as long as the plain engine's each took; None: not measured.
    """
    heads = [
        f"{case.dataset.name}, {int(case.driven.sum())} of {case.maps} maps", "score / largest real", "at least 1",
        "path index", "nearer than strangers", "class", "second CNN: path index", "class", "seeds agree",
    ]  # fmt: skip
    heads += [] if ratios is None else ["times the plain sweep's time"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for painter in painters:
        own = found[painter.name]
        cells = [
            painter.title, _number(own.score), _share(own.as_much), ", ".join(map(_number, own.path)),
            _share(own.nearer), _share(own.same_class), ", ".join(map(_number, own.second_path)),
            _share(own.second_class), _number(own.agreement),
        ]  # fmt: skip
        cells += [] if ratios is None else [_number(ratios.get(painter.name, float("nan")), digits=1)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float, digits: int = 2) -> str:
    # -0.00 is 0.00
    return f"{round(value, digits) + 0.0:.{digits}f}" if np.isfinite(value) else "-"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _painters(case: Case) -> list[Painter]:
    """Return all, in the order of the table."""
    made = [
        *pictures.by_settings(case), *pictures.article_loop(case), *vital.painters(case),
        *accentuation.painters(case), *pictures.controls(case),
    ]  # fmt: skip
    return sorted(made, key=lambda painter: NAMES.index(painter.name))


def _ratios(painters: Sequence[Painter], maps: int, repeats: int) -> dict[str, float] | None:
    """Return how many times as long as the plain engine each takes, warm and in turns; None without repeats."""
    timed_ones = {painter.name: painter for painter in painters if painter.is_timed}
    if not repeats or PLAIN not in timed_ones:
        return None
    times: dict[str, list[float]] = {name: [] for name in timed_ones}
    for number in range(repeats):
        _say(f"round {number + 1} of {repeats} ...")
        for name, painter in timed_ones.items():
            seconds, _ = timed(lambda painter=painter: painter.run(SEEDS[0]))  # type: ignore[misc]
            times[name].append(seconds * maps / len(painter.maps))
    return {name: ratio(own, times[PLAIN]) for name, own in times.items()}


def _classes(case: Case) -> np.ndarray:
    """Return the class (maps,) of most of the test images that drive each map; -1 for none."""
    labels = case.dataset.test_labels[case.real.chosen]
    pairs = zip(labels, case.real.drives, strict=True)
    return np.array([np.bincount(own[does]).argmax() if does.any() else -1 for own, does in pairs])


def _cnn(path: Path | None, config: Config, dataset: Dataset, *, seed: int) -> keras.Model:
    if path:
        return keras.models.load_model(path)
    _say(f"training a CNN on {dataset.name}, seed {seed} ...")
    return train(config.train, config.model, dataset, seed=seed).model


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.natural", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, metavar="FILE.keras", help="a trained CNN; without it one is trained")
    parser.add_argument("--second-model", type=Path, metavar="FILE.keras", help="another one, from another seed")
    parser.add_argument("--data-path", metavar="FILE.npz", help="MNIST; without it the embedded digits")
    parser.add_argument("--settings", nargs="*", default=[], metavar="WORD", help="such as data=fashion_mnist")
    parser.add_argument("--only", nargs="+", default=NAMES, choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="rounds of the timing (3); 0: none")
    parser.add_argument("--keep", type=Path, metavar="FILE.npz", help="where to leave the pictures")
    arguments = parser.parse_args()
    if arguments.repeats < 0:
        parser.error("--repeats: takes a number from 0 on")
    for name, path in {"--model": arguments.model, "--second-model": arguments.second_model}.items():
        if path and not path.is_file():
            parser.error(f"{name}: no such file: {path}")
    return arguments


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
