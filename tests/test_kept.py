"""Nothing of the user's is lost: what was in a folder before a command is there after it, whatever becomes of that."""

import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import SMOKE, execute, module, pipeline, start, succeeded, wait_for
from users import NOBODY

from pipeline.commands.store import main as store_main
from pipeline.engine import places, storage
from pipeline.engine.folders import missing_folders, remove_drafts, remove_empty, replace_folder
from pipeline.engine.record import StageRecord
from pipeline.engine.store import Store
from pipeline.runtime.errors import InputError
from pipeline.stages.registry import STAGES
from pipeline.sweeps import jobs

OIPS = (*SMOKE, "stages=[oip]", "oip.map_indices=[0]", "oip.xla=false", "tracking=none")
SWEEP = ("-m", *OIPS, "noise.seed=1,2")
UNIQUE = "0123456789abcdef" * 2
Files = dict[str, bytes | None]


def files_in(folder: Path) -> Files:
    """Every file below a folder with its content, every folder with None."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def lost(before: Files, folder: Path) -> list[str]:
    """What was there and is not any more, or not byte for byte."""
    after = files_in(folder)
    return [name for name, content in before.items() if name not in after or after[name] != content]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run in `keep`, a finished sweep in `swept`, and files of the user's among them."""
    folder = tmp_path_factory.mktemp("kept")
    succeeded(pipeline(folder, *OIPS, "hydra.run.dir=keep"))
    succeeded(pipeline(folder, *SWEEP, "hydra.sweep.dir=swept"))
    for place in ("keep", "keep/oip", "keep/train", "swept", "swept/0", "swept/1/oip", "outputs", "outputs/store"):
        (folder / place / "notes.txt").write_text(f"of {place}")
    for place in ("keep/empty", "keep/.oip-of-mine", "settings/.hydra"):
        (folder / place).mkdir(parents=True)
    (folder / "keep/.oip-of-mine/drawing.txt").write_text("a drawing")
    (folder / "settings/.hydra/config.yaml").write_text("of: another program")
    # names that a run or a sweep would give, in folders of the user's own
    for place in ("mine/oip", "mine/train", "mine/summary", "mine/0", "mine/store/photos/holiday"):
        (folder / place).mkdir(parents=True)
        (folder / place / "picture.jpg").write_text("a picture")
    (folder / "jobs").mkdir()
    (folder / "jobs/job.json").write_text('{"of": "another program"}')
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(finished, tmp_path / "place", symlinks=True)


STEPS = "oip.steps: takes a whole number of at least 1; got 0"
REFUSED = {
    "a run": (["oip.steps=0", "hydra.run.dir=keep"], STEPS),
    "a run below": (["oip.steps=0", "hydra.run.dir=keep/new/one"], STEPS),
    "a run in a new place": (["oip.steps=0", "hydra.run.dir=new/one"], STEPS),
    "an unknown setting": (["oip.step=1", "hydra.run.dir=keep"], "oip.step: no such setting"),
    "no photo": (["stages=[dream]", "dream.photo=none.jpg", "hydra.run.dir=keep"], "dream.photo: takes flower"),
    "no data": (["data=mnist", "data.path=none.npz", "hydra.run.dir=keep"], "data.path: takes an .npz file"),
    "settings of another program": (
        ["oip.steps=0", "hydra.run.dir=settings"],
        "hydra.sweep.dir: takes a new folder, or that of an",
    ),
    "a job of another program": (["hydra.run.dir=jobs"], "hydra.sweep.dir: takes a new folder, or that of an"),
    "stages of another kind": (["hydra.run.dir=mine"], "which the names of the stages are free, or hold results; got"),
    "the store": (
        ["hydra.run.dir=outputs/store"],
        "hydra.sweep.dir: takes a folder in which the names",
    ),
    "part of the store": (
        ["hydra.run.dir=outputs/store/x"],
        "hydra.sweep.dir: takes a folder in which the names",
    ),
    "an output folder": (["oip.steps=0", "output_dir=mine"], STEPS),
    "a new output folder": (["oip.steps=0", "output_dir=new"], STEPS),
    "a sweep over a summary": (["-m", "noise.seed=1,2", "hydra.sweep.dir=mine"], "which has a summary of something"),
    "another sweep": (
        ["-m", "noise.seed=3,4", "hydra.sweep.dir=swept"],
        "hydra.sweep.dir: takes a new folder, or that",
    ),
    "a sweep with a wrong word": (["-m", "oip.steps=5,many", "hydra.sweep.dir=swept"], "oip.steps: takes a whole"),
}


@pytest.mark.parametrize(("words", "said"), list(REFUSED.values()), ids=list(REFUSED))
def test_a_refused_command_leaves_all_as_it_was(finished: Path, words: list[str], said: str) -> None:
    before = files_in(finished)
    process = pipeline(finished, *words, *OIPS) if words[0] == "-m" else pipeline(finished, *OIPS, *words)
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert said in line
    # neither is anything new there
    assert files_in(finished) == before


@pytest.mark.parametrize("place", ["empty", "run"])
def test_a_refused_command_leaves_the_current_folder(finished: Path, tmp_path: Path, place: str) -> None:
    current = tmp_path / place
    if place == "run":
        shutil.copytree(finished / "keep", current)
    else:
        current.mkdir()
    before = files_in(current)
    for words in (["oip.steps=0"], ["data=mnist", "data.path=none.npz"]):
        assert pipeline(current, *OIPS, "hydra.run.dir=.", "output_dir=.", *words).returncode == 2
        assert files_in(current) == before


@pytest.mark.parametrize("command", ["pipeline.rerun", "pipeline.atlas"])
@pytest.mark.parametrize("output_dir", ["outputs", "mine", "new"])
def test_a_refused_command_about_a_record_leaves_all_as_it_was(finished: Path, command: str, output_dir: str) -> None:
    before = files_in(finished)
    words = ("keep/oip", "data.path=none.npz", "data.name=mnist", "--output-dir", output_dir)
    process = module(finished, command, *words)
    assert process.returncode == 2
    assert "data.path: takes an .npz file" in process.stderr
    assert files_in(finished) == before


# Where a command that is stopped has got to: its training is whole, its OIPs are not.
HALF_WAY = "keep/.work-*/train/stage.json"


@pytest.mark.parametrize(
    ("number", "output_dir"),
    [(signal.SIGKILL, "outputs"), (signal.SIGTERM, "outputs"), (signal.SIGINT, "outputs"), (signal.SIGKILL, "keep")],
)
def test_a_command_that_is_stopped_leaves_all_as_it_was(folder: Path, number: signal.Signals, output_dir: str) -> None:
    before = files_in(folder)
    words = ("reuse=false", "oip.steps=100000", "hydra.run.dir=keep", f"output_dir={output_dir}")
    process = start(folder, "pipeline", *OIPS, *words)
    wait_for(lambda: list(folder.glob(HALF_WAY)), process)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert lost(before, folder) == []
    assert jobs.state_of(jobs.read(folder / "keep"), folder / "keep") == jobs.FINISHED
    assert list(folder.glob("keep/.work-*")) == [] or number == signal.SIGKILL


def test_a_command_that_fails_leaves_all_as_it_was(folder: Path) -> None:
    """As the disk is full when the OIPs are written, after the training."""
    before = files_in(folder)
    full = """
import errno, os
from pipeline.engine import storage
from pipeline.__main__ import main
save = storage.save_result
def saved(result, folder, **more):
    if type(result).__name__ == "OipSweepResult":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    return save(result, folder, **more)
storage.save_result = saved
main()
"""
    process = execute(folder, "-c", full, *OIPS, "reuse=false", "hydra.run.dir=keep")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "No space left on device" in errors
    assert files_in(folder) == before


@pytest.mark.parametrize("is_hidden", [False, True], ids=["read only", "not to be entered"])
def test_a_read_only_folder_is_told_and_left(finished: Path, is_hidden: bool) -> None:
    ordinary = f"import os\nfrom pipeline.__main__ import main\nos.seteuid(os.geteuid() or {NOBODY})\nmain()"
    # not in pytest's folder, which others may not even enter
    with tempfile.TemporaryDirectory() as place:
        folder = shutil.copytree(finished, Path(place, "place"))
        before = files_in(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        Path(place).chmod(0o700 if is_hidden else 0o755)
        for word in ("hydra.run.dir=keep", "output_dir=keep", "hydra.run.dir=keep/new"):
            process = execute(folder, "-c", ordinary, *OIPS, word)
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 2, errors
            (line,) = errors.splitlines()
            assert "Permission denied" in line
        assert files_in(folder) == before


def test_a_run_in_a_folder_with_results_replaces_them_when_all_is_whole(folder: Path) -> None:
    before = files_in(folder / "keep")
    remains = [folder / "keep" / f".work-{UNIQUE}", folder / "keep" / f".oip-{UNIQUE}"]
    for path in remains:
        path.mkdir()
    process = pipeline(folder, *OIPS, "oip.steps=5", "hydra.run.dir=keep")
    succeeded(process)
    assert "it is kept as" in process.stderr
    keep = folder / "keep"
    assert storage.load_record(keep / "oip").params["oip.steps"] == "5"
    assert "steps: 5" in (keep / ".hydra/config.yaml").read_text()
    read = jobs.read(keep)
    assert read is not None
    assert "oip.steps=5" in read.overrides
    # the training was taken from the store, and no result of this run replaces its folder
    replaced = [name for name in lost(before, keep) if not name.startswith(("oip/", ".hydra/")) and name != "job.json"]
    assert replaced == []
    # the earlier OIPs, among which the user had put something
    of_oips = {name.removeprefix("oip/"): content for name, content in before.items() if name.startswith("oip/")}
    assert lost(of_oips, keep / "oip.kept") == []
    assert not any(path.exists() for path in remains)
    # again: nothing of the user's is in the way now
    succeeded(pipeline(folder, *OIPS, "oip.steps=6", "hydra.run.dir=keep"))
    assert sorted(path.name for path in keep.glob("oip*")) == ["oip", "oip.kept"]
    assert storage.load_record(keep / "oip").params["oip.steps"] == "6"


def test_a_sweep_that_goes_on_keeps_the_files_of_the_user(folder: Path) -> None:
    mine = {name: content for name, content in files_in(folder / "swept").items() if name.endswith("notes.txt")}
    shutil.rmtree(folder / "swept/0/oip")
    (folder / "swept/summary/notes.txt").write_text("of the summary")
    succeeded(pipeline(folder, *SWEEP, "hydra.sweep.dir=swept"))
    assert lost(mine, folder / "swept") == []
    assert (folder / "swept/summary.kept/notes.txt").read_text() == "of the summary"
    assert (folder / "swept/summary/jobs.csv").is_file()


def test_pruning_a_store_leaves_what_is_not_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_in(folder)
    for place in ("mine", "outputs"):
        for words in (["list"], ["verify"], ["prune", "--broken", "--outdated", "--unused-for", "0", "--dry-run"]):
            store_main(["--output-dir", str(folder / place), *words])
    (folder / "mine/store/oip" / f".{'a' * 64}-{UNIQUE}").mkdir(parents=True)
    (folder / "mine/store/oip/.mine-1").mkdir()
    assert len(Store(folder / "mine/store", STAGES).leftovers()) == 1
    assert store_main(["--output-dir", str(folder / "mine"), "prune", "--broken", "--outdated"]) == 0
    assert capsys.readouterr().out.endswith("1 removed, 0 results in the store\n")
    assert (folder / "mine/store/oip/.mine-1").is_dir()
    assert lost(before, folder) == []


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path: Path, is_ours: bool) -> None:
    for number in range(3):
        draft = tmp_path / "draft"
        draft.mkdir()
        (draft / "file").write_text(str(number))
        kept = replace_folder(draft, tmp_path / "place", is_ours=is_ours)
        assert (tmp_path / "place/file").read_text() == str(number)
        assert (kept is None) == (is_ours or number == 0)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == (["place"] if is_ours else ["place", "place.kept", "place.kept-2"])
    if not is_ours:
        assert [(tmp_path / name / "file").read_text() for name in names] == ["2", "0", "1"]


def test_a_folder_that_cannot_take_the_place_of_another_leaves_that(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place/file").write_text("old")
    for is_ours in (True, False):
        with pytest.raises(FileNotFoundError):
            replace_folder(tmp_path / "no draft", tmp_path / "place", is_ours=is_ours)
        assert files_in(tmp_path) == {"place": None, "place/file": b"old"}


def test_drafts_of_killed_commands_go_and_nothing_else(tmp_path: Path) -> None:
    gone = [f".work-{UNIQUE}", f".oip-{UNIQUE}", f".train.old-{UNIQUE}"]
    stay = [".work-mine", ".oip-mine", f".mine-{UNIQUE}", f"oip-{UNIQUE}", "train", "oip.kept"]
    for name in (*gone, *stay):
        (tmp_path / name).mkdir()
    # of one that was killed between two steps
    (tmp_path / f".oip.old-{UNIQUE}").mkdir()
    (tmp_path / f".oip.old-{UNIQUE}" / "file").write_text("the earlier one")
    (tmp_path / f".dream-{UNIQUE}").write_text("a file")
    remove_drafts(tmp_path, ["oip", "train", "dream"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*stay, "oip", f".dream-{UNIQUE}"])
    assert (tmp_path / "oip/file").read_text() == "the earlier one"


def test_only_folders_that_were_made_go_and_only_if_they_are_empty(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    made = missing_folders(tmp_path / "there/a/b/c")
    assert made == [tmp_path / "there/a/b/c", tmp_path / "there/a/b", tmp_path / "there/a"]
    made[0].mkdir(parents=True)
    (tmp_path / "there/a/file").touch()
    remove_empty(made)
    assert files_in(tmp_path / "there") == {"a": None, "a/file": b""}
    (tmp_path / "there/a/file").unlink()
    remove_empty(made[2:])
    assert files_in(tmp_path) == {"there": None}


def saved(place: Path, content: str = "new", key: str = "a key") -> Path:
    """The folder of a stage, as it is saved."""
    place.mkdir(parents=True)
    (place / "result.txt").write_text(content)
    storage.save_record(StageRecord(stage="oip", key=key, name="maps", params={}, metrics={}), place)
    return place


def change_a_file(place: Path) -> None:
    (place / "result.txt").write_text("by hand")


def add_a_file(place: Path) -> None:
    (place / "sub").mkdir()
    (place / "sub/mine.txt").touch()


def link_a_file(place: Path) -> None:
    (place / "result.txt").rename(place.parent / "elsewhere")
    (place / "result.txt").symlink_to(place.parent / "elsewhere")


def leave_it_unrecorded(place: Path) -> None:
    (place / "unrecorded.json").write_text("{}")


def break_the_record(place: Path) -> None:
    (place / "stage.json").write_text("{")


@pytest.mark.parametrize("change", [change_a_file, add_a_file, link_a_file, leave_it_unrecorded, break_the_record])
def test_an_earlier_result_is_kept_if_it_is_not_as_it_was_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: Callable[[Path], None]
) -> None:
    saved(tmp_path / "oip", "old")
    with places.folder_to_fill(tmp_path, ["train", "oip"]) as work:
        saved(work / "oip", key="another")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["oip"]
    change(tmp_path / "oip")
    before = files_in(tmp_path / "oip")
    with places.folder_to_fill(tmp_path, ["train", "oip"]) as work:
        saved(work / "oip", key="a third")
    assert files_in(tmp_path / "oip.kept") == before
    assert storage.load_record(tmp_path / "oip").key == "a third"
    assert f"it is kept as {tmp_path / 'oip.kept'}" in caplog.text


def test_results_that_do_not_all_come_about_replace_none(tmp_path: Path) -> None:
    saved(tmp_path / "oip", "old")
    before = files_in(tmp_path)

    def fail() -> None:
        with places.folder_to_fill(tmp_path, ["train", "oip"]) as work:
            saved(work / "train")
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        fail()
    assert files_in(tmp_path) == before


def test_a_job_in_the_folder_of_a_finished_one_says_so_when_it_is_finished_itself(tmp_path: Path) -> None:
    settings = {".hydra/config.yaml": "a: 1"}
    with jobs.attempt(tmp_path, ["a=1"], settings=settings) as attempt:
        assert attempt is not None
        saved(tmp_path / "oip")
        attempt.end(jobs.FINISHED, stages={"oip": {"run_id": None, "metrics": {}}})
    before = files_in(tmp_path)
    for error in (InputError, ValueError, KeyboardInterrupt):
        with pytest.raises(error), jobs.attempt(tmp_path, ["a=2"], settings={".hydra/config.yaml": "a: 2"}):
            raise error
        assert files_in(tmp_path) == before
    with jobs.attempt(tmp_path, ["a=2"], settings={".hydra/config.yaml": "a: 2"}) as attempt:
        assert attempt is not None
        assert files_in(tmp_path) == {**before, ".job.lock": b""}
        attempt.end(jobs.FINISHED)
    read = jobs.read(tmp_path)
    assert read is not None
    assert read.overrides == ["a=2"]
    assert (tmp_path / ".hydra/config.yaml").read_text() == "a: 2"


def test_a_job_that_is_refused_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra/mine.txt").touch()
    before = files_in(tmp_path)

    def refuse() -> None:
        with jobs.attempt(tmp_path, [], settings={".hydra/config.yaml": "a: 1"}):
            assert (tmp_path / ".hydra/config.yaml").is_file()
            raise InputError

    with pytest.raises(InputError):
        refuse()
    assert files_in(tmp_path) == before
