"""The store of results: computed once whoever asks, never believed when half, listed, verified, pruned."""

import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from commands import SMOKE, Running, execute, pipeline, succeeded
from users import ordinary_user

from pipeline.commands.store import main
from pipeline.engine.entries import entries
from pipeline.engine.store import Store
from pipeline.runtime.locks import exclusive
from pipeline.stages.registry import STAGES

QUICK = (*SMOKE, "oip.map_indices=[0]", "oip.xla=false", "activations.image_indices=[0]")


def begin(folder: Path, *overrides: str, program: tuple[str, ...] = ("-m", "pipeline")) -> Running:
    return execute(folder, *program, *QUICK, *overrides)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of eight runs that began at the same moment, each of other start images."""
    folder = tmp_path_factory.mktemp("eight")
    processes = [begin(folder, "stages=[oip]", f"noise.seed={seed}") for seed in range(8)]
    said = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, said
    waited = [errors for _, errors in said if "another process computes it" in errors]
    assert waited
    assert all("train: another process computes it; waiting for its result" in errors for errors in waited)
    return folder / "outputs"


@pytest.fixture
def outputs(filled: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    shutil.copytree(filled / "store", tmp_path / "outputs" / "store")
    return tmp_path / "outputs"


def test_eight_runs_that_begin_at_once_train_once(filled: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{filled}/mlflow.db")
    found = {}
    for stage in ("train", "oip"):
        experiment = client.get_experiment_by_name(f"mnist-dream/{stage}")
        found[stage] = client.search_runs([experiment.experiment_id])
    assert [len(runs) for runs in found.values()] == [1, 8]
    (training,) = found["train"]
    assert {run.data.tags["upstream.train"] for run in found["oip"]} == {training.info.run_id}
    assert {run.info.status for runs in found.values() for run in runs} == {"FINISHED"}
    assert sorted(path.parent.name for path in (filled / "store").glob("*/*")) == ["oip"] * 8 + ["train"]


def test_results_are_listed_with_the_least_recently_used_first(outputs: Path, capsys) -> None:
    (training,) = (outputs / "store" / "train").iterdir()
    os.utime(training, (1e9, 1e9))
    assert main(["--output-dir", str(outputs), "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].split()[:3] == ["train", training.name[:12], "2001-09-09"]
    assert lines[-1].startswith("9 results, ")


def test_what_is_as_it_was_saved_is_verified(outputs: Path, capsys) -> None:
    assert main(["--output-dir", str(outputs), "verify"]) == 0
    assert capsys.readouterr().out == "9 of 9 results are as they were saved\n"


def change_a_number(place: Path) -> str:
    with np.load(place / "oip.npz") as file:
        arrays = dict(file)
    arrays["images"][0, 0, 0, 0] += 1e-6
    np.savez_compressed(place / "oip.npz", **arrays)
    return "oip.npz has changed"


def cut_a_file(place: Path) -> str:
    content = (place / "oip.npz").read_bytes()
    (place / "oip.npz").write_bytes(content[: len(content) // 2])
    return "oip.npz has changed"


def lose_a_file(place: Path) -> str:
    (place / "oip.npz").unlink()
    return "oip.npz is missing"


def break_the_record(place: Path) -> str:
    (place / "stage.json").write_text('{"record": {')
    return "stage.json is no whole JSON (line 1, column 13)"


def move_it(place: Path) -> str:
    place.rename(place.with_name("0" * 64))
    return "stage.json is of another result"


@pytest.mark.parametrize("spoil", [change_a_number, cut_a_file, lose_a_file, break_the_record, move_it])
def test_what_is_not_as_it_was_saved_is_found_and_pruned_if_that_is_asked_for(outputs: Path, capsys, spoil) -> None:
    place = sorted((outputs / "store" / "oip").iterdir())[3]
    said = spoil(place)
    assert main(["--output-dir", str(outputs), "verify"]) == 1
    problem, total = capsys.readouterr().out.splitlines()
    assert said in problem
    assert total == "8 of 9 results are as they were saved"
    assert main(["--output-dir", str(outputs), "prune"]) == 0
    assert capsys.readouterr().out == "0 removed, 9 results in the store\n"
    assert main(["--output-dir", str(outputs), "prune", "--broken"]) == 0
    assert len(entries(Store(outputs / "store", STAGES))) == 8
    assert main(["--output-dir", str(outputs), "verify"]) == 0


def test_what_was_not_used_for_long_is_pruned(outputs: Path, capsys) -> None:
    places = sorted((outputs / "store" / "oip").iterdir())
    for days, place in ((2, places[0]), (40, places[1])):
        os.utime(place, (time.time() - days * 86400,) * 2)
    prune = ["--output-dir", str(outputs), "prune", "--unused-for", "30"]
    assert main([*prune, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"would remove {places[1]}: unused for 40 days",
        "1 would go, 9 results in the store",
    ]
    assert places[1].is_dir()
    assert main(prune) == 0
    assert sorted((outputs / "store" / "oip").iterdir()) == [places[0], *places[2:]]


def test_a_result_counts_as_used_when_it_is_reused(outputs: Path) -> None:
    (training,) = (outputs / "store" / "train").iterdir()
    os.utime(training, (1e9, 1e9))
    succeeded(pipeline(outputs.parent, *QUICK, "stages=[train]", "tracking=none"))
    assert time.time() - training.stat().st_mtime < 60


def test_results_of_other_sources_are_outdated(outputs: Path, capsys) -> None:
    """As their key is the digest of the sources too, no run will ask for them again."""
    place = sorted((outputs / "store" / "oip").iterdir())[0]
    record = json.loads((place / "stage.json").read_text())
    record["ingredients"]["sources"] = "of yesterday"
    from pipeline.engine import provenance

    record["record"]["key"] = provenance.digest(record["ingredients"])
    (place / "stage.json").write_text(json.dumps(record))
    place = place.rename(place.with_name(record["record"]["key"]))
    assert [
        entry.place for entry in entries(Store(outputs / "store", STAGES)) if entry.is_outdated(STAGES[entry.stage])
    ] == [place]
    assert main(["--output-dir", str(outputs), "prune", "--outdated"]) == 0
    assert not place.exists()
    assert capsys.readouterr().out.splitlines()[-1] == "1 removed, 8 results in the store"


def test_what_killed_processes_left_is_pruned_but_not_what_is_being_computed(outputs: Path, capsys) -> None:
    stage = outputs / "store" / "train"
    for key in ("a" * 64, "b" * 64):
        (stage / f".{key}-0123").mkdir()
        (stage / f".{key}.lock").touch()
    with exclusive(stage / f".{'b' * 64}.lock"):
        assert main(["--output-dir", str(outputs), "prune"]) == 0
    assert not (stage / f".{'a' * 64}-0123").exists()
    assert not (stage / f".{'a' * 64}.lock").exists()
    assert (stage / f".{'b' * 64}-0123").exists()
    assert capsys.readouterr().out.splitlines()[-1] == "1 removed, 9 results in the store"


def test_without_a_store_one_line_says_so(tmp_path: Path, capsys) -> None:
    assert main(["--output-dir", str(tmp_path), "list"]) == 2
    assert capsys.readouterr().err == f"mnist-dream: nothing is stored in {tmp_path} yet\n"


def test_who_waits_goes_on_when_the_one_who_computes_is_killed(tmp_path: Path) -> None:
    overrides = ("stages=[train]", "tracking=none")
    first = begin(tmp_path, *overrides, "train.epochs=1000")
    store = Store(tmp_path / "outputs" / "store", STAGES)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "outputs").glob("store/train/.*.lock")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (lock,) = (tmp_path / "outputs").glob("store/train/.*.lock")
    # what a kill in the middle of writing leaves
    draft = lock.with_name(f"{lock.name.removesuffix('.lock')}-0123")
    draft.mkdir()
    (draft / "stage.json").write_text("{")
    second = begin(tmp_path, *overrides, "train.epochs=1000")
    assert "waiting for its result" in second.stderr.readline()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    # the second one has removed the draft and computes now
    while draft.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert store.places() == []
    second.send_signal(signal.SIGKILL)
    second.communicate()


@pytest.mark.parametrize("command", ["list", "verify", "prune"])
def test_a_store_that_may_not_be_read_is_not_passed_over(capsys, command: str) -> None:
    # not in pytest's folder, which others may not even enter
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        stage = Path(folder, "store", "oip")
        (stage / ("a" * 64)).mkdir(parents=True)
        with ordinary_user():
            assert main(["--output-dir", folder, "list"]) == 0
        stage.chmod(0)
        with ordinary_user():
            assert main(["--output-dir", folder, command]) == 2
        assert capsys.readouterr().err == f"mnist-dream: {stage}: Permission denied\n"


# MLflow is told of a result late, when others have found it already
LATE = """
import time
from pathlib import Path
from pipeline.__main__ import main
from pipeline.tracking.writing import RunWriter
told = RunWriter.record
def late(*arguments, **named):
    while not Path("found").exists():
        time.sleep(0.05)
    told(*arguments, **named)
RunWriter.record = late
main()
"""


def test_who_finds_a_result_that_is_still_being_recorded_waits_for_its_run(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    first = begin(tmp_path, "stages=[train]", program=("-c", LATE))
    store, deadline = Store(tmp_path / "outputs" / "store", STAGES), time.monotonic() + 120
    while not store.root.is_dir() or not store.places():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    second = begin(tmp_path, "stages=[train]")
    assert "waiting for its result" in second.stderr.readline()
    (tmp_path / "found").touch()
    for process in (second, first):
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert ("(reused)" in output) == (process is second)
    client = MlflowClient(f"sqlite:///{tmp_path}/outputs/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("mnist-dream/train").experiment_id])
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize("days", ["-1", "nan", "soon", ""])
def test_a_number_of_days_is_one(outputs: Path, capsys, days: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--output-dir", str(outputs), "prune", "--unused-for", days])
    assert caught.value.code == 2
    assert f"takes a number of days of at least 0; got {days or 'nothing'}" in capsys.readouterr().err
    assert len(entries(Store(outputs / "store", STAGES))) == 9


def test_a_result_that_has_changed_in_the_store_is_not_reused(outputs: Path) -> None:
    for place in (outputs / "store" / "oip").iterdir():
        (place / "oip.npz").write_bytes(b"0" * 100)
    process = pipeline(outputs.parent, *QUICK, "stages=[oip]", "noise.seed=3", "tracking=none")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("mnist-dream: reuse: takes false, or whole results in the store")
