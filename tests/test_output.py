"""Standard output and error that nobody reads, that are full, or closed: real processes, whose results are complete."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, SMOKE

from pipeline.engine import storage
from pipeline.runtime.output import NOT_WRITTEN, READER_GONE

pytestmark = pytest.mark.process

TRAINING = (*SMOKE, "train.epochs=1", "stages=[train]")
FULL = "mnist-dream: standard output cannot be written: No space left on device\n"
# what is to be seen of each kind of output: the exit code, and what standard error says
TOLD = {"gone": (READER_GONE, ""), "full": (NOT_WRITTEN, FULL), "closed": (0, "")}

Started = tuple[str, "subprocess.Popen[str]"]


def start(folder: Path, output: str, *words: str, error: str = "2>&2") -> Started:
    """python -m WORDS with standard output of a kind of TOLD. error: what a shell does with standard error."""
    reader, writer = os.pipe()
    os.close(reader)
    # the shell of a user: nothing of Python's is between
    to = {"gone": "", "full": "> /dev/full", "closed": ">&-"}[output]
    try:
        process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" {to} {error}', "sh", sys.executable, "-m", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"},
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(writer)
    return output, process


def ended(started: Started) -> tuple[int, str]:
    _, error = started[1].communicate(timeout=300)
    return started[1].returncode, error


def states(folder: Path) -> list[str]:
    """Of all jobs, those whose files are not there included."""
    found = []
    for file in sorted(folder.rglob("job.json")):
        job = json.loads(file.read_text())
        whole = all(storage.problem(file.parent / stage, thorough=True) is None for stage in job["stages"])
        found.append(job["state"] if whole and job["stages"] else "nothing")
    return found


def recorded(folder: Path, stage: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name(f"mnist-dream/{stage}")
    return list(client.search_runs([experiment.experiment_id]))


HELP = [
    ("pipeline", "--help"),
    ("pipeline", "--cfg", "job"),
    *((f"pipeline.{name}", "--help") for name in ("rerun", "atlas", "compare", "resume", "store", "sync", "ui")),
]


@pytest.mark.parametrize("output", list(TOLD))
def test_help_that_cannot_be_told(tmp_path: Path, output: str) -> None:
    for some in (HELP[:4], HELP[4:]) if output != "closed" else (HELP[1:3],):
        begun = [start(tmp_path, output, *words) for words in some]
        for words, process in zip(some, begun, strict=True):
            assert ended(process) == TOLD[output], words
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a training was made whose summary nobody read."""
    folder = tmp_path_factory.mktemp("trained")
    assert ended(start(folder, "gone", "pipeline", *TRAINING)) == TOLD["gone"]
    return folder


def test_a_run_whose_summary_nobody_reads_is_complete(trained: Path) -> None:
    assert states(trained) == ["finished"]
    (run,) = recorded(trained, "train")
    assert run.info.status == "FINISHED"
    assert list(trained.rglob("unrecorded.json")) == []


@pytest.mark.parametrize("output", ["full", "closed"])
def test_a_run_whose_summary_cannot_be_written_is_complete(trained: Path, output: str) -> None:
    place = f"hydra.run.dir=outputs/{output}"
    assert ended(start(trained, output, "pipeline", *TRAINING, place)) == TOLD[output]
    assert states(trained / "outputs" / output) == ["finished"]


def test_a_sweep_and_its_workers_go_on(trained: Path) -> None:
    place = trained / "outputs" / "sweep"
    sweep = ("-m", *TRAINING, "noise.seed=0,1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "runtime.threads=1")
    assert ended(start(trained, "gone", "pipeline", *sweep, f"hydra.sweep.dir={place}")) == TOLD["gone"]
    assert states(place) == ["finished", "finished"]
    assert {run.info.status for run in recorded(trained, "sweeps")} == {"FINISHED"}
    assert (place / "summary" / "jobs.csv").is_file()
    assert ended(start(trained, "full", "pipeline.resume", str(place))) == TOLD["full"]


def test_a_stage_that_is_computed_again_has_its_own_verdict(trained: Path) -> None:
    """1: something differs, which is more than that nobody was told."""
    (train,) = trained.glob("outputs/runs/*/*/train")
    words = (str(train), "train.batch_size=16", "--output-dir", "again")
    assert ended(start(trained, "gone", "pipeline.rerun", *words)) == (1, "")
    assert states(trained / "again") == ["finished"]


@pytest.mark.parametrize("output", ["gone", "full"])
def test_every_other_command_says_so(trained: Path, output: str) -> None:
    begun = [start(trained, output, *words) for words in (("pipeline.store", "list"), ("pipeline.sync",))]
    # whose addresses nobody would see: it ends
    begun.append(start(trained, output, "pipeline.ui"))
    assert list(map(ended, begun)) == [TOLD[output]] * 3


@pytest.mark.parametrize("error", ["2>&-", "2> /dev/full"])
def test_an_error_that_cannot_be_told_is_in_the_exit_code_alone(tmp_path: Path, error: str) -> None:
    def out(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", "-c", f'exec "$@" {error}', "sh", sys.executable, "-m", *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, check=False)

    for words in (("pipeline", "oip.step=3"), ("pipeline.rerun", "nothing"), ("pipeline.store", "list")):
        process = out(*words)
        assert (process.returncode, process.stdout) == (2, ""), words
    assert list(tmp_path.iterdir()) == []


def python(folder: Path, program: str, *, output: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = ["sh", "-c", f'exec "$@" {output}', "sh", sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)


def test_no_file_gets_the_number_of_a_stream_that_is_closed(tmp_path: Path) -> None:
    """Native code would write into it what it has to say."""
    program = "import os; from pipeline.runtime.output import keep_going; keep_going(); os.write(3, b'%d' % os.dup(3))"
    python(tmp_path, program, output="3>told <&- >&- 2>&-")
    assert int((tmp_path / "told").read_text()) > 3


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_is_said_is_said_in_order_and_whole(tmp_path: Path, unbuffered: str) -> None:
    """Also a name that the terminal cannot show, and more than a pipe holds."""
    program = (
        "from pipeline.runtime.output import run_command\nrun_command(lambda: print('größe', 'x' * 300000, flush=True))"
    )
    process = python(tmp_path, program, PYTHONIOENCODING="ascii", PYTHONUNBUFFERED=unbuffered)
    assert (process.returncode, process.stderr) == (0, b"")
    assert process.stdout == b"gr\\xf6\\xdfe " + b"x" * 300000 + b"\n"


def test_streams_of_others_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.runtime.output import is_lost, run_command

    def exits(code: object) -> Callable[[], int]:
        return lambda: sys.exit(code)  # type: ignore[return-value]

    assert [run_command(exits(code)) for code in (None, 0, 3, "why")] == [0, 0, 3, 1]
    assert not is_lost()
    assert capsys.readouterr().err == "why\n"
