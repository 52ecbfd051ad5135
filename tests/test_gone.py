"""Files that are gone from the record, or the record itself: what still works with the results that lie on disk."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import SMOKE, module, pipeline, start, succeeded
from servers import free_port

from pipeline.commands import recorded_run
from pipeline.runtime.errors import InputError
from pipeline.tracking.moved import follow
from pipeline.tracking.sqlite_lookup import Lost, lost_files

QUICK = (*SMOKE, "train.epochs=1", "stages=[oip]", "oip.map_indices=[0]", "oip.xla=false")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    succeeded(pipeline(folder, *QUICK))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    shutil.copytree(made / "outputs", tmp_path / "outputs")
    return tmp_path


def command(folder: Path, name: str, *words: str) -> tuple[int, str]:
    """The exit code of a command, and all that it says."""
    done = module(folder, name, *words)
    return done.returncode, done.stdout + done.stderr


def run_of(folder: Path) -> Path:
    (run,) = (folder / "outputs" / "runs").glob("*/*")
    return run


def id_of(folder: Path, stage: str = "oip") -> str:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name(f"mnist-dream/{stage}")
    return client.search_runs([experiment.experiment_id])[0].info.run_id


def artifacts(folder: Path) -> None:
    shutil.rmtree(folder / "outputs" / "mlartifacts")


def a_file(folder: Path) -> None:
    for file in (folder / "outputs" / "mlartifacts").rglob("oip.npz"):
        file.unlink()


def a_byte(folder: Path) -> None:
    for file in (folder / "outputs" / "mlartifacts").rglob("oip.npz"):
        file.write_bytes(file.read_bytes()[:-1])


def record(folder: Path) -> None:
    (folder / "outputs" / "mlflow.db").unlink()


def end_of_job(folder: Path) -> None:
    """As if it had been killed when its last stage was recorded."""
    artifacts(folder)
    job = json.loads((run_of(folder) / "job.json").read_text())
    (run_of(folder) / "job.json").write_text(json.dumps({**job, "state": "running", "stages": {}}))


def folder_of_run(folder: Path) -> None:
    artifacts(folder)
    shutil.rmtree(run_of(folder))


def broken_folder(folder: Path) -> None:
    artifacts(folder)
    (run_of(folder) / "oip" / "oip.npz").unlink()


@pytest.mark.parametrize(
    ("remove", "where", "why"),
    [
        (artifacts, "runs", "they are not whole in its record"),
        (a_file, "runs", "they are not whole in its record"),
        (a_byte, "runs", "they are not whole in its record"),
        (end_of_job, "runs", "they are not whole in its record"),
        (record, "runs", "the record does not tell of it"),
        (folder_of_run, "store", "they are not whole in its record"),
        (broken_folder, "store", "they are not whole in its record"),
    ],
)
def test_a_run_whose_files_are_gone_is_taken_from_where_its_results_are(
    folder: Path, capsys: pytest.CaptureFixture[str], remove: Callable[[Path], None], where: str, why: str
) -> None:
    run = id_of(folder)
    remove(folder)
    with recorded_run.opened(run, folder / "outputs", None) as found:
        assert found.folder.is_relative_to(folder / "outputs" / where)
        assert found.folder.name == "oip" or where == "store"
        assert found.stage == "oip"
        assert found.run_id == (None if remove is record else run)
        assert capsys.readouterr().out == f"the results of {run} are taken from {found.folder}, as {why}\n"


def test_a_run_whose_files_are_there_is_taken_from_the_record(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # the training's model lies elsewhere, which is no reason
    for stage in ("oip", "train"):
        with recorded_run.opened(id_of(folder, stage), folder / "outputs", None) as found:
            assert not found.folder.is_relative_to(folder)
    assert capsys.readouterr().out == ""


def test_a_run_that_is_nowhere_is_refused(folder: Path) -> None:
    run = id_of(folder)
    folder_of_run(folder)
    shutil.rmtree(folder / "outputs" / "store")
    takes = f"a run whose files are in the record, or in a folder of its stage below {folder}/outputs"
    with pytest.raises(InputError) as raised, recorded_run.opened(run, folder / "outputs", None):
        pass
    assert str(raised.value) == f"RUN: takes {takes}; got {run}, of which there are none"
    record(folder)
    with pytest.raises(InputError, match="nothing is recorded in"), recorded_run.opened(run, folder / "outputs", None):
        pass


def test_rerun_and_atlas_by_id_work_without_the_files_of_the_record(folder: Path) -> None:
    run, training = id_of(folder), id_of(folder, "train")
    artifacts(folder)
    shutil.rmtree(folder / "outputs" / "store" / "train")
    code, said = command(folder, "pipeline.rerun", run)
    assert code == 0, said
    assert f"the results of {run} are taken from outputs/runs/" in said
    assert "oip          bit-identical" in said
    # the training that it stands on, too
    code, said = command(folder, "pipeline.atlas", run, "atlas.dream.size=0")
    assert code == 0, said
    assert f"the results of {training} are taken from outputs/runs/" in said


def test_the_page_names_files_that_are_gone(folder: Path) -> None:
    follow(folder / "outputs" / "mlflow.db")
    assert lost_files(folder / "outputs" / "mlflow.db") == Lost(0, 2)
    artifacts(folder)
    assert lost_files(folder / "outputs" / "mlflow.db") == Lost(2, 2)
    page = start(folder, "pipeline.ui", "--port", str(free_port()))
    line = page.stderr.readline()
    page.send_signal(signal.SIGTERM)
    page.communicate(timeout=60)
    lie = f"their results lie in {folder}/outputs/runs, {folder}/outputs/store"
    assert line == f"mnist-dream: 2 of 2 runs have lost their files in {folder}/outputs/mlartifacts; {lie}\n"
