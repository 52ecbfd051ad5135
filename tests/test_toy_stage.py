"""A stage is added from outside, in one file, and treated as any other: computed, reused, drawn, recorded, repeated."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, execute, runs
from mlflow import MlflowClient
from PIL import Image

from pipeline.stages.registry import STAGES

pytestmark = pytest.mark.process

TOY = Path(__file__).with_name("toy_stage.py")
WORDS = ("train.epochs=1", "data.limit=100", "stages=[weights]", "statistics.layer=Conv2D_2")


def toy(folder: Path, *words: str, fresh: bool = False) -> tuple[int, str, str]:
    """The command line that knows one stage more. fresh: the file as a script."""
    known = f"import sys; sys.path.append({str(TOY.parent)!r}); import toy_stage"
    code = f"{known}; from pipeline.__main__ import main; main()"
    process = execute(folder, str(TOY), *words, fresh=True) if fresh else execute(folder, "-c", code, *words)
    output, errors = process.communicate(timeout=300)
    return process.wait(), output, errors


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which it was computed once, and once more."""
    folder = tmp_path_factory.mktemp("toy")
    for expected in ("", "(reused)"):
        code, output, errors = toy(folder, *WORDS, fresh=not expected)
        assert code == 0, errors
        (line,) = (line for line in output.splitlines() if line.startswith("weights "))
        assert line.endswith(expected)
        assert "weights of 0." in line
        assert "stripes.png" in line
    return folder


def test_it_is_computed_drawn_and_kept(folder: Path) -> None:
    first, second = (run / "weights" for run in runs(folder))
    with np.load(first / "weights.npz") as arrays:
        assert set(arrays) == {"layer", "sizes"}
        assert (str(arrays["layer"]), arrays["sizes"].shape) == ("Conv2D_2", (64,))
        sizes = arrays["sizes"]
    from keras import models

    (model,) = (folder / "outputs" / "store" / "train").glob("*/model.keras")
    kernel = np.asarray(models.load_model(model).get_layer("Conv2D_2").kernel)
    np.testing.assert_array_equal(sizes, np.abs(kernel).mean(axis=(0, 1, 2)))
    with Image.open(first / "stripes.png") as picture:
        assert picture.size == (64, 16)
    assert (second / "weights.npz").read_bytes() == (first / "weights.npz").read_bytes()
    described = json.loads((first / "stage.json").read_text())
    assert described["ingredients"]["settings"] == {"statistics": {"layer": "Conv2D_2"}}
    assert set(described["ingredients"]["upstream"]) == {"train"}
    assert described["ingredients"]["inputs"] == {}


def test_it_is_recorded_with_a_note_and_charts(folder: Path) -> None:
    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name("mnist-dream/weights")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "weights train.epochs=1 data.limit=100 statistics.layer=Conv2D_2"
    assert run.data.params == {"statistics.layer": "Conv2D_2"}
    assert run.data.tags["layer"] == "Conv2D_2"
    assert len(client.get_metric_history(run.info.run_id, "size")) == 64
    note = run.data.tags["mlflow.note.content"]
    assert "- `results/stripes.png`: a stripe for every filter, the brighter the larger its weights" in note
    assert f"python -m pipeline.rerun {run.info.run_id}" in note
    assert any(name.startswith("mlflow.sharedViewState.weights") for name in experiment.tags)


def test_it_is_run_again_from_its_record(folder: Path) -> None:
    code, output, errors = toy(folder, "rerun", str(runs(folder)[0] / "weights"))
    assert code == 0, output + errors
    assert "weights      bit-identical, 2 arrays" in output.splitlines()


def test_without_its_file_nobody_knows_it(folder: Path) -> None:
    process = execute(folder, "-m", "pipeline", "stages=[weights]")
    _, errors = process.communicate(timeout=60)
    assert process.wait() == 2
    assert errors.startswith(
        "mnist-dream: stages: takes a list, each entry one of train, model, activations, statistics, oip,"
    )
    assert "toy_stage" not in (ROOT / "pipeline" / "stages" / "registry.py").read_text()
    place = runs(folder)[0] / "weights"
    process = execute(folder, "-m", "pipeline", "rerun", str(place))
    _, errors = process.communicate(timeout=60)
    assert process.wait() == 2
    assert errors.startswith("mnist-dream: RUN: takes a stage that is known here: train, model, activations,")
    assert errors.endswith(f"got {place}, of the stage weights\n")


@pytest.mark.parametrize("name", ["oip", "a b", "../x", "", "Weights"])
def test_a_name_that_is_taken_or_that_no_folder_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"there is a stage oip already|a stage's name is small letters"):
        STAGES.add(replace(STAGES["oip"], name=name))
    assert len(STAGES) == 9
