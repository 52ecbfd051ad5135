"""Output folders that were moved or copied: all goes on inside of them, and the place where they lay is left alone."""

import contextlib
import dataclasses
import json
import shutil
import signal
import sqlite3
import tempfile
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import pytest
from at_once import at_once
from commands import END_S, ROOT, SMOKE, execute, module, pipeline, start, succeeded
from recording import EXPERIMENT, files, oip_stage, runs_of, tracker_of, train_stage
from servers import LOOPBACK, fetch, free_port
from templates import copy_of
from users import ordinary_user

from pipeline.commands import sync, ui
from pipeline.commands.run import prepare_hydra
from pipeline.data.dataset import Dataset
from pipeline.settings.choices import TrackingBackend
from pipeline.settings.compose import CONF
from pipeline.settings.process import TrackingConfig
from pipeline.sweeps.folder import Sweep
from pipeline.sweeps.moved import followed, quoted
from pipeline.tracking import backend, moved
from pipeline.tracking.fetching import fetch_model, fetched
from pipeline.tracking.pending import Mark

# What a folder may be called; each of these signs means something else in a URI.
NAMES = ("out puts", "größe 1%41 100%", "a#b?c&d", "mlartifacts")


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of every file."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def client_of(folder: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(backend.default_uri(folder))


def locations(file: Path) -> list[str]:
    """All places that a record tells of."""
    found = []
    with contextlib.closing(sqlite3.connect(file)) as database:
        for table, column, rows in moved.PLACES:
            found += [value for (value,) in database.execute(f"SELECT {column} FROM {table} WHERE {rows}") if value]
    return found


def outside(folder: Path) -> list[str]:
    """The places of a record that do not lie in its folder."""
    return [value for value in locations(folder / "mlflow.db") if not value.startswith(f"{folder.as_uri()}/")]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, empty_record: Path, tiny_cnn: Any) -> Path:
    """An output folder with a training, its model, and a stage that stands on it; not to be changed."""
    folder = copy_of(empty_record, tmp_path_factory.mktemp("recorded")) / "outputs"
    images = np.random.default_rng(0).normal(size=(4, 12, 12, 1)).astype(np.float32)
    labels = np.arange(4) % 3
    dataset = Dataset("digits", "0123456789abcdef" * 4, images, labels, images, labels, tuple("012"))
    tracker = tracker_of(folder, None)
    oip_stage(tracker, folder / "runs" / "a", train_stage(tracker, folder / "runs" / "a", tiny_cnn(), dataset))
    return folder


@pytest.fixture
def old(recorded: Path, tmp_path: Path) -> Path:
    """The same under a name of its own, where all of it lies."""
    place = tmp_path / "old one"
    shutil.copytree(recorded, place)
    moved.follow(place / "mlflow.db")
    assert outside(place) == []
    return place


def move(old: Path, new: Path) -> None:
    old.rename(new)


def copy(old: Path, new: Path) -> None:
    shutil.copytree(old, new)
    # whoever read it would get this
    for path in (old / "mlartifacts").rglob("*"):
        if path.is_file():
            path.write_text("the original")


@pytest.mark.parametrize("take", [move, copy])
@pytest.mark.parametrize("name", NAMES)
def test_a_record_goes_on_where_it_lies(old: Path, tmp_path: Path, name: str, take: Callable[..., None]) -> None:
    new = tmp_path / name / "x"
    new.parent.mkdir()
    take(old, new)
    before = snapshot(old)
    run_id = oip_stage(tracker_of(new, None, "pipeline-2"), new / "runs" / "b", None, key="another")
    assert run_id is not None
    assert outside(new) == []
    client = client_of(new)
    for stage, some in (("oip", 2), ("train", 1)):
        found = runs_of(client, stage)
        assert len(found) == some
        for run in found:
            assert run.info.status == "FINISHED"
            assert {path.partition("/")[0] for path, _ in files(client, run.info.run_id)} <= {"results", "images"}
            tracking = TrackingConfig(backend=TrackingBackend.mlflow, uri=None, experiment=EXPERIMENT)
            with fetched(tracking, new, run.info.run_id) as (folder, tags):
                assert (folder / "stage.json").read_bytes().startswith(b'{\n "record"')
                assert tags["stage"] == stage
    fetch_model(tracking, new, run.info.run_id, tmp_path)
    assert (tmp_path / "model.keras").stat().st_size > 10000
    assert len(list((new / "mlartifacts").glob("oip/*/artifacts/results"))) == 2
    assert snapshot(old) == before
    assert old.exists() is (take is copy)


def test_the_page_shows_a_copy(old: Path, tmp_path: Path) -> None:
    new = tmp_path / NAMES[1]
    copy(old, new)
    before = snapshot(old)
    port = free_port()
    page = start(ROOT, "pipeline.ui", "--output-dir", str(new), "--port", str(port))
    try:
        assert page.stdout is not None
        assert [page.stdout.readline() for _ in range(2)][1].startswith(f"http://{LOOPBACK}:{port}/")
        # the server has the record that was changed
        (run,) = runs_of(client_of(new), "oip")
        query = urllib.parse.urlencode({"run_uuid": run.info.run_id, "path": "results/stage.json"})
        assert fetch(port, f"/get-artifact?{query}") == (new / "runs" / "a" / "oip" / "stage.json").read_bytes()
    finally:
        page.send_signal(signal.SIGTERM)
        _, error = page.communicate(timeout=60)
    assert error == ""
    assert outside(new) == []
    assert snapshot(old) == before


def test_what_lies_elsewhere_on_purpose_stays_there(old: Path, tmp_path: Path) -> None:
    elsewhere = [(tmp_path / "big" / "mlartifacts" / "other").as_uri(), "s3://bucket/mlartifacts/another"]
    client = client_of(old)
    for place in elsewhere:
        client.create_run(client.create_experiment(f"of mine/{place.rpartition('/')[2]}", place))
    before = outside(old)
    new = tmp_path / "new"
    old.rename(new)
    moved.follow(new / "mlflow.db")
    # of each the experiment and its run
    assert len(before) == 4
    assert outside(new) == before


def test_a_record_that_somebody_else_made_keeps_its_own_places(tmp_path: Path) -> None:
    """An MLflow server's own folder is called mlartifacts, too; what this program records beside it follows."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    theirs = tmp_path / "theirs" / "mlartifacts"
    theirs.mkdir(parents=True)
    (tmp_path / "database").mkdir()
    file = tmp_path / "database" / "record.db"
    SqlAlchemyStore(f"sqlite:///{file}", theirs.as_uri()).engine.dispose()
    before = locations(file)
    moved.follow(file)
    assert locations(file) == before == [f"{theirs.as_uri()}/0"]
    assert oip_stage(tracker_of(tmp_path / "out", f"sqlite:///{file}"), tmp_path / "out", None) is not None
    new = tmp_path / "moved" / "record.db"
    file.parent.rename(new.parent)
    moved.follow(new)
    assert [place for place in locations(new) if not place.startswith(f"{new.parent.as_uri()}/")] == before


def test_nothing_is_kept_where_a_folder_has_been_moved_away(
    recorded_here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As with a PostgreSQL database, which several output folders may share."""
    outputs = recorded_here / "outputs"
    gone = recorded_here / "gone" / "mlartifacts"
    client = backend.connect(backend.default_uri(outputs), outputs, backend.Deadline(None)).client
    client.create_experiment(f"{EXPERIMENT}/oip", (gone / "oip").as_uri())
    assert oip_stage(tracker_of(outputs, None), outputs / "run", None) is None
    (warning,) = (record.getMessage() for record in caplog.records)
    assert f"the record keeps its files in {gone}, whose folder is gone: move it back" in warning
    assert runs_of(client, "oip") == []
    assert (outputs / "run" / "oip" / "unrecorded.json").is_file()
    gone.parent.mkdir()
    assert oip_stage(tracker_of(outputs, None), outputs / "again", None) is not None


def test_a_link_is_no_move(old: Path, tmp_path: Path) -> None:
    before = snapshot(old)
    (tmp_path / "link").symlink_to(old)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mlflow.db").symlink_to(old / "mlflow.db")
    for folder in (tmp_path / "link", tmp_path / "folder"):
        backend.connect(backend.default_uri(folder), folder, backend.Deadline(None))
    assert outside(old) == []
    # the old name stays as a link
    new = tmp_path / "new"
    old.rename(new)
    old.symlink_to(new)
    moved.follow(new / "mlflow.db")
    assert snapshot(new) == before
    old.unlink()
    moved.follow(new / "mlflow.db")
    assert outside(new) == []


def test_a_folder_that_was_moved_into_its_own_old_place(old: Path, tmp_path: Path) -> None:
    old.rename(tmp_path / "aside")
    new = old / "deeper"
    old.mkdir()
    (tmp_path / "aside").rename(new)
    moved.follow(new / "mlflow.db")
    places = locations(new / "mlflow.db")
    moved.follow(new / "mlflow.db")
    assert locations(new / "mlflow.db") == places
    assert all(place.count("/deeper/") == 1 for place in places)
    # and back
    new.rename(tmp_path / "aside")
    old.rmdir()
    (tmp_path / "aside").rename(old)
    moved.follow(old / "mlflow.db")
    assert outside(old) == []
    assert not any("/deeper/" in place for place in locations(old / "mlflow.db"))


def test_a_record_that_cannot_be_changed_says_what_to_do(
    old: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    # where any user may go, which is not so of pytest's folders
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        new = Path(scratch, "new")
        shutil.move(old, new)
        for path in (new, *new.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = snapshot(new)
        with ordinary_user():
            assert ui.main(["--output-dir", str(new)]) == 2
            tracker_of(new, None)
        assert snapshot(new) == before
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
    reason = f"it was moved or copied from {old}, and cannot be told so: make the file and its folder writable, or take"
    assert capsys.readouterr().err.startswith(f"mnist-dream: {new}/mlflow.db: {reason} a copy that is (")
    (warning,) = (record.getMessage() for record in caplog.records)
    assert f"sqlite:///{new}/mlflow.db: {reason} a copy that is (" in warning


@pytest.mark.parametrize("given", [False, True])
def test_marks_of_a_folder_that_was_moved_are_brought_in_there(tmp_path: Path, given: bool) -> None:
    """Whether its record was named or not. A directory stood in the way of that."""
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "mlflow.db").mkdir(parents=True)
    uri = f"sqlite:///{old}/mlflow.db" if given else None
    oip_stage(tracker_of(old, uri), old / "runs" / "a", None)
    (old / "mlflow.db").rmdir()
    old.rename(new)
    assert sync.main(["--output-dir", str(new)]) == 0
    assert len(runs_of(client_of(new), "oip")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_mark_of_a_record_that_is_gone_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old" / "records", tmp_path / "new"
    (old / "mlflow.db").mkdir(parents=True)
    oip_stage(tracker_of(new, f"sqlite:///{old}/mlflow.db"), new / "runs" / "a", None)
    shutil.rmtree(old.parent)
    assert sync.main(["--output-dir", str(new)]) == 1
    said = capsys.readouterr().err
    assert (
        f"is left: --uri: takes where its record lies now; got sqlite:///{old}/mlflow.db, whose folder is gone" in said
    )
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert sync.main(["--output-dir", str(new), "--uri", f"sqlite:///{new}/mlflow.db"]) == 0


# several processes, and kills ----------------------------------------------------------------------------------------


BEGIN = """
from recording import oip_stage, tracker_of
tracker = tracker_of(Path(), None, f"pipeline-{number}")
assert oip_stage(tracker, Path(f"runs/{number}"), None, key=f"key-{number}") is not None
"""
# in the middle: some of the places are changed
KILLED = """
import os, signal
from pathlib import Path
from pipeline.tracking import moved
last = moved.PLACES[2]
class Places(tuple):
    def __iter__(self):
        for place in super().__iter__():
            if place == last:
                os.kill(os.getpid(), signal.SIGKILL)
            yield place
moved.PLACES = Places(moved.PLACES)
moved.follow(Path("mlflow.db").absolute())
"""


def test_a_kill_in_the_middle_and_several_at_once(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    places = locations(old / "mlflow.db")
    old.rename(new)
    killed = execute(new, "-c", KILLED)
    assert killed.wait(END_S) == -signal.SIGKILL
    assert locations(new / "mlflow.db") == places
    assert at_once(new, BEGIN, 2) == [0, 0]
    assert outside(new) == []
    assert not old.exists()
    assert len(runs_of(client_of(new), "oip")) == 3


@pytest.mark.parametrize("name", NAMES[1:3])
def test_a_study_lies_in_its_output_folder_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    import optuna

    from hydra_plugins.mnist_dream.study_sweeper import _trials_so_far

    prepare_hydra()
    words = ["hydra/sweeper=optuna", "hydra.sweeper.sampler_seed=0", f"output_dir={quoted(str(tmp_path / name))}"]
    with hydra.initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        composed = hydra.compose("config", overrides=words, return_hydra_config=True)
    storage = composed.hydra.sweeper.storage
    assert _trials_so_far(storage, "none") == 0
    optuna.create_study(study_name="one", storage=storage)
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*.db")] == [Path(name, "optuna.db")]


# sweeps --------------------------------------------------------------------------------------------------------------


def sweep(root: Path, **fields: Any) -> Sweep:
    """One that was begun in root/project."""
    project = root / "project"
    return Sweep(
        **{
            "id": "1",
            "command": ["-m", "stages=[oip]", "noise.seed=0,1"],
            "directory": str(project),
            "begun": 0.0,
            "jobs": [],
            "conf": "",
            "output_dir": str(project / "outputs"),
            "backend": "mlflow",
            "uri": None,
            "experiment": "mnist-dream",
            "run_id": None,
            "folder": str(project / "outputs" / "multirun" / "day" / "time"),
        }
        | fields
    )


def test_the_command_of_a_sweep_that_was_moved_is_given_for_the_place_where_it_lies(tmp_path: Path) -> None:
    project, words = tmp_path / "project", ["-m", "stages=[oip]", "noise.seed=0,1"]
    project.mkdir()
    plain = sweep(tmp_path)
    assert plain.folder is not None

    def command(moved: Sweep, folder: Path) -> list[str]:
        found = followed(moved, folder)
        assert found.command[:3] == words
        assert found.directory == str(project)
        return found.command[3:]

    assert command(plain, Path(plain.folder)) == []
    # renamed, and elsewhere
    assert command(plain, project / "it's x" / "multirun" / "day" / "time") == ["output_dir='it\\'s x'"]
    there = tmp_path / "there" / "multirun" / "day" / "time"
    assert command(plain, there) == [f"output_dir='{tmp_path}/there'"]
    assert followed(plain, there).output_dir == str(tmp_path / "there")
    # of an older version; under another name, in what is seen to be an output folder
    assert command(sweep(tmp_path, folder=None), there) == command(plain, there)
    assert command(plain, there.with_name("another")) == []
    (tmp_path / "there" / "store").mkdir(parents=True)
    assert command(plain, there.with_name("another")) == command(plain, there)
    # what was said of places before is said no more
    said = sweep(tmp_path, command=[*words, "output_dir=outputs", "tracking.uri=sqlite:///outputs/a.db"])
    assert command(dataclasses.replace(said, uri="sqlite:///outputs/a.db"), there) == [
        f"output_dir='{tmp_path}/there'",
        f"tracking.uri='sqlite:///{tmp_path}/there/a.db'",
    ]
    server = [*words, "tracking.uri=http://127.0.0.1:5000"]
    assert command(sweep(tmp_path, command=server, uri="http://127.0.0.1:5000"), there) == [
        f"output_dir='{tmp_path}/there'",
        "tracking.uri=http://127.0.0.1:5000",
    ]
    # the sweep has left its output folder, or never lay in it
    assert command(plain, tmp_path / "alone") == []
    assert command(sweep(tmp_path, folder=str(tmp_path / "mine")), tmp_path / "other") == []


def test_a_sweep_that_was_moved_with_all_around_it_is_given_where_that_lies(tmp_path: Path) -> None:
    folder = tmp_path / "copy" / "outputs" / "multirun" / "day" / "time"
    folder.mkdir(parents=True)
    found = followed(sweep(tmp_path), folder)
    assert (found.directory, found.command[3:]) == (str(tmp_path / "copy"), ["output_dir='outputs'"])
    # as long as the folder in which it was given is there, other files that it names may be there alone
    (tmp_path / "project").mkdir()
    found = followed(sweep(tmp_path), folder)
    assert (found.directory, found.command[3:]) == (
        str(tmp_path / "project"),
        [f"output_dir='{tmp_path}/copy/outputs'"],
    )


@pytest.mark.parametrize("text", ["a\\b", "a\\\\b", "a\\", "it's", "it\\'s", 'a"b', "x y,z=[1]{ä}#", "null", ""])
def test_a_path_is_quoted_as_hydra_reads_it(text: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    assert str(OverridesParser.create().parse_override(f"output_dir={quoted(text)}").value()) == text


# all commands --------------------------------------------------------------------------------------------------------

ONE_MAP = ("oip.map_indices=[0]", "oip.xla=false", "atlas.dream.size=0")
QUICK = (*SMOKE, "stages=[oip]", "oip.map_indices=[0]", "oip.xla=false")


def command_in(folder: Path) -> Callable[..., tuple[int, str]]:
    """command(name, *words): the exit code of a command that is given in a folder, and all that it says."""

    def command(name: str, *words: str) -> tuple[int, str]:
        done = module(folder, name, *words)
        return done.returncode, done.stdout + done.stderr

    return command


@pytest.mark.usefixtures("trained_here")
def test_all_commands_work_inside_of_a_folder_that_was_moved_or_copied(tmp_path: Path) -> None:
    succeeded(pipeline(tmp_path, "-m", *QUICK, "noise.seed=0,1"))
    outputs, taken, copied = (tmp_path / name for name in ("outputs", "moved", "a copy"))
    (oip, train) = (runs_of(client_of(outputs), stage, "mnist-dream")[-1].info.run_id for stage in ("oip", "train"))
    shutil.copytree(outputs, copied)
    outputs.rename(taken)
    command = command_in(tmp_path)
    for folder in (taken, copied):
        if folder is copied:
            # what would be read or written in the place of the original
            shutil.copytree(taken / "mlartifacts", outputs / "mlartifacts")
            for path in (*outputs.rglob("*.npz"), *outputs.rglob("*.json"), *outputs.rglob("*.keras")):
                path.write_text("the original")
            before = snapshot(outputs), snapshot(taken)
        place = f"--output-dir={folder.name}"
        # both read the record in the same way
        if folder is taken:
            code, said = command("pipeline.rerun", oip, place)
            assert code == 0, said
            assert "oip          bit-identical" in said
        else:
            code, said = command("pipeline.atlas", train, *ONE_MAP, place)
            assert code == 0, said
            assert f"open it in a browser: {folder.name}/runs/" in said
        (sweep_dir,) = folder.glob("multirun/*/*")
        first = (sweep_dir / "0" / "job.json").read_bytes()
        shutil.rmtree(sweep_dir / "1")
        code, said = command("pipeline.resume", str(sweep_dir.relative_to(tmp_path)))
        assert code == 0, said
        assert said.startswith("1 of 2 jobs are finished\n")
        assert "2 jobs: 2 finished" in said
        assert (sweep_dir / "0" / "job.json").read_bytes() == first
        assert json.loads((sweep_dir / "sweep.json").read_text())["output_dir"] == str(folder)
        assert "output_dir" not in (sweep_dir / "summary" / "jobs.csv").read_text()
        code, said = command("pipeline", *QUICK, "noise.seed=2", f"output_dir='{folder.name}'", "oip.steps=5")
        assert code == 0, said
        assert f"{folder.name}/runs/" in said
        # as if it could not have been recorded
        (marked,) = (
            path.parent for path in folder.glob("runs/*/*/oip/stage.json") if b'oip.steps": "5"' in path.read_bytes()
        )
        leave_mark(folder, marked)
        code, said = command("pipeline.sync", place)
        assert (code, said.splitlines()[-1]) == (0, "1 brought in, 0 recorded before, 0 left")
        assert outside(folder) == []
        (record,) = runs_of(client_of(folder), "sweeps", "mnist-dream")
        assert record.info.status == "FINISHED"
        assert outputs.exists() is (folder is copied)
    after = snapshot(outputs), snapshot(taken)
    changed = [sorted(set(then.items()) ^ set(now.items())) for then, now in zip(before, after, strict=True)]
    assert [[name for name, _ in some] for some in changed] == [[], []]


def leave_mark(folder: Path, stage: Path) -> None:
    described = json.loads((stage / "stage.json").read_text())
    client = client_of(folder)
    (run,) = (run for run in runs_of(client, "oip", "mnist-dream") if run.data.params["oip.steps"] == "5")
    client.delete_run(run.info.run_id)
    Mark(
        experiment="mnist-dream",
        stage="oip",
        key=described["record"]["key"],
        pipeline_id=described["process"]["pipeline_id"],
        name="later",
        tags={},
        start_time=1,
    ).write(stage)
