"""Sweeps through the command line: their record, jobs that fail, kills at any moment, and what is done afterwards."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from commands import ROOT, SMOKE, Done, execute, kill_all, module, pipeline, start, succeeded, wait_for
from PIL import Image
from recording import client_of
from templates import copy_of

from pipeline.engine.store import Store
from pipeline.runtime.locks import is_held
from pipeline.stages.oip.pictures.sweep import render_sweep
from pipeline.stages.registry import STAGES
from pipeline.sweeps import jobs

QUICK = ("-m", *SMOKE, "stages=[oip]", "oip.map_indices=[0,5]", "oip.xla=false")
SWEPT = ("noise=long,short,pixels,fourier", "noise.seed=0,1,2")


def sweep_folder(folder: Path) -> Path:
    (found,) = (folder / "outputs" / "multirun").glob("*/*")
    return found


def recorded(folder: Path, stage: str) -> list[Any]:
    client = client_of(folder)
    experiment = client.get_experiment_by_name(f"mnist-dream/{stage}")
    return client.search_runs([experiment.experiment_id]) if experiment else []


def table(sweep: Path) -> list[dict[str, str]]:
    with (sweep / "summary" / "jobs.csv").open() as file:
        return list(csv.DictReader(file))


def digests(job: Path) -> dict[str, str]:
    return json.loads((job / "oip" / "stage.json").read_text())["digests"]


@pytest.fixture(scope="module")
def swept(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a sweep of twelve jobs was done, undisturbed."""
    folder = copy_of(trained, tmp_path_factory.mktemp("sweep"))
    output = succeeded(pipeline(folder, *QUICK, *SWEPT))
    assert "sweep        12 jobs: 12 finished" in output
    return folder


# the record -----------------------------------------------------------------------------------------------------------


def test_a_sweep_has_a_run_with_its_jobs_and_what_they_made(swept: Path, tmp_path: Path) -> None:
    (run,) = recorded(swept, "sweeps")
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"jobs": 12, "finished": 12, "failed": 0, "killed": 0, "missing": 0}
    assert run.data.params == {"noise": "long short pixels fourier", "noise.seed": "0 1 2"}
    client = client_of(swept)
    files = {file.path for file in client.list_artifacts(run.info.run_id, "results")}
    names = ("jobs.csv", "jobs.json", "stage.json", "activation.png", "oips.png")
    names += ("seeds.csv", "seeds.json", "seeds.png")
    assert files == {f"results/{name}" for name in names}
    tables = [{"path": f"results/{name}.json", "type": "table"} for name in ("jobs", "seeds")]
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == tables
    pictures = [file.path for file in client.list_artifacts(run.info.run_id, "images") if file.path.endswith(".png")]
    assert sorted(path.split("+")[0] for path in pictures) == [
        "images/sweep~activation",
        "images/sweep~oips",
        "images/sweep~seeds",
    ]
    of_jobs = recorded(swept, "oip")
    assert len(of_jobs) == 12
    assert {job.data.tags["sweep_id"] for job in of_jobs} == {run.data.tags["sweep_id"]}


def test_the_table_of_a_sweep_tells_of_every_job_what_was_set_and_what_came_of_it(swept: Path) -> None:
    rows = table(sweep_folder(swept))
    assert [row["job"] for row in rows] == [str(number) for number in range(12)]
    assert [(row["noise"], row["noise.seed"]) for row in rows] == [
        (noise, seed) for noise in ("long", "short", "pixels", "fourier") for seed in "012"
    ]
    assert {row["state"] for row in rows} == {"finished"}
    runs = {run.info.run_id: run for run in recorded(swept, "oip")}
    for row in rows:
        assert float(row["oip.mean_activation"]) == runs.pop(row["oip run"]).data.metrics["mean_activation"]
    in_mlflow = json.loads((sweep_folder(swept) / "summary" / "jobs.json").read_text())
    assert [[str(value) for value in line] for line in in_mlflow["data"]] == [list(row.values()) for row in rows]


def test_the_heat_map_has_a_row_for_every_job_and_a_column_for_every_map() -> None:
    """Two jobs: the first knows maps 0 and 2, the second 2 and 7; of the others nothing is known."""
    results = [
        {
            "map_indices": np.array(maps),
            "activation": np.array(values, np.float32),
            "images": np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype(np.float32),
            "verdicts": np.array(["converged", "never triggered"]),
        }
        for maps, values in (([0, 2], [0.0, 4.0]), ([2, 7], [2.0, 4.0]))
    ]
    pictures = render_sweep(["one", "two"], results)
    heat = pictures["activation.png"]
    assert isinstance(heat, np.ndarray)
    colors = {tuple(color) for color in heat.reshape(-1, 3).tolist()}
    magma = {0.0: (0, 0, 3), 4.0: (251, 252, 191)}
    # the ends of the scale, and grey for what was not asked for; the colour bar shows the ends too
    for color in (*magma.values(), (216, 216, 222)):
        assert min(max(abs(np.subtract(color, other))) for other in colors) <= 1
    sheet = pictures["oips.png"]
    assert isinstance(sheet, np.ndarray)
    assert sheet.shape[1] > 3 * 84
    assert render_sweep([], []) == {}


def test_sheets_of_very_many_jobs_and_maps_show_some_of_them() -> None:
    images = np.random.default_rng(0).normal(size=(128, 28, 28, 1)).astype(np.float32)
    result = {
        "map_indices": np.arange(128),
        "activation": np.ones(128, np.float32),
        "images": images,
        "verdicts": np.array(["converged"] * 128),
    }
    pictures = render_sweep([f"job {k}" for k in range(60)], [result] * 60)
    for picture in pictures.values():
        assert isinstance(picture, np.ndarray)
        assert max(picture.shape) < 8000


# failures ------------------------------------------------------------------------------------------------------------


# for the OIP of map 1 the disk is full
FULL = """
import errno, os
from pipeline.engine import storage
from pipeline.__main__ import main
save = storage.save_result
def saved(result, folder, **more):
    if list(getattr(result, "map_indices", [])) == [1]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    return save(result, folder, **more)
storage.save_result = saved
main()
"""


@pytest.fixture(scope="module")
def with_failures(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """Of four jobs one asks for a map that is not there, and of one the result cannot be written."""
    folder = copy_of(trained, tmp_path_factory.mktemp("failing"))
    place = folder / "outputs" / "multirun" / "a" / "sweep"
    maps = "oip.map_indices=[0],[128],[1],[2]"
    words = ("-m", *SMOKE, "stages=[oip]", "oip.xla=false", maps, f"hydra.sweep.dir={place}")
    process = execute(folder, "-c", FULL, *words)
    output, errors = process.communicate(timeout=300)
    assert process.returncode is not None
    return folder, Done(words, process.returncode, output, errors)


def test_a_job_that_fails_does_not_keep_the_others_from_their_work(with_failures) -> None:
    folder, process = with_failures
    assert process.returncode == 1
    assert [row["state"] for row in table(sweep_folder(folder))] == ["finished", "failed", "failed", "finished"]
    lines = process.stderr.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("mnist-dream: job 1 (oip.map_indices=[128]) failed: oip.map_indices: takes")
    assert lines[1].startswith("mnist-dream: job 2 (oip.map_indices=[1]) failed: ")
    assert lines[1].endswith("(outputs/multirun/a/sweep/2/mnist-dream.log)")
    assert lines[2] == "mnist-dream: python -m pipeline.resume outputs/multirun/a/sweep does the rest"
    assert "2 finished, 2 failed" in process.stdout


def test_a_job_that_fails_has_its_traceback_in_its_own_log_alone(with_failures) -> None:
    folder, _ = with_failures
    logs = {path.parent.name: path.read_text() for path in sweep_folder(folder).glob("*/mnist-dream.log")}
    assert "Traceback (most recent call last)" in logs["1"]
    assert "InputError: oip.map_indices: takes" in logs["1"]
    assert "Traceback (most recent call last)" in logs["2"]
    assert "Traceback" not in logs["0"] + logs["3"]


def test_the_run_of_a_stage_that_fails_says_why(with_failures) -> None:
    folder, _ = with_failures
    runs = recorded(folder, "oip")
    assert sorted(run.info.status for run in runs) == ["FAILED", "FINISHED", "FINISHED"]
    (failed,) = (run for run in runs if run.info.status == "FAILED")
    assert "No space left on device" in failed.data.tags["failure"]
    assert failed.data.params["oip.map_indices"] == "1"
    (sweep,) = recorded(folder, "sweeps")
    assert sweep.info.status == "FAILED"
    assert sweep.data.metrics == {"jobs": 4, "finished": 2, "failed": 2, "killed": 0, "missing": 0}


def test_what_failed_is_done_again_when_the_reason_is_gone(with_failures) -> None:
    folder, _ = with_failures
    before = (sweep_folder(folder) / "0" / "job.json").read_text()
    process = module(folder, "pipeline.resume", str(sweep_folder(folder)))
    assert process.returncode == 1
    assert process.stdout.startswith("2 of 4 jobs are finished\n")
    assert [row["state"] for row in table(sweep_folder(folder))] == ["finished", "failed", "finished", "finished"]
    assert (sweep_folder(folder) / "0" / "job.json").read_text() == before
    (sweep,) = recorded(folder, "sweeps")
    assert sweep.data.metrics == {"jobs": 4, "finished": 3, "failed": 1, "killed": 0, "missing": 0}


# kills ---------------------------------------------------------------------------------------------------------------


# what is there of a sweep from a moment on, in its folder and in the store
MOMENTS: dict[str, Callable[[Path, Path], bool]] = {
    "its command was given": lambda sweep, store: True,
    "it has begun": lambda sweep, store: (sweep / "sweep.json").is_file(),
    "it trains": lambda sweep, store: any(store.glob("train/.*.lock")),
    "it has trained": lambda sweep, store: any(store.glob("train/[0-9a-f]*")),
    "its third job has begun": lambda sweep, store: (sweep / "2" / "job.json").is_file(),
    "its last job has ended": lambda sweep, store: any(sweep.glob("*summary*")),
}
# and seconds, as many as are asked for by KILLS=20
RANDOM = random.Random(0)
AT_RANDOM = [[RANDOM.uniform(0, 8) for _ in range(3)] for _ in range(int(os.environ.get("KILLS", "0")))]


@pytest.mark.parametrize(
    "moments",
    [
        ["its command was given", "it has begun", "it trains"],
        ["it has trained", "its third job has begun", "its last job has ended"],
        *AT_RANDOM,
    ],
)
def test_a_sweep_that_is_killed_at_any_moment_is_finished_by_resuming_it(
    swept: Path, tmp_path: Path, moments: list[str] | list[float]
) -> None:
    """Killed three times, each time resumed."""
    place, store = tmp_path / "outputs" / "multirun" / "a" / "sweep", tmp_path / "outputs" / "store"
    some = ("noise=long,short", "noise.seed=0,1,2")
    process = start(tmp_path, "pipeline", *QUICK, *some, f"hydra.sweep.dir={place}")
    for moment in moments:
        if isinstance(moment, float):
            time.sleep(moment)
        else:
            wait_for(partial(MOMENTS[moment], place, store), process)
        kill_all(process)
        if (place / "sweep.json").is_file():
            process = start(tmp_path, "pipeline.resume", str(place))
        else:
            # nothing had begun
            process = start(tmp_path, "pipeline", *QUICK, *some, f"hydra.sweep.dir={place}")
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "6 jobs: 6 finished" in output
    # of which these were the first
    undisturbed = sweep_folder(swept)
    for job in map(str, range(6)):
        assert digests(place / job) == digests(undisturbed / job)
        state = jobs.read(place / job)
        assert state is not None
        assert state.state == jobs.FINISHED
    # each result was recorded once, and no run is left as if it were going on
    finished: dict[str, int] = {}
    for stage in ("train", "oip", "sweeps"):
        for run in recorded(tmp_path, stage):
            assert run.info.status in ("FINISHED", "KILLED"), (stage, run.info.status)
            if run.info.status == "FINISHED":
                assert "failure" not in run.data.tags
                key = run.data.tags.get("stage_key", stage)
                finished[key] = finished.get(key, 0) + 1
    assert set(finished.values()) == {1}
    assert len(finished) == 1 + 6 + 1
    # the file of a lock may be left, held by nobody
    assert Store(tmp_path / "outputs" / "store", STAGES).leftovers() == []
    assert not any(is_held(lock) for lock in (tmp_path / "outputs" / "store").glob("*/.*.lock"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sweep_that_is_interrupted_says_how_it_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, "pipeline", *QUICK, *SWEPT, "train.epochs=500")
    # the file of the record is there, whole, before the first job
    wait_for(lambda: list((tmp_path / "outputs").glob("store/train/.*.lock")) and recorded(tmp_path, "train"), process)
    assert process.poll() is None
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    # the latter where the interpreter ends itself by the signal, which a shell sees as the former
    assert process.returncode in (128 + number, -number)
    assert "12 jobs: 1 killed, 11 missing" in output
    # TensorFlow prints one of its own where a signal meets its native code
    assert "Traceback" not in errors or "returned a result with an exception set" in errors
    assert errors.splitlines()[-1].startswith("mnist-dream: python -m pipeline.resume outputs/multirun/")
    (sweep,) = recorded(tmp_path, "sweeps")
    assert sweep.info.status == "KILLED"
    (training,) = recorded(tmp_path, "train")
    assert training.info.status == "KILLED"


def test_a_job_waits_for_the_process_that_executes_it(tmp_path: Path) -> None:
    """A worker may outlive the sweep that started it."""
    hold = (
        "import sys, time; from pathlib import Path; from pipeline.sweeps import jobs\n"
        "with jobs.attempt(Path(sys.argv[1]), ['a=1'], sweep_id='s') as attempt:\n"
        "    print('begun', flush=True); sys.stdin.readline(); attempt.end(jobs.FINISHED)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "begun\n"
    job = jobs.read(tmp_path)
    assert job is not None
    assert jobs.state_of(job, tmp_path) == jobs.RUNNING
    assert job.process.pid == other.pid
    assert other.stdin is not None
    other.stdin.write("\n")
    other.stdin.flush()
    with jobs.attempt(tmp_path, ["a=1"], sweep_id="s") as attempt:
        assert attempt is None
    other.communicate()


def test_a_job_whose_process_is_gone_was_killed(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process = jobs.this_process()._replace(pid=child.pid, started=psutil.Process(child.pid).create_time())
    job = jobs.Job(overrides=[], sweep_id=None, process=process, begun=0.0)
    assert jobs.state_of(job, tmp_path) == jobs.RUNNING
    child.kill()
    child.wait()
    assert jobs.state_of(job, tmp_path) == jobs.KILLED
    assert jobs.state_of(None, tmp_path) == jobs.MISSING


def test_a_job_that_is_not_that_of_this_sweep_is_done_again_and_only_its_drafts_go(tmp_path: Path) -> None:
    draft = tmp_path / f".oip-{'0' * 32}"
    with jobs.attempt(tmp_path, ["a=1"], sweep_id="s") as attempt:
        assert attempt is not None
        draft.mkdir()
        (tmp_path / "oip").mkdir()
        (tmp_path / "mine").mkdir()
    with jobs.attempt(tmp_path, ["a=1"], sweep_id="s") as attempt:
        assert attempt is not None  # it was never ended as finished
        attempt.end(jobs.FINISHED)
    assert not draft.exists()
    with jobs.attempt(tmp_path, ["a=1"], sweep_id="s") as attempt:
        assert attempt is None
    for overrides, sweep_id in ((["a=2"], "s"), (["a=2"], "t"), (["a=2"], None), (["a=2"], None)):
        draft.mkdir()
        with jobs.attempt(tmp_path, overrides, sweep_id=sweep_id) as attempt:
            assert attempt is not None
            attempt.end(jobs.FINISHED)
        assert not draft.exists()
    assert (tmp_path / "oip").exists()
    assert (tmp_path / "mine").exists()


@pytest.mark.parametrize("spoil", ["the folder", "the record", "a file"])
def test_a_job_whose_results_are_gone_is_done_again(swept: Path, tmp_path: Path, spoil: str) -> None:
    folder = copy_of(swept, tmp_path / "place")
    stage = sweep_folder(folder) / "4" / "oip"
    match spoil:
        case "the folder":
            shutil.rmtree(stage)
        case "the record":
            (stage / "stage.json").write_text("{")
        case _:
            (stage / "oip.npz").write_bytes(b"")
    # the copy of a sweep is resumed where its command was given
    described = json.loads((sweep_folder(folder) / "sweep.json").read_text())
    described |= {"directory": str(folder), "output_dir": str(folder / "outputs")}
    (sweep_folder(folder) / "sweep.json").write_text(json.dumps(described))
    process = module(folder, "pipeline.resume", str(sweep_folder(folder)))
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("11 of 12 jobs are finished\n")
    assert "12 jobs: 12 finished" in process.stdout
    assert digests(sweep_folder(folder) / "4") == digests(sweep_folder(swept) / "4")


def test_a_folder_with_another_sweep_is_refused(swept: Path) -> None:
    place = sweep_folder(swept)
    before = (place / "sweep.json").read_text()
    process = pipeline(swept, *QUICK, "noise.seed=7", f"hydra.sweep.dir={place}")
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("mnist-dream: hydra.sweep.dir: takes a new folder, or that of the same sweep; got ")
    assert (place / "sweep.json").read_text() == before


def test_of_two_at_once_one_works_on_a_sweep(trained_here: Path, tmp_path: Path) -> None:
    place = tmp_path / "outputs" / "multirun" / "a" / "sweep"
    command = ("pipeline", *QUICK, "noise=long,short", f"hydra.sweep.dir={place}")
    first = start(tmp_path, *command)
    wait_for((place / "sweep.json").is_file, first)
    assert first.poll() is None
    second = module(tmp_path, "pipeline.resume", str(place))
    assert second.returncode == 2
    assert "on whose sweep another process works" in second.stderr
    output, _ = first.communicate(timeout=200)
    assert "2 jobs: 2 finished" in output


@pytest.mark.parametrize("word", ["output_dir=", "hydra.sweep.dir=", "hydra.run.dir=''"])
def test_a_folder_has_a_name(tmp_path: Path, word: str) -> None:
    process = pipeline(tmp_path, *QUICK, word)
    assert process.returncode == 2
    assert process.stderr == f"mnist-dream: {word.partition('=')[0]}: takes a folder; got nothing\n"
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_a_group_that_is_not_there_is_refused_before_the_sweep(tmp_path: Path) -> None:
    process = pipeline(tmp_path, *QUICK, "noise=long,loud")
    assert process.returncode == 2
    assert process.stderr.startswith("mnist-dream: noise: takes one of digit, fourier, long, ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["nothing", "a run", "broken"])
def test_what_is_no_sweep_cannot_be_resumed(tmp_path: Path, kind: str) -> None:
    if kind == "broken":
        (tmp_path / "sweep.json").write_text('{"id": "a"')
    if kind == "a run":
        (tmp_path / "job.json").write_text("{}")
    process = module(tmp_path, "pipeline.resume", str(tmp_path))
    assert process.returncode == 2
    why = ", whose sweep.json is no whole JSON (line 1, column 11)" if kind == "broken" else ""
    assert process.stderr == f"mnist-dream: DIR: takes the folder of a sweep, with a sweep.json; got {tmp_path}{why}\n"


def test_pictures_of_a_sweep_can_be_read(swept: Path) -> None:
    for name in ("activation", "oips"):
        with Image.open(sweep_folder(swept) / "summary" / f"{name}.png") as picture:
            assert min(picture.size) > 100
