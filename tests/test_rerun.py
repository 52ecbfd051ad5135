"""A stage again, from its record: the same bits, or what differs and by how much."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import SMOKE, STAGES, Done, module, pipeline, runs, succeeded
from templates import copy_of

from pipeline.commands.recorded_run import opened
from pipeline.engine.differences import Difference, array_differences, ingredient_differences, process_differences


def rerun(folder: Path, *arguments: str, fresh: bool = False) -> Done:
    return module(folder, "pipeline.rerun", *arguments, fresh=fresh)


@pytest.fixture(scope="module")
def recorded(smoke: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of(smoke, tmp_path_factory.mktemp("recorded"))


def run_id(folder: Path, stage: str) -> str:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name(f"mnist-dream/{stage}")
    found = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    return found[0].info.run_id


@pytest.fixture
def stage(recorded: Path, tmp_path: Path) -> Path:
    """The folder of an OIP sweep, to be changed; without the training that it stands on."""
    shutil.copytree(runs(recorded)[0] / "oip", tmp_path / "then" / "oip")
    return tmp_path / "then" / "oip"


@pytest.fixture(scope="module")
def overridden(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """The folder in which an OIP sweep was computed again with other steps and threads, and what was said."""
    folder = tmp_path_factory.mktemp("overridden")
    shutil.copytree(runs(recorded)[0] / "oip", folder / "then" / "oip")
    words = ("oip.steps=3", "runtime.threads=1", "tracking.backend=none")
    return folder / "then", rerun(folder / "then", str(folder / "then" / "oip"), *words)


def change(stage: Path, **process: Any) -> None:
    described = json.loads((stage / "stage.json").read_text())
    described["process"] |= process
    (stage / "stage.json").write_text(json.dumps(described))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_again_is_bit_identical(recorded: Path, name: str) -> None:
    # one in a new interpreter: it computes what the atlas stands on, too
    process = rerun(recorded, run_id(recorded, name), fresh=name == "atlas")
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    assert re.fullmatch(rf"{name} +bit-identical, \d+ arrays", lines[-1])
    if name != "train":
        assert re.fullmatch(r"train +bit-identical, \d+ arrays", lines[-2])
    assert "today" not in process.stdout
    assert process.stderr == ""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{recorded}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name(f"mnist-dream/{name}")
    again = client.search_runs([experiment.experiment_id], f"tags.rerun_of = '{run_id(recorded, name)}'")
    assert [run.info.status for run in again] == ["FINISHED"]
    # named as it was
    assert again[0].info.run_name == client.get_run(run_id(recorded, name)).info.run_name


def test_a_folder_will_do_and_an_override_is_told_and_compared(overridden: tuple[Path, Done]) -> None:
    _, process = overridden
    assert process.returncode == 1
    assert "oip.steps: 4 then, 3 today" in process.stdout
    assert "oip          not the same, " in process.stdout
    assert re.search(r"oip.npz/images \(by at most [\d.]+\)", process.stdout)
    # another number of steps is another shape
    assert "oip.npz/objective (of another shape or kind" in process.stdout


def test_a_difference_within_the_tolerance_is_none(stage: Path) -> None:
    changed = ("oip.step_size=1.2000001", "tracking.backend=none")
    assert rerun(stage.parent, str(stage), *changed).returncode == 1
    process = rerun(stage.parent, str(stage), *changed, "--tolerance", "0.5")
    assert process.returncode == 0, process.stdout
    assert "the same within 0.5" in process.stdout


def test_what_has_changed_since_is_told_first(stage: Path) -> None:
    packages = json.loads((stage / "stage.json").read_text())["process"]["packages"]
    change(
        stage,
        python="3.9.1",
        threads=1,
        source="0" * 64,
        git={"commit": "f" * 40, "dirty": True, "untracked": []},
        packages={**packages, "numpy": "1.0", "pillow": "2.0", "gone": "3"},
    )
    process = rerun(stage.parent, str(stage), "tracking.backend=none")
    assert process.stdout.startswith("code: commit ffffffffff with changes then, ")
    assert "Python: 3.9.1 then, " in process.stdout
    # the record has one thread, so that many are taken
    assert "threads" not in process.stdout
    assert "numpy: 1.0 then, " in process.stdout
    assert "gone: 3 then, none today" in process.stdout
    assert "oip          " in process.stdout


def test_threads_are_those_of_the_record_unless_others_are_given(overridden: tuple[Path, Done]) -> None:
    folder, process = overridden
    assert "threads: " in process.stdout
    assert "then, 1 today" in process.stdout
    (run,) = runs(folder)
    assert json.loads((run / "oip" / "stage.json").read_text())["process"]["threads"] == 1


def test_a_training_that_had_other_threads_gets_them_again(tmp_path: Path) -> None:
    """One run trains with two threads, a job of a sweep takes that training and has one thread for itself."""
    succeeded(pipeline(tmp_path, *SMOKE, "stages=[train]", "runtime.threads=2"))
    succeeded(pipeline(tmp_path, *SMOKE, "stages=[oip]", "oip.xla=false", "runtime.threads=1"))
    place = runs(tmp_path)[1] / "oip"
    # beside the folder there is no training: it is in the store alone
    with opened(str(place), tmp_path / "outputs", None) as recorded:
        assert recorded.upstream is not None
        assert Path(recorded.upstream).parent == tmp_path / "outputs" / "store" / "train"
    process = rerun(tmp_path, str(place))
    assert process.returncode == 0, process.stdout + process.stderr
    assert re.search(r"train +bit-identical", process.stdout)
    assert re.search(r"oip +bit-identical", process.stdout)
    again = runs(tmp_path)[-1]
    threads = {
        stage: json.loads((again / stage / "stage.json").read_text())["process"]["threads"]
        for stage in ("train", "oip")
    }
    assert threads == {"train": 2, "oip": 1}
    assert not (again / ".rerun").exists()


def test_a_record_of_an_older_version_gets_the_settings_that_it_lacks_from_today(stage: Path) -> None:
    text = (stage / "config.yaml").read_text()
    (stage / "config.yaml").write_text(re.sub(r"\n  enlargement: \w+", "", text))
    process = rerun(stage.parent, str(stage), "tracking.backend=none")
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines()[0] == "dream.enlargement: not in the record; bspline today"


def nothing(stage: Path) -> list[str]:
    return ["0123456789abcdef0123456789abcdef"]


def broken(stage: Path) -> list[str]:
    (stage / "stage.json").write_text('{"record": {')
    return [str(stage)]


def no_stage(stage: Path) -> list[str]:
    return [str(stage.parent)]


def unknown_setting(stage: Path) -> list[str]:
    return [str(stage), "oip.step=3"]


def bad_value(stage: Path) -> list[str]:
    return [str(stage), "oip.steps=-3"]


def no_setting(stage: Path) -> list[str]:
    return [str(stage), "oip"]


def a_group(stage: Path) -> list[str]:
    return [str(stage), "noise=long"]


def of_its_start(stage: Path) -> list[str]:
    return [str(stage), "hydra.run.dir=x"]


def another_stage(stage: Path) -> list[str]:
    return [str(stage), "stages=[train]"]


def no_name(stage: Path) -> list[str]:
    return [""]


def no_server(stage: Path) -> list[str]:
    return ["0123456789abcdef0123456789abcdef", "--uri", "http://127.0.0.1:9"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (nothing, "RUN: takes the id of a run of a stage in the record, or the folder of a stage; got 0123"),
        (broken, "RUN: takes a stage (not a sweep, or a run of several) with a whole stage.json"),
        (no_stage, "RUN: takes a stage (not a sweep, or a run of several) with a whole stage.json"),
        (unknown_setting, "oip.step: no such setting; did you mean oip.steps"),
        (bad_value, "oip.steps: takes a whole number of at least 1; got -3"),
        (no_setting, "oip: takes the form setting=value"),
        (a_group, "noise=long: only single settings can be changed, such as noise.seed=1, not files of a group"),
        (of_its_start, "hydra.run.dir=x: is of a command that starts runs, and no part of the record of one"),
        (another_stage, "stages=[train]: the stage is that of the record"),
        (no_name, "RUN: takes the id of a run, or the folder of a stage; got nothing"),
        (no_server, "RUN: takes the id of a run of a stage in the record"),
    ],
)
def test_what_cannot_be_done_again_is_refused_in_one_line(stage: Path, spoil, said: str) -> None:
    process = rerun(stage.parent, *spoil(stage))
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith(f"mnist-dream: {said}")
    assert not (stage.parent / "outputs").exists()


@pytest.mark.parametrize("value", ["nan", "-1", "inf", "much", ""])
def test_a_tolerance_is_a_number(stage: Path, value: str) -> None:
    process = rerun(stage.parent, str(stage), "--tolerance", value)
    assert process.returncode == 2
    assert process.stderr.splitlines()[-1].endswith(f"takes a number of at least 0; got {value or 'nothing'}")


def test_a_run_that_the_record_does_not_have_is_refused(recorded: Path) -> None:
    process = rerun(recorded, "0123456789abcdef0123456789abcdef")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert "0123456789abcdef" in line


# by hand -------------------------------------------------------------------------------------------------------------


def test_arrays_are_compared_by_their_largest_difference() -> None:
    then = {"same": "a", "other": "b", "shape": "c", "words": "d", "gone": "e", "hidden": "f"}
    now = {"same": "a", "other": "B", "shape": "C", "words": "D", "new": "G", "hidden": "F"}
    nan, inf = np.nan, np.inf
    first = {"other": np.array([1.0, nan, inf]), "shape": np.zeros(2), "words": np.array(["x"])}
    second = {"other": np.array([1.25, nan, inf]), "shape": np.zeros(3), "words": np.array(["y"])}
    found = {difference.name: difference.largest for difference in array_differences(then, now, first, second)}
    assert found == {"other": 0.25, "shape": None, "words": None, "gone": None, "hidden": None, "new": None}


@pytest.mark.parametrize(("one", "other"), [(np.nan, 1.0), (np.inf, 1.0), (np.inf, -np.inf), (0.0, np.nan)])
def test_what_is_a_number_on_one_side_only_differs_by_more_than_any_tolerance(one: float, other: float) -> None:
    (difference,) = array_differences({"a": "1"}, {"a": "2"}, {"a": np.array([one])}, {"a": np.array([other])})
    assert difference.largest == np.inf
    assert not difference.within(1e300)
    assert str(difference) == "a (by at most inf)"


def test_bytes_do_not_wrap_around() -> None:
    (difference,) = array_differences(
        {"a": "1"}, {"a": "2"}, {"a": np.array([0], np.uint8)}, {"a": np.array([255], np.uint8)}
    )
    assert difference == Difference("a", 255.0)


def test_settings_and_inputs_are_compared_leaf_by_leaf() -> None:
    then = {"settings": {"oip": {"steps": 4, "quality": {"l2": 0}}}, "inputs": {"data": "a", "photo": "p"}}
    now = {"settings": {"oip": {"steps": 5, "quality": {"l2": 0}}}, "inputs": {"data": "b", "photo": "p"}}
    assert ingredient_differences(then, now) == ["oip.steps: 4 then, 5 today", "data: another content"]
    assert ingredient_differences(then, then) == []


def test_of_very_many_packages_the_first_are_named_and_those_that_compute_before_the_others() -> None:
    then = {"packages": {f"p{k}": "1" for k in range(9)} | {"tensorflow": "2.1"}, "source": "a"}
    now = {"packages": {f"p{k}": "2" for k in range(9)} | {"tensorflow": "2.2"}, "source": "a"}
    lines = process_differences(then, now)
    assert lines[0] == "tensorflow: 2.1 then, 2.2 today"
    assert len(lines) == 7
    assert lines[-1] == "4 more packages differ"
