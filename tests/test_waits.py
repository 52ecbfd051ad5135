"""What is said while nothing else is to be seen: in a line, on a terminal and in a log, not to another program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT

from pipeline.runtime.progress import recording, say_waiting

pytestmark = pytest.mark.process

LOADING = "mnist-dream: loading TensorFlow ...\n"


def test_a_line_is_for_who_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    master, terminal = os.openpty()
    for number, said in ((terminal, b"mnist-dream: loading it ...\r\n"), (writer, b"")):
        with open(number, "w", closefd=False) as stream:
            monkeypatch.setattr(sys, "stderr", stream)
            say_waiting("loading it")
        os.set_blocking(reader, False)
        if said:
            assert os.read(master, 100) == said
        else:
            with pytest.raises(BlockingIOError):
                os.read(reader, 100)
    log = tmp_path / "log"
    with log.open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        say_waiting("loading it")
    assert log.read_text() == "mnist-dream: loading it ...\n"
    # closed, and none at all
    say_waiting("loading it")
    monkeypatch.setattr(sys, "stderr", None)
    say_waiting("loading it")


def test_a_log_is_told_of_the_record_when_that_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    with log.open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with recording(patience=1000):
            pass
        assert log.read_text() == ""
        with recording(patience=0):
            while not log.read_text():
                pass
    assert log.read_text() == "mnist-dream: recording in MLflow ...\n"


def test_a_command_says_that_tensorflow_is_loaded_and_a_quick_one_says_nothing(tmp_path: Path) -> None:
    def said(*words: str) -> str:
        with (tmp_path / "log").open("w") as log:
            subprocess.run(
                [sys.executable, "-m", "pipeline", *words],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.DEVNULL,
                stderr=log,
                check=False,
            )
        return (tmp_path / "log").read_text()

    training = ("stages=[train]", "data.limit=60", "train.epochs=1", "tracking=none", "output_dir=out")
    assert said(*training) == LOADING
    assert said("--cfg", "job") == said("store", "list", "--output-dir", "out") == ""
    # what is there already needs no TensorFlow
    assert said(*training) == ""
