"""What came out, as Markdown."""

import statistics
from collections.abc import Sequence

import numpy as np

from benchmarks.contenders.all import Absent
from benchmarks.contenders.engine import DEFAULT
from benchmarks.machine import SIDE, MatrixProducts, work_of
from benchmarks.many_starts import STARTS
from benchmarks.task import Task, mean_activations
from benchmarks.timing import Timing, ratio

HEADER = (
    "| contender | steps | objective | start images | first call, s | warm, s | (from - to) | times the engine's "
    "| maps at zero | mean activation |\n|---|---|---|---|---|---|---|---|---|---|"
)


def table(task: Task, timings: Sequence[Timing], absent: Sequence[Absent], repeats: int) -> str:
    """One row per contender, and what the marks in it mean."""
    scores = {timing.contender.name: _scores(task, timing) for timing in timings}
    engine = next((timing for timing in timings if timing.contender.name == DEFAULT), None)
    lines = [HEADER, *(_row(task, timing, scores[timing.contender.name], engine) for timing in timings)]
    lines += [f"| {name}: {reason} {'| ' * 9}|" for name, reason in absent]
    lines += [
        "",
        f"{task.maps} maps of `{task.layer}`, on the same trained weights; medians of {repeats} rounds in which all "
        "took turns; the ratio is the median of the ratios within a round. Every picture was standardized and then "
        "judged by the same function: the mean activation, after the activation function, that it causes in its map. "
        "Before relu: the mean of the map before its activation function was ascended, which leaves no map without a "
        "gradient. Start images: the given ones are the engine's.",
    ]
    few = next((timing.contender.maps for timing in timings if len(timing.contender.maps) < task.maps), None)
    if few:
        note = f"\\* Done for {len(few)} maps ({', '.join(map(str, few))}) and scaled to {task.maps}; the first call, "
        note += "the maps at zero and the mean activation are those of these maps alone"
        if engine:
            own = [scores[DEFAULT][engine.contender.maps.index(map_index)] for map_index in few]
            note += f" (the engine's mean over the same maps: {np.mean(own):.2f})"
        lines += ["", f"{note}."]
    return "\n".join(lines)


def engine_share(task: Task, timings: Sequence[Timing], products: MatrixProducts) -> str:
    """The engine's operations per second beside those of a plain matrix product."""
    lines = [
        "| share of the machine | |",
        "|---|---|",
        f"| TensorFlow's float32 matrix product, {SIDE} x {SIDE} | {products.flops / 1e9:.1f} GFLOP/s |",
    ]
    for timing in timings:
        if timing.contender.name == DEFAULT:
            seconds, work = statistics.median(timing.warm), work_of(task)
            lines += [
                f"| {title} | {operations / 1e9:.1f} GFLOP: {operations / seconds / products.flops:.1%} of that rate |"
                for title, operations in (
                    ("the engine's convolutions, as performed", work.performed),
                    (f"the same if `{task.layer}` were computed too", work.nominal),
                )
            ]
    return "\n".join(lines)


def figures(timings: Sequence[Timing], products: MatrixProducts, task: Task) -> dict[str, float]:
    """Return what the docs say of these timings, by name: ratios to the engine's time, its share of the machine."""
    engine = next((timing for timing in timings if timing.contender.name == DEFAULT), None)
    if engine is None:
        return {}
    found = {
        f"{timing.contender.title}, times the engine's": ratio(timing.scaled(task.maps), engine.warm)
        for timing in timings
        if timing is not engine
    }
    share = work_of(task).performed / statistics.median(engine.warm) / products.flops
    return {**found, "the engine's convolutions, share of the matrix product's rate": share}


def many_starts(task: Task, found: dict[str, float | str]) -> str:
    """Time and memory of the sweep with many starts."""
    title = f"{task.maps} maps x {STARTS} starts"
    if "refused" in found:
        return f"{title}: not available ({found['refused']})"
    return (
        f"{title}, in a process of its own, one run: {found['seconds']:.1f} s; peak resident memory "
        f"{found['peak_mib']:.0f} MiB ({found['before_mib']:.0f} MiB after a sweep with one start)"
    )


def _scores(task: Task, timing: Timing) -> np.ndarray:
    return mean_activations(task, timing.pictures, timing.contender.maps)


def _row(task: Task, timing: Timing, scores: np.ndarray, engine: Timing | None) -> str:
    contender = timing.contender
    warm = timing.scaled(task.maps)
    mark = "" if len(contender.maps) == task.maps else " \\*"
    cells = [
        contender.title,
        contender.steps,
        contender.objective,
        contender.starts,
        f"{timing.first:.2f}{mark}",
        f"{statistics.median(warm):.2f}{mark}",
        f"{min(warm):.2f} - {max(warm):.2f}",
        f"{ratio(warm, engine.warm):.2f}" if engine else "",
        # not a number counts as zero
        f"{np.count_nonzero(~(scores > 0))} of {len(scores)}{mark}",
        f"{scores.mean():.2f}{mark}",
    ]
    return f"| {' | '.join(map(str, cells))} |"
