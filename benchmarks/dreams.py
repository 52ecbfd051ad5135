"""Dreams: how long they take, whether seams show, and what a megapixel costs, in one run.

    python -m benchmarks.dreams [--model FILE.keras] [--repeats N] [--only carving seams megapixels atlas ...]

Prints Markdown; what it is doing goes to the standard error output.
"""

import argparse
import os
import resource
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from benchmarks.machine import MatrixProducts
from benchmarks.photos import photo_of
from benchmarks.timing import timed
from pipeline import compose, dream, dream_sheet, load_dataset, load_photo, train
from pipeline.core.colour import luma
from pipeline.core.tiles import tiling
from pipeline.settings.choices import Fit

MEGAPIXELS = (0.25, 1.0, 4.0, 24.0)
PARTS = ("carving", "seams", "megapixels", "atlas")
# Standard deviations per pixel: below that a photo counts as background.
CALM = 0.15


def main() -> None:
    """Measure what was asked for, and print it."""
    arguments = _arguments()
    model = keras.models.load_model(arguments.model) if arguments.model else _trained()
    products = MatrixProducts()
    parts: dict[str, Callable[[], str]] = {
        "carving": lambda: _carving(model, arguments.repeats, products),
        "seams": lambda: _seams(model),
        "megapixels": lambda: _megapixels(model),
        "atlas": lambda: _atlas(model),
    }
    for name in arguments.only:
        print(f"{name} ...", file=sys.stderr)
        products.measure()
        print(parts[name](), flush=True)
    products.measure()
    print(f"\nTensorFlow's float32 matrix product meanwhile: {products.flops / 1e9:.0f} GFLOP/s (median)")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.dreams", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, metavar="FILE.keras", help="a trained CNN; without it one is trained")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds after the first calls (5)")
    parser.add_argument("--only", nargs="+", default=PARTS, choices=PARTS, metavar="NAME", help=", ".join(PARTS))
    arguments = parser.parse_args()
    if arguments.model and not arguments.model.is_file():
        parser.error(f"--model: no such file: {arguments.model}")
    return arguments


def _trained() -> keras.Model:
    config = compose()
    return train(config.train, config.model, load_dataset(config.data, size=config.model.input_size), seed=0).model


def _carving(model: keras.Model, repeats: int, products: MatrixProducts) -> str:
    """560 x 560, levels 1, 2, 4, four turns of 30 steps: with plain tiles and with overlapping ones, taking turns."""
    photo = load_photo("flower", size=560, fit=Fit.crop)
    kinds = {"plain tiles": ["dream.overlap=0"], "overlapping tiles": []}
    configs = {name: compose("dream.fit=crop", *words).dream for name, words in kinds.items()}
    first = {name: timed(partial(dream, config, model, photo, seed=0))[0] for name, config in configs.items()}
    warm: dict[str, list[float]] = {name: [] for name in configs}
    for _ in range(repeats):
        products.measure()
        for name, config in configs.items():
            warm[name].append(timed(partial(dream, config, model, photo, seed=0))[0])
    lines = [
        "| 560 x 560, levels 1, 2, 4, four turns of 30 steps | first call, s | warm, s | (from - to) |",
        "|---|---|---|---|",
    ]
    for name, times in warm.items():
        median = statistics.median(times)
        lines.append(f"| {name} | {first[name]:.2f} | {median:.2f} | {min(times):.2f} - {max(times):.2f} |")
    return "\n".join(lines) + "\n"


def _seams(model: keras.Model) -> str:
    """The mean step across tile borders over the one a pixel beside them, where the photo is calm."""
    photo = load_photo("flower", size=560, fit=Fit.crop)
    lines = [
        "| step across tile borders over the one a pixel beside, background | at borders | 35 pixels off |",
        "|---|---|---|",
    ]
    for name, words in {"plain tiles": ["dream.overlap=0"], "overlapping tiles": []}.items():
        config = compose("dream.fit=crop", *words).dream
        picture = dream(config, model, photo, seed=0).picture
        original = luma(photo)
        original = (original - original.mean()) / original.std()
        borders = sorted(
            {int(edge) for n in config.levels for s in [tiling(560, 560, n, config.overlap)]
             for start in s.rows for edge in (start, start + s.shape[0]) if 2 < edge < 558}
        )  # fmt: skip
        at, off = (_step_ratio(picture, original, [b + shift for b in borders if b + shift < 558]) for shift in (0, 35))
        lines.append(f"| {name} | {at:.3f} | {off:.3f} |")
    return "\n".join(lines) + "\n"


def _step_ratio(picture: np.ndarray, photo: np.ndarray, borders: list[int]) -> float:
    across, beside = 0.0, 0.0
    for x, y in ((picture, photo), (picture.T, photo.T)):
        slope = np.abs(np.gradient(y)[0]) + np.abs(np.gradient(y)[1])
        steps = np.abs(np.diff(x, axis=0))
        for border in borders:
            calm = slope[border - 3 : border + 3].max(axis=0) < CALM
            across += steps[border - 1][calm].sum()
            beside += (steps[border - 2][calm].sum() + steps[border][calm].sum()) / 2
    return across / beside


def _megapixels(model: keras.Model) -> str:
    """Octaves of ever larger photos: what a megapixel costs, and the memory of this process until then."""
    config = replace(compose("dream=octaves", "dream.steps=3").dream, size=None)
    lines = ["| octaves, 3 steps each | s | s per megapixel | peak memory, MiB |", "|---|---|---|---|"]
    for megapixels in MEGAPIXELS:
        photo = photo_of(megapixels)
        if megapixels < 10:
            dream(config, model, photo, seed=0)
        seconds, _ = timed(partial(dream, config, model, photo, seed=0))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        height, width = photo.shape[:2]
        real = width * height / 1e6
        lines.append(f"| {width} x {height} | {seconds:.1f} | {seconds / real:.2f} | {peak:.0f} |")
    return "\n".join(lines) + "\n"


def _atlas(model: keras.Model) -> str:
    """One photo of 560 x 560 by every map, as experiment=dream_atlas does it."""
    photo = load_photo("china", size=560, fit=Fit.crop)
    config = compose("experiment=dream_atlas").dream
    seconds, result = timed(partial(dream_sheet, config, model, photo, seed=0))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"One photo of 560 x 560 by {len(result.steps)} maps, octaves: {seconds:.0f} s, peak memory {peak:.0f} MiB\n"


if __name__ == "__main__":
    main()
