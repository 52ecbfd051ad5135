"""What a device and its settings take: OIPs, dreams and trainings, and whether they come to the same bits each time.

    python -m benchmarks.devices [--data MNIST.npz] [--only sweep starts dream train] [--rounds N] [--output FILE]

Every line is computed in a process of its own, in each round again; so the bits are compared between processes and
within one. Computed with the GPU that TensorFlow sees, else with the CPU. Prints Markdown; what it is doing goes to the
standard error output.
"""

import argparse
import hashlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.many_starts import STARTS
from benchmarks.timing import ratio

MEGAPIXELS = 24
FREE = "runtime.deterministic=false"
MIXED = "train.precision=mixed_bfloat16"
# Each part: its lines, of which the ratios are to the first, and how often a process computes it after the first time.
PARTS: dict[str, tuple[dict[str, tuple[str, ...]], int]] = {
    "sweep": ({f"`oip.xla={xla}`": (f"oip.xla={xla}",) for xla in ("null", "true", "false")}, 5),
    "starts": ({f"{STARTS} starts for each of 128 maps": (f"oip.starts={STARTS}",)}, 1),
    "dream": ({f"{MEGAPIXELS} megapixels, octaves of 3 steps": ("dream=octaves", "dream.steps=3")}, 0),
    "train": (
        {
            "`train=default`": (),
            f"`{MIXED}`": (MIXED,),
            f"`{FREE}`": (FREE,),
            f"`train.xla=true {FREE}`": ("train.xla=true", FREE),
            f"`train.xla=true {FREE} {MIXED}`": ("train.xla=true", FREE, MIXED),
        },
        2,
    ),
}


def main() -> None:
    """Measure what was asked for, and print it."""
    arguments = _arguments()
    if arguments.child:
        print(json.dumps(_computed(arguments)))
        return
    with tempfile.TemporaryDirectory() as place:
        model = Path(place) / "model.keras"
        made = _in_a_process("model", (), model, arguments)
        if "refused" in made:
            sys.exit(made["refused"])
        print(f"{made['device']}, {os.cpu_count()} cores\n")
        for part in arguments.only:
            print(_table(part, model, arguments), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.devices", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="MNIST.npz", help="Keras' file; without it scikit-learn's digits")
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS, metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="processes for each line (2)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="gets a line of JSON from each process")
    # what a process of its own is started with
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--words", nargs="*", default=[], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: takes a number from 1 on")
    if arguments.data and not arguments.data.is_file():
        parser.error(f"--data: no such file: {arguments.data}")
    return arguments


def _in_a_process(part: str, words: tuple[str, ...], model: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    print(f"{part} {' '.join(words)} ...", file=sys.stderr)
    data = ["--data", str(arguments.data)] if arguments.data else []
    asked = ["--child", part, "--model", str(model), "--words", *words]
    command = [sys.executable, "-m", "benchmarks.devices", *data, *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"refused": (done.stderr.strip() or "no message").splitlines()[-1]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if arguments.output:
        with arguments.output.open("a", encoding="utf-8") as file:
            print(json.dumps({"part": part, "words": words, **found}), file=file)
    return found


def _table(part: str, model: Path, arguments: argparse.Namespace) -> str:
    lines, _ = PARTS[part]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in lines}
    for _ in range(arguments.rounds):
        for name, words in lines.items():
            found[name].append(_in_a_process(part, words, model, arguments))
    what = "an epoch" if part == "train" else "a call"
    rows = [f"| {part} | first, s | {what} after it, s | ratio | same bits |", "|---|---|---|---|---|"]
    first = next(iter(found.values()))
    for name, processes in found.items():
        refused = [process["refused"] for process in processes if "refused" in process]
        rows.append(f"| {name} | {refused[0]} | | | |" if refused else _row(name, processes, first))
    return "\n".join(rows) + "\n"


def _row(name: str, processes: list[dict[str, Any]], first: list[dict[str, Any]]) -> str:
    warm = [statistics.median(process["warm"] or [process["first"]]) for process in processes]
    reference = [statistics.median(process["warm"] or [process["first"]]) for process in first if "warm" in process]
    digests = {digest for process in processes for digest in process["digests"]}
    same = "yes" if len(digests) == 1 else f"no: {len(digests)} results"
    compared = f"{ratio(warm, reference):.2f}" if len(reference) == len(warm) else "-"
    opening = statistics.median(process["first"] for process in processes)
    return f"| {name} | {opening:.2f} | {statistics.median(warm):.2f} | {compared} | {same} |"


def _computed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return first, warm (seconds), digests of what came out, and device: of this process."""
    from pipeline import compose
    from pipeline.runtime.devices import gpu_names
    from pipeline.runtime.tensorflow import start_tensorflow

    data = ("data=mnist", f"data.path={arguments.data}") if arguments.data else ()
    config = compose(*(data if arguments.child == "train" else ()), *arguments.words)
    start_tensorflow(config.runtime)
    device = ", ".join(gpu_names()) or "CPU"
    if arguments.child == "model":
        _train(config).model.save(arguments.model)
        return {"device": device}
    if arguments.child == "train":
        return {"device": device, **_epochs(config, PARTS["train"][1])}
    run = _run_of(arguments.child, config, arguments.model)
    return {"device": device, **_calls(run, PARTS[arguments.child][1])}


def _train(config: Any, **named: Any) -> Any:
    from pipeline.data.datasets import load_dataset
    from pipeline.stages.train.compute import train

    return train(config.train, config.model, load_dataset(config.data, size=28), seed=0, **named)


def _epochs(config: Any, after: int) -> dict[str, Any]:
    """Train for 1 + after epochs."""
    config = replace(config, train=replace(config.train, epochs=1 + after))
    begun, at = time.perf_counter(), list[float]()
    result = _train(config, progress=lambda *_, **__: at.append(time.perf_counter() - begun))
    weights = b"".join(weight.tobytes() for weight in result.model.get_weights())
    seconds = [end - start for start, end in itertools.pairwise(at)]
    accuracy = float(result.history["test_accuracy"][-1])
    return {"first": at[0], "warm": seconds, "digests": [hashlib.sha256(weights).hexdigest()], "accuracy": accuracy}


def _run_of(part: str, config: Any, path: Path) -> Callable[[], Any]:
    """Return the call whose result is an array."""
    import keras

    from benchmarks.photos import photo_of
    from pipeline.stages.dream.compute import dream
    from pipeline.stages.oip.compute import sweep_oips

    model = keras.models.load_model(path)
    if part != "dream":
        return lambda: sweep_oips(config.oip, config.noise, model, seed=0).images
    ask = partial(dream, replace(config.dream, size=None), model, photo_of(MEGAPIXELS), seed=0)
    return lambda: ask().picture


def _calls(run: Callable[[], Any], after: int) -> dict[str, Any]:
    from benchmarks.timing import timed

    times, digests = [], []
    for _ in range(1 + after):
        seconds, result = timed(run)
        times.append(seconds)
        digests.append(hashlib.sha256(result.tobytes()).hexdigest())
    return {"first": times[0], "warm": times[1:], "digests": digests}


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
