"""A training that is ended in the middle goes on after its last epoch, and ends with the bits of one that was not."""

import dataclasses
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from commands import SMOKE, arrays, execute, pipeline, runs, succeeded, wait_for

from pipeline import load_dataset
from pipeline.commands.store import main as store_main
from pipeline.engine.store import Store
from pipeline.runtime.locks import exclusive
from pipeline.stages.registry import STAGES
from pipeline.stages.train import checkpoint
from pipeline.stages.train.compute import train

KEY = "0123456789abcdef" * 4


class EndedError(Exception):
    """Ends a training."""


@pytest.fixture
def at_every_epoch(monkeypatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "TIMES_WRITING", 0.0)


@pytest.fixture(scope="module")
def settings(compose):
    """The settings of a small training that uses all that has to be kept, and its data."""
    words = ("train.epochs=6", "train.optimizer.averaging=0.8", "train.snapshots=[0,1,4,6]", "train.batch_size=32")
    config = compose(*SMOKE[:2], *words, "train.augmentation.elastic=0.5", "train.learning_rate.warm_up=1")
    return config, load_dataset(config.data, size=28)


def trained(settings, file: Path | None, *, ended_after: int = 99, told: list | None = None, seed: int = 3):
    config, dataset = settings

    def progress(_: str, done: int, total: int, **values: float) -> None:
        if told is not None:
            told.append((done, values))
        # the file is written after this is told
        if done > ended_after:
            raise EndedError

    return train(config.train, config.model, dataset, seed=seed, checkpoint=file, progress=progress)


@pytest.fixture(scope="module")
def undisturbed(deterministic, settings):
    return trained(settings, None)


def assert_same(result, other) -> None:
    for a, b in zip(result.model.weights, other.model.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    files, others = result.arrays(), other.arrays()
    assert files.keys() == others.keys() == {"initial_weights.npz", "history.npz", "evaluation.npz", "snapshots.npz"}
    for file, named in files.items():
        assert named.keys() == others[file].keys()
        for name, array in named.items():
            np.testing.assert_array_equal(array, others[file][name], err_msg=f"{file} {name}")


def test_it_goes_on_each_time_and_ends_with_the_same_bits(settings, undisturbed, at_every_epoch, tmp_path, caplog):
    file = tmp_path / "reached"
    for ended_after in (1, 2, 4):
        with pytest.raises(EndedError):
            trained(settings, file, ended_after=ended_after)
    told: list = []
    caplog.clear()
    result = trained(settings, file, told=told)
    assert_same(result, undisturbed)
    assert "train: goes on after epoch 4 of 6" in caplog.text
    # all epochs are told, so that the record has them all
    assert [done for done, _ in told] == [1, 2, 3, 4, 5, 6]
    for epoch, (_, values) in enumerate(told):
        assert values["loss"] == undisturbed.history["loss"][epoch]
        assert values["images_per_second"] == result.images_per_second[epoch] > 0
    # it is the caller's, and of the last epoch nothing is kept
    assert len(checkpoint.load_arrays(file)["history/loss"]) == 5


def test_with_time_between_two_files_the_later_epochs_are_done_again(settings, undisturbed, tmp_path, monkeypatch):
    file = tmp_path / "reached"
    monkeypatch.setattr(checkpoint, "EVERY", 1e9)
    with pytest.raises(EndedError):
        trained(settings, file, ended_after=4)
    assert not file.exists()
    assert_same(trained(settings, file), undisturbed)
    assert not file.exists()


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """One bit of an array is another one."""
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("damage", [truncated, flipped, lambda _: b"", lambda _: b"a text"])
def test_a_damaged_file_is_told_and_the_training_begins_anew(
    settings, undisturbed, at_every_epoch, tmp_path, caplog, damage
):
    file = tmp_path / "reached"
    with pytest.raises(EndedError):
        trained(settings, file, ended_after=3)
    file.write_bytes(damage(file.read_bytes()))
    told: list = []
    caplog.clear()
    assert_same(trained(settings, file, told=told), undisturbed)
    assert [done for done, _ in told] == [1, 2, 3, 4, 5, 6]
    (line,) = [record.message for record in caplog.records if record.name.startswith("pipeline")]
    assert line.startswith(f"train: begins anew, as {file} cannot be used: ")


def test_a_file_of_another_training_is_not_used(settings, undisturbed, at_every_epoch, tmp_path):
    config, dataset = settings
    file, rate = tmp_path / "reached", config.train.learning_rate
    wider = dataclasses.replace(config.model.dense["Dense_1"], units=7)
    other = dataclasses.replace(config.model, dense={"Dense_1": wider})
    longer = dataclasses.replace(config.train, epochs=9)
    slower = dataclasses.replace(config.train, learning_rate=dataclasses.replace(rate, initial=1e-4))
    for changed, seed in (
        (dataclasses.replace(config, model=other), 3),
        (dataclasses.replace(config, train=longer), 3),
        (dataclasses.replace(config, train=slower), 3),
        (config, 4),
    ):
        with pytest.raises(EndedError):
            trained((changed, dataset), file, seed=seed, ended_after=1)
        assert file.exists()
        assert_same(trained(settings, file), undisturbed)


def test_what_cannot_be_written_is_told_once_and_ends_nothing(settings, undisturbed, at_every_epoch, tmp_path, caplog):
    assert_same(trained(settings, tmp_path / "no folder" / "reached"), undisturbed)
    (line,) = [record.message for record in caplog.records if record.name.startswith("pipeline")]
    assert line.startswith("train: cannot keep what is reached")


# processes ---------------------------------------------------------------------------------------------------------

# A file at the end of each epoch, however short.
CODE = (
    "from pipeline.stages.train import checkpoint as c; c.EVERY = c.TIMES_WRITING = 0.0; "
    "import sys; from pipeline.__main__ import main; sys.exit(main())"
)
WORDS = ("experiment=smoke", "data.limit=60", "stages=[train]", "train.epochs=80", "train.optimizer.averaging=0.9",
         "train.snapshots=[0,3,80]")  # fmt: skip


def test_a_training_that_is_killed_five_times_ends_with_the_bits_of_an_undisturbed_one(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    whole.mkdir()
    store = killed / "outputs" / "store" / "train"
    epochs: list[int] = []
    for _ in range(5):
        process = execute(killed, "-c", CODE, *WORDS)
        wait_for(lambda: reached(store) > max(epochs, default=0), process)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        epochs.append(reached(store))
    assert epochs == sorted(set(epochs))
    assert epochs[-1] < 80
    said = pipeline(killed, *WORDS)
    succeeded(said)
    assert f"train: goes on after epoch {epochs[-1]} of 80" in said.stderr
    succeeded(pipeline(whole, *WORDS))
    ours, theirs = arrays(runs(killed)[-1]), arrays(runs(whole)[-1])
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)
    # the result is there, and what was kept for it is gone
    assert [path.name for path in store.iterdir() if path.name.startswith(".")] == []


def test_where_its_file_cannot_be_the_training_is_done_all_the_same(tmp_path):
    words = ("experiment=smoke", "data.limit=60", "stages=[train]", "tracking=none")
    succeeded(pipeline(tmp_path, *words))
    store = tmp_path / "outputs" / "store" / "train"
    (result,) = (path for path in store.iterdir() if not path.name.startswith("."))
    shutil.rmtree(result)
    (store / f".{result.name}.checkpoint").mkdir()
    said = pipeline(tmp_path, *words)
    succeeded(said)
    assert "train: begins anew, as" in said.stderr
    assert result.is_dir()
    assert (runs(tmp_path)[-1] / "train" / "model.keras").is_file()


def reached(store: Path) -> int:
    """How many epochs the file in the store has."""
    for file in store.glob(".*.checkpoint"):
        return len(checkpoint.load_arrays(file)["history/loss"])
    return 0


def test_prune_removes_what_nobody_works_on(tmp_path, capsys):
    folder = tmp_path / "outputs" / "store" / "train"
    folder.mkdir(parents=True)
    store = Store(tmp_path / "outputs" / "store", STAGES)
    file = store.checkpoint("train", KEY)
    draft = file.with_name(f".{file.name}.draft-17")
    odd = store.checkpoint("train", KEY.replace("0", "a"))
    odd.mkdir()
    foreign = folder / ".notes.checkpoint"
    for one in (file, draft, foreign):
        one.write_bytes(b"of a training")
    with exclusive(folder / f".{KEY}.lock"):
        assert store.leftovers() == [odd]
    assert sorted(store.leftovers()) == sorted([draft, file, odd])
    with store.computing("train", KEY, on_wait=lambda: None):
        assert file.exists()
        assert not draft.exists()
    assert store_main.run(["prune", "--output-dir", str(tmp_path / "outputs")]) == 0
    assert f"removed {file}: left by a killed process" in capsys.readouterr().out
    assert not file.exists()
    assert not odd.exists()
    assert foreign.exists()
