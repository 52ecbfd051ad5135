"""What is computed before its turn: the same bits, told once, given up when nobody will ask."""

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import SMOKE, pipeline, succeeded
from templates import copy_of

from pipeline.engine.ahead import Ahead, Computed
from pipeline.engine.plan import Next
from pipeline.runtime.progress import Progress, no_progress

OIPS = (*SMOKE, "stages=[oip]", "tracking=none")


def found(key: str, compute: Callable[[Progress], Any]) -> Callable[[], Next]:
    return lambda: Next(key, lambda progress: Computed(compute(progress), {"up": key}))


def test_a_result_is_taken_by_its_key_once() -> None:
    with Ahead() as ahead:
        ahead.begin(found("a", lambda _: 7))
        assert ahead.take("b", no_progress) is None
        assert ahead.take("a", no_progress) == (7, {"up": "a"})
        assert ahead.take("a", no_progress) is None


def test_what_is_computed_is_waited_for_and_its_progress_told_in_the_thread_that_waits() -> None:
    go, told = threading.Event(), []

    def compute(progress: Progress) -> int:
        progress("oip", 1, 4, loss=0.5)
        go.wait()
        return 1

    def tell(task: str, done: int, total: int, **values: float) -> None:
        told.append((threading.current_thread(), task, done, total, values))
        go.set()

    with Ahead() as ahead:
        before = time.time() * 1000
        ahead.begin(found("a", compute))
        begun = ahead.begun("a")
        assert begun is not None
        assert before - 1 <= begun <= time.time() * 1000 + 1
        assert ahead.begun("b") is None
        assert ahead.is_busy
        taken = ahead.take("a", tell)
    assert taken is not None
    assert taken.result == 1
    assert told == [(threading.current_thread(), "oip", 1, 4, {"loss": 0.5})]


@pytest.mark.parametrize("where", ["finding", "computing", "nothing"])
def test_what_fails_is_left_to_who_asks_for_it_and_the_next_is_begun(where: str) -> None:
    def fails(_: Progress) -> None:
        raise ValueError("no")

    def find() -> Next | None:
        if where == "finding":
            raise ValueError("no")
        return None if where == "nothing" else found("a", fails)()

    with Ahead() as ahead:
        ahead.begin(find)
        assert ahead.take("a", no_progress) is None
        ahead.begin(found("b", lambda _: 2))
        assert ahead.take("b", no_progress) == (2, {"up": "b"})


def test_a_result_that_is_not_taken_stays_and_no_other_is_begun() -> None:
    with Ahead() as ahead:
        ahead.begin(found("a", lambda _: 1))
        ahead.begin(found("b", lambda _: 2))
        assert ahead.take("b", no_progress) is None
        assert ahead.take("a", no_progress) == (1, {"up": "a"})


def test_what_nobody_will_ask_for_is_given_up() -> None:
    steps = []

    def endless(progress: Progress) -> None:
        while True:
            steps.append(1)
            time.sleep(0.01)
            progress("oip", len(steps), 10**9)

    with Ahead() as ahead:
        ahead.begin(found("a", endless))
        ahead.begun("a")
    after = len(steps)
    time.sleep(0.1)
    assert len(steps) == after
    assert not ahead.is_busy


def test_a_disabled_one_computes_nothing() -> None:
    with Ahead(enabled=False) as ahead:
        ahead.begin(found("a", lambda _: 1))
        assert ahead.begun("a") is None
        assert ahead.take("a", no_progress) is None


def described(stage: Path) -> dict[str, Any]:
    return json.loads((stage / "stage.json").read_text())


def test_the_jobs_of_a_sweep_are_computed_while_the_one_before_is_drawn_and_have_the_same_bits(
    smoke_here: Path,
) -> None:
    succeeded(pipeline(smoke_here, "-m", *OIPS, "noise.seed=1,2,3"))
    jobs = sorted(smoke_here.glob("outputs/multirun/*/*/[0-9]/oip"))
    assert len(jobs) == 3
    shutil.rmtree(smoke_here / "outputs" / "store" / "oip")
    for seed, job in enumerate(jobs, start=1):
        succeeded(pipeline(smoke_here, *OIPS, f"noise.seed={seed}", f"hydra.run.dir=alone/{seed}"))
        assert described(smoke_here / "alone" / str(seed) / "oip")["digests"] == described(job)["digests"]
    # of at least one job the computation began before the one before it was recorded and its own turn came
    turns = [json.loads((job.parent / "job.json").read_text())["begun"] * 1000 for job in jobs]
    begun = [described(job)["process"]["start_time"] for job in jobs]
    assert begun[0] >= turns[0] - 1
    assert any(start < turn for start, turn in zip(begun[1:], turns[1:], strict=True))


def test_the_stages_of_a_run_are_computed_while_the_ones_before_are_drawn_and_have_the_same_bits(
    smoke: Path, tmp_path: Path
) -> None:
    stages = ("oip", "dream", "atlas")
    few = ("atlas.starts=1", "atlas.wavelengths=[]", "atlas.elsewhere=false", "atlas.dream.size=0")
    words = (*SMOKE, "tracking=none", "noise.seed=5", "dream.steps=2", *few)
    together, alone = (copy_of(smoke, tmp_path / name) for name in ("together", "alone"))
    succeeded(pipeline(together, *words, f"stages=[{','.join(stages)}]", "hydra.run.dir=here"))
    for stage in stages:
        succeeded(pipeline(alone, *words, f"stages=[{stage}]", "hydra.run.dir=here"))
        of_one, of_other = (described(folder / "here" / stage) for folder in (together, alone))
        assert of_one["digests"] == of_other["digests"]
    ended, begun = (
        [described(together / "here" / stage)["process"][moment] for stage in stages]
        for moment in ("end_time", "start_time")
    )
    assert any(start < end for start, end in zip(begun[1:], ended[:-1], strict=True))
