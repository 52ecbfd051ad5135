"""That a forked command is a process as any other one."""

import signal
import subprocess
from pathlib import Path

import pytest
from commands import END_S, ROOT, execute, start


@pytest.mark.parametrize("fresh", [False, True])
def test_a_command_has_a_folder_an_environment_words_and_streams_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    code = """
import os, sys
print(os.getpid() == os.getsid(0), os.getcwd(), os.environ["OF_A_TEST"], sys.argv, sys.path[1], __name__)
print(sys.stdin.read() + "to errors", file=sys.stderr)
sys.exit(3)
"""
    monkeypatch.setenv("OF_A_TEST", "set")
    process = execute(tmp_path, "-c", code, "a b", "c", fresh=fresh)
    assert process.communicate(timeout=END_S) == (
        f"True {tmp_path} set ['-c', 'a b', 'c'] {ROOT} __main__\n",
        "to errors\n",
    )
    assert process.returncode == process.wait() == process.poll() == 3


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("code", "returned", "said"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('why')", 1, "why"),
        ("raise ValueError('why')", 1, "ValueError: why"),
        # what commands are forked from ignores it, as a command in the background of a shell does
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, "KeyboardInterrupt"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
        ("import atexit; atexit.register(print, 'at the end', file=__import__('sys').stderr)", 0, "at the end"),
    ],
)
def test_a_command_ends_as_an_interpreter_does(
    tmp_path: Path, code: str, returned: int, said: str, fresh: bool
) -> None:
    process = execute(tmp_path, "-c", code, fresh=fresh)
    _, errors = process.communicate(timeout=END_S)
    assert process.returncode == returned
    assert (errors.splitlines() or [""])[-1] == said


def test_a_command_is_waited_for_and_takes_signals(tmp_path: Path) -> None:
    process = execute(tmp_path, "-c", "import time; print('begun', flush=True); time.sleep(100)")
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert process.poll() is None
    for wait in (process.wait, process.communicate):
        with pytest.raises(subprocess.TimeoutExpired):
            wait(timeout=0.01)
    process.terminate()
    assert process.wait() == -signal.SIGTERM


def test_a_module_is_run_as_by_python_itself(tmp_path: Path) -> None:
    """What its own children import of it, and which parent they have."""
    (tmp_path / "given.py").write_text(
        "import multiprocessing\n"
        "def child(parent):\n"
        "    assert __name__ == '__mp_main__'\n"
        "    assert multiprocessing.parent_process().pid == parent\n"
        "if __name__ == '__main__':\n"
        "    import os, sys\n"
        "    assert multiprocessing.parent_process() is None\n"
        "    process = multiprocessing.get_context('spawn').Process(target=child, args=(os.getpid(),))\n"
        "    process.start(); process.join()\n"
        "    print(process.exitcode, sys.argv)\n"
    )
    said = []
    for fresh in (False, True):
        process = start(tmp_path, "given", "a", fresh=fresh)
        said.append(process.communicate(timeout=END_S))
    assert said[0] == said[1] == (f"0 ['{tmp_path / 'given.py'}', 'a']\n", "")


def test_what_commands_are_forked_from_has_one_thread_and_has_computed_nothing(tmp_path: Path) -> None:
    """But for a thread of an allocator, which is prepared for a fork; BLAS ends its own before one."""
    if not Path("/proc/self/task").is_dir():
        pytest.skip("no /proc")
    code = """
import os, sys
imported = "pipeline.stages.oip.compute" in sys.modules
from tensorflow.python.eager import context
print(os.getppid(), imported, context.context()._initialized)
"""
    parent, *state = execute(tmp_path, "-c", code).communicate(timeout=END_S)[0].split()
    names = [task.read_text().strip() for task in Path(f"/proc/{parent}/task").glob("*/comm")]
    assert [name for name in names if name != "jemalloc_bg_thd"] == [names[0]]
    assert state == ["True", "False"]


def test_numbers_that_are_random_are_others_in_every_command(tmp_path: Path) -> None:
    code = (
        "import numpy, random, tempfile, uuid;"
        "print(numpy.random.rand(), random.random(), tempfile.mktemp(), uuid.uuid4())"
    )
    said = [execute(tmp_path, "-c", code).communicate(timeout=END_S)[0].split() for _ in range(2)]
    assert not set(said[0]) & set(said[1])
    assert len(set(said[0])) == 4
