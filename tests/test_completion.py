"""The tab key: what the last word of a command line could become."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT

from pipeline.commands import completion


@pytest.fixture
def suggested(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """suggested(line): what a shell is told of it, where the folder `mine` has a file of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["__main__.py"])
    (tmp_path / "mine" / "oip").mkdir(parents=True)
    (tmp_path / "mine" / "oip" / "mine.yaml").write_text("defaults: [default, _self_]\nsteps: 7\n")

    def answer(line: str) -> list[str]:
        monkeypatch.setenv("COMP_LINE", line)
        assert completion.command(["-sc", "query=bash"]) == 0
        output, errors = capsys.readouterr()
        assert errors == ""
        return output.split()

    return answer


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mnist-dream re", ["rerun", "resume", "reuse="]),
        ("mnist-dream noise=l", ["noise=long"]),
        (".venv/bin/mnist-dream -m oip.step_", ["oip.step_size=", "oip.step_size_schedule="]),
        ("mnist-dream oip=m", ["oip=maco"]),
        ("mnist-dream --config-dir mine oip=m", ["oip=maco", "oip=mine"]),
        ("mnist-dream hydra.searchpath=[mine] oip=m", ["oip=maco", "oip=mine"]),
        ("mnist-dream -cd mine oip=mine oip.steps=", ["oip.steps=7"]),
        ("mnist-dream hydra/launcher=joblib hydra.launcher.n_", ["hydra.launcher.n_jobs="]),
        ("mnist-dream --config-", ["--config-dir", "--config-name", "--config-path"]),
        # for these names of files are better, or nothing can be said
        ("mnist-dream --config-dir ", []),
        ("mnist-dream rerun ", []),
        ("mnist-dream -cd nowhere oip=m", []),
        ("mnist-dream oip=nope oip.s", []),
        ("mnist-dream 'oip", []),
    ],
)
def test_the_last_word_is_completed(suggested, line: str, words: list[str]) -> None:
    assert suggested(line) == words


@pytest.mark.parametrize("words", [["install=tcsh"], ["install"], [], ["install=bash", "oip=smooth"]], ids=str)
def test_another_shell_or_none_is_refused(monkeypatch, capsys, words: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["mnist-dream"])
    assert completion.command(["--shell-completion", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    said = (
        "mnist-dream: --shell-completion: takes install=SHELL or uninstall=SHELL, and as SHELL one of bash, fish, zsh;"
    )
    assert line.startswith(said)


@pytest.mark.process
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_what_it_was_told_to(tmp_path: Path) -> None:
    (command := tmp_path / "mnist-dream").write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m pipeline "$@"\n'
    )
    command.chmod(0o755)
    script = """
        eval "$(mnist-dream -sc install=bash)"
        COMP_LINE='mnist-dream noise=p'; COMP_POINT=${#COMP_LINE}; COMP_CWORD=1
        hydra_bash_completion; echo "${COMPREPLY[@]}"
        eval "$(mnist-dream -sc uninstall=bash)"
        complete -p mnist-dream
    """
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["noise=picture", "noise=pixels"]
    assert "mnist-dream: no completion specification" in done.stderr
