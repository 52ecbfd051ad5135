"""Records that something has happened to: one line that names the file and what is wrong with it, in a user's words."""

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import runs
from recording import new_tracker
from templates import copy_of

from pipeline.commands import atlas, rerun, resume, store, sync, ui
from pipeline.engine import storage
from pipeline.engine.provenance import file_digest
from pipeline.runtime.errors import BrokenFileError
from pipeline.sweeps import jobs
from pipeline.sweeps.folder import Sweep, read, write

# Words of Python, which say nothing to whoever uses the program.
PYTHON = re.compile(r"Traceback|Errno|\w+Error\b|\w+Exception\b|NoneType|codec|object is not")


@pytest.fixture(scope="module")
def recorded(smoke: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a run was recorded; what a test changes in it, it brings back."""
    return copy_of(smoke, tmp_path_factory.mktemp("damaged"))


@pytest.fixture
def oip(recorded: Path) -> Iterator[Path]:
    """The folder of its OIPs."""
    folder = runs(recorded)[0] / "oip"
    kept = {name: (folder / name).read_bytes() for name in ("stage.json", "config.yaml")}
    yield folder
    for name, content in kept.items():
        if (folder / name).is_dir():
            (folder / name).rmdir()
        (folder / name).write_bytes(content)


def refused(capsys: pytest.CaptureFixture[str], command: Any, *words: str) -> str:
    """The one line of a command that is refused, with nothing in it of Python."""
    # what MLflow logged of a record that the test began is not the command's
    capsys.readouterr()
    code = command.main(list(words))
    said = capsys.readouterr().err.splitlines()
    # where the output is a file, it also says what it waits for
    (line,) = [line for line in said if not line.startswith("mnist-dream: loading ")]
    assert code == 2, line
    assert not PYTHON.search(line), line
    return line


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:400])


def in_the_way(file: Path) -> None:
    file.unlink()
    file.mkdir()


# what happens to a file -> what is said of it, as text and as JSON or YAML
TEXTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (lambda file: file.write_bytes(b""), "is empty"),
    "blank": (lambda file: file.write_bytes(b" \n\n"), "is empty"),
    "latin-1": (lambda file: file.write_bytes(b"# \xe4\n" + file.read_bytes()), "is no text in UTF-8"),
    "bytes": (lambda file: file.write_bytes(bytes(range(256))), "is no text in UTF-8"),
    "a folder": (in_the_way, "is no file"),
    "gone": (Path.unlink, "is not there"),
}
JSONS = TEXTS | {
    "cut": (cut, r"is no whole JSON \(line \d+, column \d+\)"),
    "yaml": (lambda file: file.write_text("a:\n\t- b\n"), r"is no whole JSON \(line 1, column 1\)"),
    "deep": (lambda file: file.write_text("[" * 100_000), "is no JSON that this program wrote"),
    "list": (lambda file: file.write_text("[1, 2]"), "holds a list where a mapping is expected"),
    "null": (lambda file: file.write_text("null"), "holds null where a mapping is expected"),
}
YAMLS = TEXTS | {
    "tab": (lambda file: file.write_text("a:\n\t- b\n"), r"is no YAML .*\(line 2, column 1: found character '\\t'"),
    "list": (lambda file: file.write_text("[1, 2]"), "holds no settings"),
    "number": (lambda file: file.write_text("3"), "is no YAML that this program wrote"),
    "null": (lambda file: file.write_text("null"), "holds no settings"),
    "deep": (lambda file: file.write_text("[" * 100_000), "is no YAML that this program wrote"),
}


@pytest.mark.parametrize("command", [rerun, atlas])
@pytest.mark.parametrize("damage", JSONS)
def test_a_damaged_stage_json_is_told(oip: Path, capsys, command: Any, damage: str) -> None:
    spoil, said = JSONS[damage]
    spoil(oip / "stage.json")
    line = refused(capsys, command, str(oip))
    assert re.search(rf"got {oip}, whose stage\.json {said}", line)


@pytest.mark.parametrize("command", [rerun, atlas])
@pytest.mark.parametrize("damage", YAMLS)
def test_a_damaged_config_is_told(oip: Path, capsys, command: Any, damage: str) -> None:
    """An empty one is not taken for today's settings."""
    spoil, said = YAMLS[damage]
    spoil(oip / "config.yaml")
    line = refused(capsys, command, str(oip))
    assert re.search(rf"({oip}/|{oip}, whose )config\.yaml {said}", line)


def test_nothing_in_a_config_is_executed(oip: Path, tmp_path: Path, capsys) -> None:
    (oip / "config.yaml").write_text(f'!!python/object/apply:os.mkdir ["{tmp_path}/made"]\n')
    assert "config.yaml is no YAML that this program wrote (line 1, column 1" in refused(capsys, rerun, str(oip))
    assert list(tmp_path.iterdir()) == []


def put(content: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for key in path:
        content = content[key]
    if value is ...:
        del content[last]
    else:
        content[last] = value


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("record", ..., "lacks record"),
        ("record", 3, "has record: 3 where a mapping is expected"),
        ("record.stage", 3, "has record.stage: 3 where a text is expected"),
        ("record.key", None, "has record.key: null where a text is expected"),
        ("record.metrics", {"a": True}, "has record.metrics.a: true where a number is expected"),
        ("record.series", {"a": {"x": 1}}, "has record.series.a.x where the name is a whole number"),
        ("record.extra", 1, "has record.extra, which is not known"),
        ("process", ..., "lacks process"),
        ("process.threads", "x", 'has process.threads: "x" where a whole number is expected'),
        ("process.packages", [1], "has process.packages: a list where a mapping is expected"),
        ("process.overrides", "x", 'has process.overrides: "x" where a list is expected'),
        ("digests", ..., "lacks digests"),
        ("digests", {"a": 1}, "has digests.a: 1 where a text is expected"),
        ("ingredients", 1, "has ingredients: 1 where a mapping is expected"),
        ("files", {"a": [1]}, "has files.a with 1 entries where 2 are expected"),
    ],
)
def test_a_part_of_stage_json_of_another_kind_is_told(oip: Path, capsys, name: str, value: Any, said: str) -> None:
    described = json.loads((oip / "stage.json").read_text())
    put(described, name, value)
    (oip / "stage.json").write_text(json.dumps(described))
    assert refused(capsys, rerun, str(oip)).endswith(f"got {oip}, whose stage.json {said}")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("oip.steps", "many", "oip.steps: takes a whole number; got many"),
        ("oip.steps", -3, "oip.steps: takes a whole number of at least 1; got -3"),
        ("oip", None, "oip: takes a group with layer, "),
        ("runtime", [1], "runtime: takes a group with threads, deterministic; got [1]"),
        ("oip.nope", 1, "oip.nope: no such setting; "),
        ("top", 1, "top: no such setting; "),
        ("dream.photo", "${oc.env:HOME}", "dream.photo: takes a text as it is, and nothing to be looked up; got ${oc"),
        ("oip.layer", "${", "is no YAML that this program wrote"),
    ],
)
def test_a_setting_of_another_kind_in_a_config_is_told(oip: Path, capsys, name: str, value: Any, said: str) -> None:
    settings = yaml.safe_load((oip / "config.yaml").read_text())
    put(settings, name, value)
    (oip / "config.yaml").write_text(yaml.safe_dump(settings))
    described = json.loads((oip / "stage.json").read_text())
    # as if it had been saved like this, which is not the question here
    content = (oip / "config.yaml").read_bytes()
    described["files"]["config.yaml"] = [len(content), file_digest(oip / "config.yaml")]
    (oip / "stage.json").write_text(json.dumps(described))
    line = refused(capsys, rerun, str(oip))
    assert str(oip / "config.yaml") in line
    assert said in line


def test_a_config_that_was_changed_is_told(oip: Path, capsys) -> None:
    with (oip / "config.yaml").open("a") as file:
        file.write("# of mine\n")
    assert rerun.main([str(oip), "oip.steps=0"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"mnist-dream: {oip}/config.yaml is not as it was saved"
    # what is given now is no fault of the file
    assert second == "mnist-dream: oip.steps: takes a whole number of at least 1; got 0"


def test_a_byte_order_mark_is_no_damage(oip: Path) -> None:
    (oip / "stage.json").write_bytes(b"\xef\xbb\xbf" + (oip / "stage.json").read_bytes())
    assert storage.load_record(oip).stage == "oip"


# the store and its readers -------------------------------------------------------------------------------------------


def test_verify_says_what_is_wrong_with_a_record(recorded: Path, tmp_path: Path, capsys) -> None:
    shutil.copytree(recorded / "outputs" / "store" / "activations", tmp_path / "store" / "activations")
    (place,) = (path for path in (tmp_path / "store" / "activations").iterdir() if len(path.name) == 64)
    (place / "stage.json").write_text("[]")
    assert store.main(["--output-dir", str(tmp_path), "verify"]) == 1
    assert "stage.json holds a list where a mapping is expected" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"which is broken: stage\.json holds a list where a mapping is expected"):
        storage.load_whole_record(place)


# sweeps --------------------------------------------------------------------------------------------------------------


def a_sweep(folder: Path, output_dir: Path, run_id: str | None = None) -> Sweep:
    sweep = Sweep(
        id="a" * 32,
        command=["-m", "stages=[oip]", "noise.seed=0,1"],
        directory=str(folder),
        begun=1.0,
        jobs=[["stages=[oip]", "noise.seed=0"], ["stages=[oip]", "noise.seed=1"]],
        conf="",
        output_dir=str(output_dir),
        backend="none",
        uri=None,
        experiment="mnist-dream",
        run_id=run_id,
    )
    write(sweep, folder)
    return sweep


def a_job(folder: Path, sweep: Sweep, number: int) -> None:
    assert sweep.jobs is not None
    folder.mkdir(parents=True)
    with jobs.attempt(folder, sweep.jobs[number], sweep_id=sweep.id) as attempt:
        assert attempt is not None
        attempt.end(jobs.FINISHED, stages={"oip": {"key": "", "reused": False, "run_id": None, "metrics": {"m": 1.0}}})


@pytest.mark.parametrize("command", [resume, rerun, atlas])
@pytest.mark.parametrize("damage", [name for name in JSONS if name != "gone"])
def test_a_damaged_sweep_json_is_told(tmp_path: Path, capsys, command: Any, damage: str) -> None:
    a_sweep(tmp_path, tmp_path)
    spoil, said = JSONS[damage]
    spoil(tmp_path / "sweep.json")
    assert re.search(rf"got {tmp_path}, (a sweep )?whose sweep\.json {said}$", refused(capsys, command, str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("command", ..., "lacks command"),
        ("command", [1], "has command: 1 where a text is expected"),
        ("jobs", 3, "has jobs: 3 where a list is expected"),
        ("backend", "x", "has backend: x, which is not known"),
        ("more", 1, "has more, which is not known"),
    ],
)
def test_a_part_of_sweep_json_of_another_kind_is_told(tmp_path: Path, name: str, value: Any, said: str) -> None:
    a_sweep(tmp_path, tmp_path)
    content = json.loads((tmp_path / "sweep.json").read_text())
    put(content, name, value)
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    with pytest.raises(BrokenFileError) as raised:
        read(tmp_path)
    assert str(raised.value) == f"{tmp_path}/sweep.json {said}"


def test_a_job_whose_file_is_damaged_is_missing_and_it_is_told_why(tmp_path: Path) -> None:
    sweep = a_sweep(tmp_path, tmp_path)
    for number in (0, 1):
        a_job(tmp_path / str(number), sweep, number)
    assert [job and job.state for job in map(jobs.read, (tmp_path / "0", tmp_path / "1"))] == ["finished", "finished"]
    assert jobs.in_the_way(tmp_path / "2") is None
    file = tmp_path / "1" / "job.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "stages": {"oip": {}}}))
    assert jobs.read(tmp_path / "1") is None
    assert jobs.in_the_way(tmp_path / "1") == f"{tmp_path}/1 is in its way, whose job.json lacks metrics"
    with (
        pytest.raises(ValueError, match=rf"got {tmp_path}/1, whose job\.json lacks metrics"),
        jobs.attempt(tmp_path / "1", ["stages=[oip]", "noise.seed=1"], sweep_id=sweep.id),
    ):
        pass


@pytest.mark.parametrize("command", [rerun, atlas])
@pytest.mark.parametrize("by", ["run id, recorded", "run id, of which only the folder knows", "folder"])
def test_a_sweep_is_told_with_its_jobs_and_its_command(
    oip: Path, tmp_path: Path, capsys, command: Any, by: str
) -> None:
    outputs = tmp_path / "outputs"
    run_id = "b" * 32
    if by == "run id, recorded":
        tracker = new_tracker(outputs)
        run_id = tracker.begin("sweeps", name="n", params={}, tags={"sweep_id": "a" * 32})
    folder = outputs / "multirun" / "day" / "time"
    sweep = a_sweep(folder, outputs, run_id)
    for number in (0, 1):
        a_job(folder / str(number), sweep, number)
        shutil.copytree(oip, folder / str(number) / "oip")
    line = refused(capsys, command, str(folder) if by == "folder" else run_id, "--output-dir", str(outputs))
    assert f"{'' if by == 'folder' else run_id}, a sweep of 2 jobs; each is taken by its folder: " in line
    assert f"{folder}/0/oip (noise.seed=0), {folder}/1/oip (noise.seed=1); the sweep again" in line
    assert "`python -m pipeline -m 'stages=[oip]' noise.seed=0,1`" in line


def test_the_run_id_of_a_sweep_that_is_to_be_resumed_leads_to_its_folder(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    a_sweep(Path("outputs/multirun/day/time"), tmp_path / "outputs", "b" * 32)
    line = refused(capsys, resume, "b" * 32)
    assert line.endswith(f"got {'b' * 32}, the id of the sweep in outputs/multirun/day/time")


def test_a_run_of_several_stages_is_told_with_them(recorded: Path, capsys) -> None:
    run = runs(recorded)[0]
    assert f"got {run}, a run that has {run}/train, {run}/activations, " in refused(capsys, rerun, str(run))


# the record ----------------------------------------------------------------------------------------------------------


def another_file(file: Path) -> None:
    file.unlink()
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE mine (a)")
    database.close()


def another_file_of_like_names(*more: str) -> Callable[[Path], None]:
    def spoil(file: Path) -> None:
        file.unlink()
        database = sqlite3.connect(file)
        for table in ("experiments (name)", "alembic_version (version_num)", *more):
            database.execute(f"CREATE TABLE {table}")
        database.execute("INSERT INTO alembic_version VALUES ('0123456789ab')")
        database.commit()
        database.close()

    return spoil


def of_version(revision: str) -> Callable[[Path], None]:
    """A record that lay elsewhere before, so that its places would be changed, of another version of MLflow."""

    def spoil(file: Path) -> None:
        database = sqlite3.connect(file)
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.execute("DROP TABLE trace_info")
        database.commit()
        database.close()

    return spoil


DATABASES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "garbage": (lambda file: file.write_bytes(b"not a database " * 100), "is no whole SQLite file"),
    "cut": (lambda file: file.write_bytes(file.read_bytes()[:50_000]), "is no whole SQLite file"),
    "of something else": (another_file, "is an SQLite file of something else than MLflow"),
    "of like names": (another_file_of_like_names(), "is an SQLite file of something else than MLflow"),
    "of the same names": (another_file_of_like_names("runs (a)"), "is an SQLite file of something else than MLflow"),
    # the first of all, of MLflow 1.0
    "older": (of_version("451aebb31d03"), "was made by an older version of MLflow: take a copy of it, then `mlflow db"),
    "newer": (of_version("0123456789ab"), "was made by a newer version of MLflow than the one that is installed"),
    "a folder": (in_the_way, "is no file"),
}


@pytest.mark.parametrize("damage", DATABASES)
def test_a_record_that_is_none_is_told_and_left_as_it_is(
    empty_record: Path, tmp_path: Path, capsys, caplog, damage: str
) -> None:
    outputs = copy_of(empty_record, tmp_path) / "outputs"
    spoil, said = DATABASES[damage]
    spoil(outputs / "mlflow.db")
    before = None if damage == "a folder" else (outputs / "mlflow.db").read_bytes()
    assert f"{outputs}/mlflow.db {said}" in refused(capsys, ui, "--output-dir", str(outputs))
    assert f"{outputs}/mlflow.db {said}" in refused(capsys, rerun, "0" * 32, "--output-dir", str(outputs))
    assert sync.main(["--output-dir", str(outputs)]) == 1
    assert f"{outputs}/mlflow.db {said}" in capsys.readouterr().err
    # a run loses nothing but its record
    tracker = new_tracker(outputs)
    with tracker.stage_run("oip", "key", name="n", upstream={}) as run:
        assert run.run_id is None
    assert f"results on disk are complete; `python -m pipeline.sync --output-dir {outputs}`" in caplog.text
    assert f"{outputs}/mlflow.db {said}" in caplog.text
    if before is not None:
        assert (outputs / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize("run", ["0" * 32, "no/such/folder"])
def test_a_run_that_is_not_in_the_record_is_told_with_its_file(
    empty_record: Path, tmp_path: Path, capsys, run: str
) -> None:
    outputs = copy_of(empty_record, tmp_path) / "outputs"
    for command in (rerun, atlas):
        line = refused(capsys, command, run, "--output-dir", str(outputs))
        assert line.endswith(f"; got {run}, which is no folder here, and no run in {outputs}/mlflow.db")


@pytest.mark.parametrize("command", [rerun, atlas])
def test_settings_may_stand_before_the_run_which_may_not_be_forgotten(oip: Path, capsys, command: Any) -> None:
    # of two settings the second is wrong, so that nothing is computed
    for words in (
        ["oip.steps=5", str(oip), "oip.steps=-3"],
        ["oip.steps=5", "oip.steps=-3", str(oip)],
        [str(oip), "oip.steps=5", "oip.steps=-3"],
    ):
        assert refused(capsys, command, *words).endswith("oip.steps: takes a whole number of at least 1; got -3")
    line = refused(capsys, command, "oip.steps=5", "noise=long")
    assert line.endswith(
        "RUN: takes the id of a run, or the folder of a stage; got only settings, oip.steps=5 noise=long"
    )
    with pytest.raises(SystemExit):
        command.main([])
    assert capsys.readouterr().err.splitlines()[-1].endswith("the following arguments are required: RUN")


def test_the_folder_of_a_run_may_have_the_name_of_a_setting(oip: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    shutil.copytree(oip, tmp_path / "oip.steps=5")
    monkeypatch.chdir(tmp_path)
    assert refused(capsys, rerun, "oip.steps=5", "oip.steps=-3").endswith("at least 1; got -3")


def test_a_mark_that_is_damaged_is_left_with_its_reason(tmp_path: Path, capsys) -> None:
    for name, content in (("a", b""), ("b", b'{"experiment": 3}'), ("c", b"\xff")):
        folder = tmp_path / "runs" / name / "oip"
        folder.mkdir(parents=True)
        (folder / "unrecorded.json").write_bytes(content)
    assert sync.main(["--output-dir", str(tmp_path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    for line, name, said in zip(lines, "abc", ("is empty", "lacks stage", "is no text in UTF-8"), strict=True):
        folder = tmp_path / "runs" / name / "oip"
        assert line == f"mnist-dream: {folder} is left: {folder}/unrecorded.json {said}"
    assert not os.path.lexists(tmp_path / "mlflow.db")
