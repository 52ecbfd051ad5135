"""Folders of any name: all that belongs to them lies in them, and whatever is printed of them can be used."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, SMOKE, module, pipeline, succeeded

from pipeline import compose
from pipeline.commands import rerun, store, sync, ui
from pipeline.engine.provenance import PACKAGE
from pipeline.runtime.errors import InputError
from pipeline.runtime.output import shell_word
from pipeline.sweeps.moved import quoted
from pipeline.tracking import backend
from pipeline.tracking.addresses import file_uri, local_path, mlflow_uri, sqlite_file, sqlite_uri

# each of these signs means something else in an address, in a shell, for Hydra, or for who reads options
NAMES = (
    "a?b",
    "a%20b",
    "a%3Fb/c?d",
    "out #%?",
    "-dash",
    "$HOME",
    "g[1]*",
    'it\'s "q"',
    "a&b+c;d@e:f",
    "a\\b",
    "größe ",
)
HARD = "-o #%?%20&+;'\"é$HOME[1]*@:\\."


@pytest.mark.parametrize("name", NAMES)
def test_an_address_leads_to_its_path(tmp_path: Path, name: str) -> None:
    from mlflow.utils.file_utils import local_file_uri_to_path
    from sqlalchemy import make_url

    file = tmp_path / name / "mlflow.db"
    for uri in (sqlite_uri(file), mlflow_uri(file)):
        assert make_url(uri).database == str(file)
        assert sqlite_file(uri) == file
    assert local_path(file_uri(file)) == file
    assert local_file_uri_to_path(file_uri(file)) == str(file)


@pytest.mark.parametrize("name", ["a%3Fb/c?d", HARD])
def test_nothing_is_made_beside_a_folder(tmp_path: Path, name: str) -> None:
    """MLflow would make a folder with the name that the address has."""
    folder = tmp_path / "in" / name
    folder.mkdir(parents=True)
    for _ in range(2):
        # made, and opened
        backend.connect(backend.default_uri(folder), folder, backend.Deadline(None)).client.search_experiments()
    assert [path.name for path in (tmp_path / "in").iterdir()] == [Path(name).parts[0]]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert {path.name for path in folder.iterdir()} == {"mlflow.db"}


def test_addresses_are_made_in_one_place() -> None:
    for file in [*PACKAGE.rglob("*.py"), *(ROOT / "hydra_plugins").rglob("*.py")]:
        # a source of Hydra's, which takes what is behind file:// as it stands
        text = file.read_text(encoding="utf-8").replace('path=f"file://{folder}"', "")
        made = re.findall(r"as_uri\(|pathname2url|f\"(?:sqlite|file):", text)
        assert not made or file.name == "addresses.py", (file, made)


@pytest.mark.parametrize("name", [*NAMES, HARD, "--help", "plain"])
def test_a_shell_reads_the_word_of_a_folder(name: str) -> None:
    read = subprocess.run(["bash", "-c", f"printf %s {shell_word(name)}"], capture_output=True, check=True, text=True)
    assert Path(read.stdout) == Path(name)
    assert not read.stdout.startswith("-")


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "\x01", "a\u2028b", "\udcff"])
def test_names_that_cannot_be_told_in_a_line_are_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for key in ("output_dir", "hydra.run.dir", "hydra.sweep.dir"):
        with pytest.raises(
            InputError, match=rf"^{key}: takes a folder whose name is text without line breaks"
        ) as raised:
            compose(f"{key}={quoted(name)}")
        assert str(raised.value).isascii()
    commands: tuple[tuple[Any, list[str]], ...] = ((ui, []), (sync, []), (store, ["list"]), (rerun, ["RUN"]))
    for command, words in commands:
        with pytest.raises(SystemExit) as ended:
            command.main(["--output-dir", name, *words])
        assert ended.value.code == 2
        assert "takes a folder whose name is text" in capsys.readouterr().err.splitlines()[-1]


def test_commands_work_in_a_folder_of_a_hard_name(trained_here: Path) -> None:
    (trained_here / "outputs").rename(trained_here / HARD)
    words = (*SMOKE, "stages=[activations]", f"output_dir={quoted(HARD)}")
    said = succeeded(pipeline(trained_here, *words, f"hydra.run.dir={quoted(f'{HARD}/my #1? %20')}"))
    # as the line is pasted
    look_at_it = said.splitlines()[-1].partition("python -m pipeline.ui")[2]
    read = subprocess.run(["bash", "-c", f"printf '%s\\n' {look_at_it}"], capture_output=True, check=True, text=True)
    option, folder = read.stdout.splitlines()
    assert (option, folder) == ("--output-dir", f"./{HARD}")
    stage = trained_here / HARD / "my #1? %20" / "activations"
    assert (stage / "stage.json").is_file()
    again = succeeded(module(trained_here, "pipeline.rerun", run_of(trained_here / HARD), "--output-dir", folder))
    assert "activations  bit-identical" in again
    assert [path.name for path in trained_here.iterdir()] == [HARD]
    assert not list((trained_here / HARD).glob("*%3F*"))


def run_of(folder: Path) -> str:
    client = backend.connect(backend.default_uri(folder), folder, backend.Deadline(None)).client
    (run,) = client.search_runs([client.get_experiment_by_name("mnist-dream/activations").experiment_id])
    run_id: str = run.info.run_id
    return run_id
