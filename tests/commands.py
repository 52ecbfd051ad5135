"""The one way to start a command in the tests: a process of its own, forked from one that has imported everything.

Most of the ten seconds of `python -m pipeline` are imports. A forked command is a process as any other, with a number,
a folder, an environment, descriptors, signals and an exit code of its own, and ends as an interpreter ends; see
`preloaded.py`. With the others it shares what was imported before, and the seed of hash(). So `fresh` interpreters are
taken where the process itself is the subject: the same bits in another one, what is imported and when, variables that
are read by an import, other sources.
"""

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
END_S = 300
# a run of all stages with little in them
SMOKE = ("experiment=smoke", "data.limit=60", "dream.size=56", "oip.steps=4")
STAGES = ("train", "activations", "statistics", "oip", "dream", "atlas")

Done = subprocess.CompletedProcess[str]


class Command:
    """A forked command, with what `subprocess.Popen` offers of a process."""

    def __init__(self, folder: Path, arguments: tuple[str, ...]) -> None:
        request, asking = os.pipe()
        outputs, output = os.pipe()
        errors, error = os.pipe()
        self._told, telling = os.pipe()
        with Path(os.devnull).open() as nothing:
            theirs = [request, nothing.fileno(), output, error, telling]
            socket.send_fds(_parent(), [b"."], theirs)
        for descriptor in (request, output, error, telling):
            os.close(descriptor)
        with os.fdopen(asking, "w") as file:
            json.dump([list(arguments), str(folder), _environment(ROOT)], file)
        self.args = arguments
        self.stdout: TextIO = os.fdopen(outputs)
        self.stderr: TextIO = os.fdopen(errors)
        self.returncode: int | None = None
        self._lines = b""
        self.pid = self._next_number(None)

    def poll(self) -> int | None:
        """The exit code, minus the number of the signal that ended it; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same, when it has ended."""
        if self.returncode is None:
            self.returncode = self._next_number(timeout)
            os.close(self._told)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has printed and not been read, when it has ended."""
        read = {}
        readers = [
            threading.Thread(target=lambda stream=stream: read.update({stream: stream.read()}), daemon=True)
            for stream in (self.stdout, self.stderr)
        ]
        for reader in readers:
            reader.start()
        end = None if timeout is None else time.monotonic() + timeout
        for reader in readers:
            reader.join(None if end is None else max(0, end - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
        self.wait(None if end is None else max(0, end - time.monotonic()))
        for stream in (self.stdout, self.stderr):
            stream.close()
        return read[self.stdout], read[self.stderr]

    def send_signal(self, number: int) -> None:
        """To the process, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _next_number(self, timeout: float | None) -> int:
        """The next line that the parent tells of it."""
        while b"\n" not in self._lines:
            ready, _, _ = select.select([self._told], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
            more = os.read(self._told, 100)
            assert more, "the parent of the commands is gone"
            self._lines += more
        line, _, self._lines = self._lines.partition(b"\n")
        return int(line)


Running = Command | subprocess.Popen[str]


def pipeline(folder: Path, *overrides: str, fresh: bool = False, sources: Path = ROOT) -> Done:
    """`python -m pipeline` in a folder, to its end."""
    return module(folder, "pipeline", *overrides, fresh=fresh, sources=sources)


def module(folder: Path, name: str, *words: str, fresh: bool = False, sources: Path = ROOT) -> Done:
    """Another of the package's command lines, such as pipeline.rerun."""
    process = start(folder, name, *words, fresh=fresh, sources=sources)
    try:
        output, errors = process.communicate(timeout=END_S)
    except BaseException:
        process.kill()
        raise
    assert process.returncode is not None
    return Done([name, *words], process.returncode, output, errors)


def succeeded(process: Done) -> str:
    """What a command that had to succeed has printed."""
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def wait_for(happened: Callable[[], object], process: Running | None = None) -> None:
    """Until it has happened, or at the latest until a process has ended."""
    end = time.monotonic() + END_S
    while not happened() and (process is None or process.poll() is None):
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def runs(folder: Path) -> list[Path]:
    """The folders of the runs that commands have left, the oldest first."""
    return sorted((folder / "outputs" / "runs").glob("*/*"))


def arrays(run: Path) -> dict[str, np.ndarray]:
    """All arrays under a folder, by file and name."""
    found = {}
    for file in sorted(run.rglob("*.npz")):
        with np.load(file, allow_pickle=False) as content:
            found |= {f"{file.relative_to(run)}/{name}": content[name] for name in content}
    return found


def start(folder: Path, name: str, *words: str, fresh: bool = False, sources: Path = ROOT) -> Running:
    """`python -m NAME` in a folder, in a session of its own; its output is read from the process."""
    return execute(folder, "-m", name, *words, fresh=fresh, sources=sources)


def execute(folder: Path, *arguments: str, fresh: bool = False, sources: Path = ROOT) -> Running:
    """`python` with these arguments: -m MODULE, or -c CODE, and words for it.

    Args:
        fresh: a new interpreter, with whatever arguments.
        sources: where the package lies, of a fresh one.
    """
    if not fresh:
        assert sources == ROOT
        return Command(folder, arguments)
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=_environment(sources),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell may have started the tests where it is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def kill_all(process: Running) -> None:
    """Kill a command with all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _environment(sources: Path) -> dict[str, str]:
    """That of the tests, without what is meant for Hydra."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HYDRA_")}
    return {**kept, "PYTHONPATH": str(sources), "MLFLOW_DISABLE_TELEMETRY": "true"}


@functools.cache
def _parent() -> socket.socket:
    """The way to the process that forks; it ends when this one does."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "preloaded.py"), str(theirs.fileno())],
            env=_environment(ROOT),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
