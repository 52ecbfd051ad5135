"""A sweep over seeds: mean and standard deviation of each figure, for every combination of the other settings."""

import csv
import json
import math
from pathlib import Path

import pytest
from commands import SMOKE, pipeline, succeeded
from recording import client_of

from pipeline.drawing.spreads import spreads_picture
from pipeline.runtime.processes import this_process
from pipeline.sweeps import jobs
from pipeline.sweeps.folder import Row
from pipeline.sweeps.seeds import over_seeds, seeds_table

FIGURES = {
    **{"0": {"a.x": 1.0, "a.y": 5.0}, "1": {"a.x": 3.0}, "2": {"a.x": math.nan}},
    **{"3": {"a.x": 7.0}, "4": {"a.x": 9.0}},
}


def row(name: str, *overrides: str, state: str = jobs.FINISHED) -> Row:
    words = list(overrides)
    job = jobs.Job(overrides=words, sweep_id="s", process=this_process(), begun=0.0, state=state)
    return Row(name, words, state, job, Path(name))


def test_by_hand() -> None:
    rows = [
        row("0", "noise=long", "train.seed=0", "oip.steps=3"),
        row("1", "noise=long", "train.seed=1", "oip.steps=3"),
        row("2", "noise=long", "train.seed=2", "oip.steps=3"),
        row("3", "noise=short", "train.seed=0", "oip.steps=3"),
        row("4", "noise=short", "train.seed=1", "oip.steps=3", state=jobs.FAILED),
    ]
    groups = over_seeds(rows, lambda one: FIGURES[one.name])
    assert [(group.settings, group.jobs) for group in groups] == [({"noise": "long"}, 3), ({"noise": "short"}, 1)]
    long, short = groups
    # of 1 and 3: mean 2, and sqrt((1 + 1) / (2 - 1)); what is no number is left out
    assert (long.figures["a.x"].values, long.figures["a.x"].mean) == ([1.0, 3.0], 2.0)
    assert long.figures["a.x"].deviation == pytest.approx(math.sqrt(2))
    assert short.figures["a.x"].mean == 7.0
    assert math.isnan(short.figures["a.x"].deviation)
    heading, lines = seeds_table(groups)
    assert heading == ["noise", "jobs", "a.x mean", "a.x std", "a.y mean", "a.y std"]
    assert lines[0] == ["long", 3, 2.0, pytest.approx(math.sqrt(2)), 5.0, None]
    assert lines[1] == ["short", 1, 7.0, None, None, None]


def test_a_seed_that_was_given_twice_counts_once() -> None:
    rows = [row(name, f"train.seed={seed}") for name, seed in (("0", 0), ("2", 0), ("1", 1))]
    (group,) = over_seeds(rows, lambda one: FIGURES[one.name])
    assert (group.jobs, group.figures["a.x"].values) == (2, [1.0, 3.0])


def test_without_a_swept_seed_there_is_nothing_to_tell() -> None:
    rows = [row("0", "noise=long", "train.seed=3"), row("1", "noise=short", "train.seed=3")]
    assert over_seeds(rows, lambda one: FIGURES[one.name]) == []
    # of several seeds at once, all are
    rows = [row("0", "seed=0", "noise.seed=1"), row("1", "seed=1", "noise.seed=2")]
    (group,) = over_seeds(rows, lambda one: FIGURES[one.name])
    assert (group.name, group.settings, group.jobs) == ("", {}, 2)


def test_error_bars_of_any_number_of_rows() -> None:
    for count in (1, 70):
        names = [f"noise $long_{k}, a name that takes more room than there is for it" for k in range(count)]
        picture = spreads_picture(names, {"train.a": [[1.0, 2.0]] * count, "train.b": [[]] * (count - 1) + [[3.0]]})
        assert picture.std() > 0


def test_a_sweep_over_seeds_ends_with_their_spread(trained_here: Path) -> None:
    quick = ("-m", *SMOKE, "stages=[train]", "train.epochs=1", "data.limit=40")
    output = succeeded(pipeline(trained_here, *quick, "train.seed=0,1", "train.batch_size=20,40"))
    told = [line for line in output.splitlines() if line.startswith("seeds ")]
    assert [line.split()[1:3] for line in told] == [["batch_size", "20:"], ["batch_size", "40:"]]
    (folder,) = trained_here.glob("outputs/multirun/*/*")
    name = "train.final_test_accuracy"
    with (folder / "summary" / "seeds.csv").open() as file:
        lines = list(csv.DictReader(file))
    with (folder / "summary" / "jobs.csv").open() as file:
        found = [float(line[name]) for line in csv.DictReader(file) if line["train.batch_size"] == "20"]
    assert [(line["train.batch_size"], line["jobs"]) for line in lines] == [("20", "2"), ("40", "2")]
    assert float(lines[0][f"{name} mean"]) == pytest.approx(sum(found) / 2)
    assert float(lines[0][f"{name} std"]) == pytest.approx(abs(found[0] - found[1]) / math.sqrt(2), abs=1e-12)
    assert (folder / "summary" / "seeds.png").is_file()
    client = client_of(trained_here)
    (run,) = client.search_runs([client.get_experiment_by_name("mnist-dream/sweeps").experiment_id])
    files = [file.path for file in client.list_artifacts(run.info.run_id, "results")]
    assert {"results/seeds.json", "results/seeds.csv", "results/seeds.png"} <= set(files)
    assert {"path": "results/seeds.json", "type": "table"} in json.loads(run.data.tags["mlflow.loggedArtifacts"])
