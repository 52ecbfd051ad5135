"""How good and how fast a training is, over seeds: of presets, and of each thing that `train=best` adds to a plain one.

    python -m benchmarks.training MNIST.npz [--seeds 0 1 2] [--only NAME ...] [--epochs N] [--output FILE]

MNIST.npz: Keras' file. A training looks at the test images after every epoch, to report; the figure is that of the last
one. How much of the machine an epoch takes is its multiplications against a float32 matrix product, measured in the
same process before and after; the first epoch, in which TensorFlow builds its program, is left out. Prints Markdown;
every training is a line of FILE as soon as it is done, and those that are there are not done again.
"""

import argparse
import itertools
import json
import statistics
import time
from pathlib import Path
from typing import Any

import keras

from benchmarks.machine import MatrixProducts, multiply_adds
from pipeline import compose, load_dataset, train

# What is asked for: the article's accuracy on MNIST.
WANTED = 0.9944
# A plain training, and what is added to it, one after the other; with more epochs, and without the square that is cut
# out last, it is `train=best`.
PLAIN = ("train=default", "train.augmentation={rotation:0,shift:0,zoom:0,shear:0,elastic:0,smoothness:4,cut_out:0}")
EPOCHS, CUT_OUT = 8, 8
_MOVES = ("rotation", "shift", "zoom", "shear")


def steps() -> dict[str, list[str]]:
    """Return name -> words, each with those before it."""
    best = compose("train=best", "data=mnist").train
    moved, rate = best.augmentation, best.learning_rate
    words = {
        "plain": PLAIN,
        "+ larger batches": (f"train.batch_size={best.batch_size}", f"train.learning_rate.initial={rate.initial}"),
        "+ moved": tuple(f"train.augmentation.{name}={getattr(moved, name)}" for name in _MOVES),
        "+ bent": tuple(f"train.augmentation.{name}={getattr(moved, name)}" for name in ("elastic", "smoothness")),
        "+ warm-up": (f"train.learning_rate.warm_up={rate.warm_up}",),
        "+ averages": (f"train.optimizer.averaging={best.optimizer.averaging}",),
        "+ label smoothing": (f"train.label_smoothing={best.label_smoothing}",),
        "+ cut out": (f"train.augmentation.cut_out={CUT_OUT}",),
    }
    return {name: [word for part in list(words.values())[: number + 1] for word in part]
            for number, name in enumerate(words)}  # fmt: skip


def main() -> None:
    """Train what was asked for, and print the table."""
    arguments = _arguments()
    wanted = {"train=default": ["train=default"], "train=best": ["train=best"]}
    wanted |= {name: [*words, f"train.epochs={arguments.epochs}"] for name, words in steps().items()}
    if arguments.only:
        wanted = {name: words for name, words in wanted.items() if name in arguments.only}
    done = _read(arguments.output)
    for seed, (name, words) in itertools.product(arguments.seeds, wanted.items()):
        if (name, seed) not in done:
            done[name, seed] = found = _trained(words, seed, arguments.data)
            with arguments.output.open("a", encoding="utf-8") as file:
                print(json.dumps({"name": name, "seed": seed, **found}), file=file)
    print(f"| training, {len(arguments.seeds)} seeds | epochs | test accuracy | of each seed | test loss | expected "
          f"calibration error | s | s to {WANTED:.2%} | share of the matrix product |\n|{'---|' * 9}")  # fmt: skip
    for name in wanted:
        print(_row(name, [done[name, seed] for seed in arguments.seeds]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the plain training and what is added to it")
    parser.add_argument("--output", type=Path, default=Path("outputs/trainings.jsonl"))
    return parser.parse_args()


def _read(file: Path) -> dict[tuple[str, int], dict[str, Any]]:
    if not file.exists():
        return {}
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {(line["name"], line["seed"]): line for line in lines}


def _trained(words: list[str], seed: int, data: Path) -> dict[str, Any]:
    """Return the figures of one training."""
    config = compose("data=mnist", f"data.path={data}", f"seed={seed}", *words)
    dataset = load_dataset(config.data, size=28)
    products = MatrixProducts()
    products.measure()
    begun, at = time.perf_counter(), list[float]()
    result = train(
        config.train, config.model, dataset, seed=seed, progress=lambda *_, **__: at.append(time.perf_counter() - begun)
    )
    products.measure()
    history = result.history
    reached = [second for second, accuracy in zip(at, history["test_accuracy"], strict=True) if accuracy >= WANTED]
    # forwards, and the gradients of the kernels and of what comes in
    operations = 3 * 2 * sum(multiply_adds(layer) for layer in result.model.layers if _learns(layer))
    rate = statistics.median(result.images_per_second.tolist()[1:] or result.images_per_second.tolist())
    return {
        "epochs": len(at),
        "accuracy": float(history["test_accuracy"][-1]),
        "loss": float(history["test_loss"][-1]),
        "calibration": result.evaluation.calibration_error,
        "seconds": at[-1],
        "reached": reached[0] if reached else None,
        "share": rate * operations / products.flops,
        "curve": history["test_accuracy"].tolist(),
    }


def _learns(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)


def _row(name: str, found: list[dict[str, Any]]) -> str:
    """Return the line of a table: means over the seeds; the standard deviation is that of n - 1."""
    accuracies = [one["accuracy"] for one in found]
    spread = f" ± {statistics.stdev(accuracies):.3%}" if len(found) > 1 else ""
    reached = [one["reached"] for one in found]
    seconds = "-" if None in reached else f"{statistics.mean(reached):.0f}"
    mean = {key: statistics.mean(one[key] for one in found) for key in ("loss", "calibration", "seconds", "share")}
    return (
        f"| `{name}` | {found[0]['epochs']} | {statistics.mean(accuracies):.3%}{spread} | "
        f"{', '.join(f'{accuracy:.2%}' for accuracy in accuracies)} | {mean['loss']:.4f} | {mean['calibration']:.2%} | "
        f"{mean['seconds']:.0f} | {seconds} | {mean['share']:.0%} |"
    )


if __name__ == "__main__":
    main()
