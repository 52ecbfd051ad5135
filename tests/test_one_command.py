"""A command as the first word: real processes, which do what `python -m pipeline.NAME` does."""

import importlib
import json
import pkgutil
import re
import shlex
from pathlib import Path

import pytest
from commands import END_S, SMOKE, Done, execute, module, pipeline, succeeded

from pipeline import commands
from pipeline.commands.table import COMMANDS, listing, load
from pipeline.settings.compose import check_overrides
from pipeline.settings.presets import Presets

INSTALLED = "from pipeline.__main__ import main; main()"


def installed(folder: Path, *words: str) -> Done:
    """`mnist-dream`, which is no file of the package, in a folder."""
    process = execute(folder, "-c", INSTALLED, *words)
    output, errors = process.communicate(timeout=END_S)
    assert process.returncode is not None
    return Done(list(words), process.returncode, output, errors)


def told(process: Done) -> tuple[int, str, str]:
    return process.returncode, process.stdout, process.stderr


def same_by_first_word(folder: Path, name: str, *words: str) -> tuple[int, str, str]:
    """What a command says, however it is called."""
    ways = module(folder, f"pipeline.{name}", *words), pipeline(folder, name, *words), installed(folder, name, *words)
    first, *others = map(told, ways)
    assert others == [first, first]
    return first


def test_the_table_has_every_command() -> None:
    names = [found.name for found in pkgutil.iter_modules(commands.__path__)]
    modules = {name: importlib.import_module(f"pipeline.commands.{name}") for name in names}
    assert set(COMMANDS) == {name for name, file in modules.items() if hasattr(file, "execute")}
    for name in COMMANDS:
        command = load(name)
        assert command is modules[name].main
        assert (command.name, command.execute) == (name, modules[name].execute)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_says_how_it_is_called(tmp_path: Path, name: str) -> None:
    ways = {
        f"python -m pipeline.{name}": module(tmp_path, f"pipeline.{name}", "--help"),
        f"python -m pipeline {name}": pipeline(tmp_path, name, "--help"),
        f"mnist-dream {name}": installed(tmp_path, name, "--help"),
    }
    described = set()
    for called, process in ways.items():
        assert process.stderr == ""
        usage, _, rest = succeeded(process).partition("\n\n")
        assert usage.startswith(f"usage: {called} [-h]")
        described.add(rest)
    assert len(described) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_in_its_help_is_one(name: str) -> None:
    command = load(name)
    shown = " ".join(command.parser().format_help().split())
    called = f"mnist-dream {name} "
    assert shown.endswith(f"example: {called}{command.example}")
    options = vars(command.parser().parse_intermixed_args(shlex.split(command.example)))
    unlike_default = {key for key, value in options.items() if value != command.parser().get_default(key)}
    assert unlike_default
    for word in options.get("overrides", []):
        check_overrides(Presets.of_command([word]))


@pytest.mark.parametrize(
    ("name", "words", "others"),
    [
        (
            "rerun",
            "R --output-dir X oip.steps=5 --tolerance 1e-3 seed=1",
            "--tolerance=1e-3 --output-dir=X R oip.steps=5 seed=1",
        ),
        ("rerun", "R oip.steps=5 --uri=-u", "--uri=-u -- R oip.steps=5"),
        ("rerun", "R oip.steps=5 -- seed=1", "R -- oip.steps=5 seed=1"),
        ("compare", "A B compare.layer=a --output-dir X", "--output-dir X A B compare.layer=a"),
        ("atlas", "R oip.layer=a --output F dream.size=56", "--output F R oip.layer=a dream.size=56"),
        ("store", "list --output-dir X", "--output-dir X list"),
        ("store", "--dry-run --unused-for 3 prune --output-dir X", "prune --output-dir X --unused-for 3 --dry-run"),
        ("sync", "--uri U --output-dir X", "--output-dir X --uri U"),
        ("ui", "--port 1 --output-dir X", "--output-dir X --port 1"),
    ],
)
def test_options_stand_anywhere(name: str, words: str, others: str) -> None:
    read, again = (vars(load(name).parser().parse_intermixed_args(given.split())) for given in (words, others))
    assert read == again
    assert "X" in map(str, read.values()) or name in ("rerun", "atlas")


def test_what_stands_behind_two_dashes_is_no_option(tmp_path: Path) -> None:
    code, output, errors = told(installed(tmp_path, "resume", "--", "-folder"))
    assert (code, output) == (2, "")
    assert errors.startswith("mnist-dream: DIR: takes the folder of a sweep, with a sweep.json; got ")
    assert errors.strip().endswith("/-folder")
    code, output, errors = told(installed(tmp_path, "store", "list", "--output-dir", "-x"))
    assert (code, output) == (2, "")
    assert errors.splitlines()[-1].endswith(
        "--output-dir: expected one argument; one that begins with a dash is given with ="
    )
    assert told(installed(tmp_path, "store", "list", "--output-dir=-x"))[2].startswith(
        "mnist-dream: nothing is stored in "
    )


def test_help_and_version_as_words(tmp_path: Path) -> None:
    assert told(installed(tmp_path, "help", "store")) == told(installed(tmp_path, "store", "--help"))
    assert listing() in succeeded(installed(tmp_path, "help"))
    assert re.fullmatch(r"mnist-dream \d+\.\d+\.\d+, Hydra 1\.3\.\d+\n", succeeded(installed(tmp_path, "--version")))


@pytest.mark.parametrize(
    "words",
    [
        ("oip.steps=7", "--cfg", "job", "seed=3", "-p", "oip"),
        ("--cfg", "job", "oip.steps=7", "--package", "oip", "seed=3"),
        ("oip.steps=7", "seed=3", "--package=oip", "-c", "job"),
        ("--cfg", "job", "--package", "oip", "--", "oip.steps=7", "seed=3"),
    ],
)
def test_options_of_hydra_stand_anywhere(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert "\nsteps: 7\n" in succeeded(installed(tmp_path, *words))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("oip.steps=7", "-m", "seed=1,x"), "seed: takes a whole number; got x"),
        (("seed=1,x", "--multirun"), "seed: takes a whole number; got x"),
        (
            ("--output-dir", "X", "oip.steps=5"),
            "--output-dir: a run has no such option but a setting; write output_dir=X",
        ),
        (("oip.steps=5", "--output-dir=X"), "--output-dir: a run has no such option but a setting; write output_dir=X"),
        (("--oip.steps", "5"), "--oip.steps: a run has no such option but a setting; write oip.steps=5"),
        (("-x", "seed=1"), "-x: no such option; mnist-dream --hydra-help lists them"),
        (("--cfg",), "argument --cfg/-c: expected one argument"),
        (("--cfg", "jobs"), "argument --cfg/-c: invalid choice: 'jobs'"),
        (("--multirun", "--cfg", "job"), "--multirun, --cfg: only one of them at a time"),
        (("--resolve",), "--resolve: goes with --cfg job"),
        (("--experimental-rerun", "x"), "--experimental-rerun: takes pickled settings"),
        (("store", "verify", "--broken"), "--broken: goes with prune, not with verify"),
    ],
)
def test_an_option_that_is_none_is_refused_in_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    code, output, errors = told(installed(tmp_path, *words))
    assert (code, output) == (2, "")
    (line,) = errors.splitlines()
    assert line.startswith(f"mnist-dream: {said}")
    assert list(tmp_path.iterdir()) == []


def test_help_lists_them_above_that_of_hydra(tmp_path: Path) -> None:
    for words in (("--help",), ("oip=article", "-h")):
        output = succeeded(installed(tmp_path, *words))
        start, _, rest = output.partition("== Configuration groups ==")
        assert listing() in start
        assert "step_size_schedule" in rest
    assert len(listing().splitlines()) == len(COMMANDS)
    assert all(line.startswith(name) for name, line in zip(COMMANDS, listing().splitlines(), strict=True))
    process = installed(tmp_path, "oip=artikel", "--help")
    assert (process.returncode, process.stdout) == (2, "")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("rerunn", "rerunn: no such command; did you mean rerun?"),
        ("reumse", "reumse: no such command; did you mean resume?"),
        ("Store", "Store: no such command; did you mean store?"),
        ("something", f"something: no such command; there are {', '.join(COMMANDS)}; a setting takes the form "),
        # a setting, a group of them, and what can be neither
        ("reuse", "reuse: takes the form setting=value"),
        ("dream", "dream: takes the form setting=value"),
        ("experiment", "experiment: takes the form setting=value"),
        ("oip.steps", "oip.steps: takes the form setting=value"),
        ("a/rerun", "a/rerun: takes the form setting=value"),
        ("", ": takes the form setting=value"),
    ],
)
def test_an_unknown_first_word_is_refused_in_one_line(tmp_path: Path, word: str, said: str) -> None:
    code, output, errors = told(installed(tmp_path, word, "oip.steps=3"))
    assert (code, output) == (2, "")
    (line,) = errors.splitlines()
    assert line.startswith(f"mnist-dream: {said}")
    assert told(pipeline(tmp_path, word, "oip.steps=3")) == (code, output, errors)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("atlas=default", "--cfg", "job"),
        ("oip.steps=7", "--cfg", "job"),
        ("--cfg", "job", "oip.steps=7"),
        ("~model.dense.Dense_1", "--cfg", "job"),
        ("++oip.steps=7", "--cfg", "job"),
        ("--config-name", "config", "--cfg", "job"),
    ],
)
def test_words_of_the_pipeline_are_left_to_hydra(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert "\noip:\n" in succeeded(installed(tmp_path, *words))
    assert list(tmp_path.iterdir()) == []


def test_only_the_first_word_is_a_command(tmp_path: Path) -> None:
    code, output, errors = told(installed(tmp_path, "oip.steps=3", "rerun"))
    assert (code, output) == (2, "")
    assert errors.startswith("mnist-dream: rerun: takes the form setting=value")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rerun", "nothing"), "mnist-dream: RUN: takes "),
        (("atlas", "nothing"), "mnist-dream: RUN: takes "),
        (("atlas", "nothing", "seed=3"), "mnist-dream: seed=3: the training is that of the run"),
        (("resume", "."), "mnist-dream: DIR: takes the folder of a sweep, with a sweep.json; got "),
        (("store", "list"), "mnist-dream: nothing is stored in "),
        (("store", "--output-dir", "a", "prune", "--dry-run"), "mnist-dream: nothing is stored in "),
        (("sync",), "mnist-dream: --output-dir: takes the folder with the results; got outputs"),
        (("sync", "--output-dir", ".", "--uri", "ftp://a"), "mnist-dream: --uri: takes "),
        (("ui",), "mnist-dream: nothing is recorded in "),
    ],
)
def test_what_cannot_be_done_is_told_in_the_same_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    code, output, errors = same_by_first_word(tmp_path, *words)
    assert (code, output) == (2, "")
    (line,) = errors.splitlines()
    assert line.startswith(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rerun",), "the following arguments are required: RUN"),
        (("rerun", "a", "--tolerance", "-1"), "argument --tolerance: takes a number of at least 0; got -1"),
        (("atlas", "a", "--outputs", "b"), "unrecognized arguments: --outputs b"),
        (("resume", " "), "argument DIR: takes a folder; got nothing"),
        (("store", "lst"), "argument list | verify | prune: invalid choice: 'lst'"),
        (("store", "list", "--output-dir", ""), "argument --output-dir: takes a folder; got nothing"),
        (("ui", "--port", "x"), "argument --port: invalid int value: 'x'"),
    ],
)
def test_words_that_a_command_does_not_know(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    name, *others = words
    for called, process in (
        (f"python -m pipeline.{name}", module(tmp_path, f"pipeline.{name}", *others)),
        (f"mnist-dream {name}", installed(tmp_path, *words)),
    ):
        assert (process.returncode, process.stdout) == (2, "")
        assert process.stderr.startswith(f"usage: {called} ")
        last = process.stderr.splitlines()[-1]
        assert last.startswith(called)
        assert f": error: {said}" in last


def test_the_store_by_its_first_word(trained_here: Path) -> None:
    for words in (("list",), ("verify",), ("prune", "--unused-for", "1000", "--dry-run")):
        code, output, errors = same_by_first_word(trained_here, "store", *words)
        assert (code, errors) == (0, "")
        assert "1 " in output.splitlines()[-1]
        place = ("--output-dir", str(trained_here / "outputs"))
        elsewhere = trained_here / "outputs" / "runs"
        for ordered in ((*place, *words), (*words, *place), ("--output-dir", "a", *words, *place)):
            assert told(installed(elsewhere, "store", *ordered)) == (code, output, errors)
    (stored,) = trained_here.glob("outputs/store/train/*")
    (stored / "history.npz").write_bytes(b"0" * 100)
    assert same_by_first_word(trained_here, "store", "verify")[0] == 1


def test_a_record_that_is_complete_by_its_first_word(trained_here: Path) -> None:
    assert same_by_first_word(trained_here, "sync") == (0, "0 brought in, 0 recorded before, 0 left\n", "")


def test_a_stage_is_computed_again_with_words_in_any_order(trained_here: Path) -> None:
    (train,) = (str(place) for place in trained_here.glob("outputs/runs/*/*/train"))
    wanted = "train        bit-identical, 30 arrays"
    given = ("runtime.deterministic=true", "--output-dir", "again", "--tolerance", "1e-3")
    for process in (
        module(trained_here, "pipeline.rerun", train, *given),
        pipeline(trained_here, "rerun", *given[3:], train, *given[:3]),
    ):
        assert succeeded(process).splitlines()[-1] == wanted
    differs = installed(trained_here, "rerun", "--output-dir", "again", train, "train.batch_size=16")
    assert differs.returncode == 1
    assert "train        not the same, " in differs.stdout


def test_a_sweep_is_resumed(trained_here: Path) -> None:
    place = "outputs/multirun/sweep"
    words = ("stages=[train]", "train.epochs=1,2", "tracking=none", f"hydra.sweep.dir={place}")
    succeeded(installed(trained_here, "-m", *SMOKE, *words))
    for process in (pipeline(trained_here, "resume", place), installed(trained_here, "resume", place)):
        lines = succeeded(process).splitlines()
        assert (lines[0], process.stderr) == ("2 of 2 jobs are finished", "")
        assert lines[-1].split() == ["sweep", "2", "jobs:", "2", "finished", "outputs/multirun/sweep/summary"]


def test_a_training_with_other_threads_has_a_process_of_its_own(smoke_here: Path) -> None:
    """Which imports what was called anew."""
    words = (*SMOKE, "stages=[oip]", "oip.xla=false", "noise.seed=5", "runtime.threads=1")
    succeeded(installed(smoke_here, *words, "hydra.run.dir=outputs/alone"))
    run_id = json.loads((smoke_here / "outputs" / "alone" / "job.json").read_text())["stages"]["oip"]["run_id"]
    process = pipeline(smoke_here, "rerun", run_id)
    verdicts = [line.split()[:2] for line in succeeded(process).splitlines()[-2:]]
    assert (verdicts, process.stderr) == ([["train", "bit-identical,"], ["oip", "bit-identical,"]], "")


def test_what_lies_in_the_folder_does_not_matter(tmp_path: Path) -> None:
    for name in ("rerun", "store"):
        (tmp_path / name).mkdir()
    for name in ("store.py", "commands.py", "table.py"):
        (tmp_path / name).write_text("raise SystemExit(3)\n")
    assert told(pipeline(tmp_path, "rerun", "--help"))[0] == 0
    assert told(pipeline(tmp_path, "store", "list"))[0] == 2


@pytest.mark.parametrize("words", [("store", "list"), ("sync", "--help"), ("ui", "--help"), ("rerun", "--help")])
def test_a_command_imports_what_it_needs(tmp_path: Path, words: tuple[str, ...]) -> None:
    program = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {INSTALLED}"
    process = execute(tmp_path, "-c", program, *words, fresh=True)
    imported = set(process.communicate(timeout=END_S)[1].splitlines()[-1].split())
    assert {name for name in COMMANDS if f"pipeline.commands.{name}" in imported} == {words[0]}
    assert not imported & {"tensorflow", "keras", "mlflow", "sklearn", "matplotlib"}
    assert words[0] == "rerun" or "hydra" not in imported
