"""The tab key: what the last word of a command line could become."""

import os
import pty
import select
import shutil
import signal
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
        # all that it can be, not what it is
        ("mnist-dream train.optimizer.name=ad", ["train.optimizer.name=adamax", "train.optimizer.name=adamw"]),
        ("mnist-dream oip.objective=l", ["oip.objective=l2"]),
        ("mnist-dream reuse=", ["reuse=true", "reuse=false"]),
        ("mnist-dream stages=[dream", ["stages=[dream]", "stages=[dream_sheet]"]),
        # lists are words, too
        ("mnist-dream dream.lev", ["dream.levels="]),
        ("mnist-dream dream.levels=", ["dream.levels=[1,2,4]"]),
        # behind the names of runs
        ("mnist-dream compare a b compare.layer=", ["compare.layer=Conv2D_3"]),
        ("mnist-dream rerun a noise=l", []),
        ("mnist-dream rerun a oip=", []),
        ("mnist-dream rerun a stages=", []),
        ("mnist-dream rerun a oip.objective=l", ["oip.objective=l2"]),
        ("mnist-dream compare a ./compare.l", []),
        ("mnist-dream store oip.", []),
        ("mnist-dream dream.photo=./mi", ["dream.photo=./mine"]),
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


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a shell that knows the command and finds nothing of the user's; its folder has another one, `mine`."""
    (command := tmp_path / "mnist-dream").write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m pipeline "$@"\n'
    )
    command.chmod(0o755)
    (tmp_path / "mine").mkdir()
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"}


@pytest.mark.process
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_what_it_was_told_to(environment: dict[str, str]) -> None:
    script = """
        eval "$(mnist-dream -sc install=bash)"
        COMP_LINE='mnist-dream noise=p'; COMP_POINT=${#COMP_LINE}; COMP_CWORD=1
        hydra_bash_completion; echo "${COMPREPLY[@]}"
        eval "$(mnist-dream -sc uninstall=bash)"
        complete -p mnist-dream
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["noise=picture", "noise=pixels"]
    assert "mnist-dream: no completion specification" in done.stderr


@pytest.mark.process
@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
def test_fish_completes_what_it_was_told_to_and_files_where_they_follow(environment, tmp_path: Path) -> None:
    asked = {
        "mnist-dream noise=p": ["noise=picture", "noise=pixels"],
        "mnist-dream --config-dir mi": ["mine/"],
        "mnist-dream resume mi": ["mine/"],
        # and nowhere else
        "mnist-dream mi": [],
    }
    questions = "; ".join(f'complete -C "{line}"; echo .' for line in asked)
    script = f"mnist-dream -sc install=fish | source; {questions}; mnist-dream -sc uninstall=fish | source; complete"
    command = ["fish", "--no-config", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    *answers, left = done.stdout.split(".\n")
    assert [answer.split() for answer in answers] == list(asked.values())
    assert "complete mnist-dream" not in left
    assert done.stderr == ""


@pytest.mark.process
@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_completes_what_it_was_told_to(environment, tmp_path: Path) -> None:
    """By keys, as there is no other way to ask it."""
    number, terminal = pty.fork()
    if number == 0:
        os.chdir(tmp_path)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**environment, "PS1": ">"})
    said = ""

    def wait_for(words: str) -> None:
        nonlocal said
        while words not in said:
            assert select.select([terminal], [], [], 60)[0], said
            said += os.read(terminal, 4096).decode()
        said = said.partition(words)[2]

    try:
        os.write(terminal, b'eval "$(mnist-dream -sc install=zsh)"; echo rea""dy\n')
        wait_for("ready")
        # one word that it can be, two, and a folder
        for typed, answers in (
            ("mnist-dream noise=lo\t", ("noise=lo", "ng")),
            ("\x15mnist-dream noise=p\t\t", ("noise=picture", "noise=pixels")),
            ("\x15mnist-dream --config-dir mi\t", ("--config-dir mi", "ne")),
        ):
            os.write(terminal, typed.encode())
            for answer in answers:
                wait_for(answer)
        os.write(terminal, b'\x15eval "$(mnist-dream -sc uninstall=zsh)"; echo le""ft:$_comps[mnist-dream]:\n')
        wait_for("left::")
    finally:
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
        os.close(terminal)
