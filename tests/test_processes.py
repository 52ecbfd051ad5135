"""Whose process it was and whether it is gone; one process at a time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from pipeline.runtime.locks import exclusive, is_held
from pipeline.runtime.processes import ProcessId, is_gone, this_process

HOLD = """
import sys, time
from pathlib import Path
from pipeline.runtime.locks import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(100)
"""


def test_this_process_is_there():
    assert this_process().pid == os.getpid()
    assert not is_gone(this_process())


def test_a_process_that_ended_is_gone_and_so_is_one_whose_number_another_has():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    process = ProcessId(this_process().host, child.pid, psutil.Process(child.pid).create_time())
    assert not is_gone(process)
    assert is_gone(process._replace(started=process.started - 60))
    child.kill()
    # nobody has waited for it yet: it is listed, but runs no more
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert is_gone(process)
    child.wait()
    assert is_gone(process)


def test_of_another_machine_nothing_is_known():
    assert not is_gone(ProcessId("another-machine", 2**22 + 1, 0.0))


def test_a_lock_is_waited_for_and_given_back_by_a_process_that_is_killed(tmp_path: Path):
    file = tmp_path / "new" / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_held(file)
    waited: list[float] = []

    def on_wait() -> None:
        waited.append(time.monotonic())
        holder.send_signal(signal.SIGKILL)

    with exclusive(file, on_wait=on_wait):
        assert len(waited) == 1
    assert holder.wait() == -signal.SIGKILL
    with exclusive(file, on_wait=lambda: waited.append(0)):
        pass
    assert len(waited) == 1
    holder.stdout.close()


def test_a_lock_leaves_nothing_behind(tmp_path: Path):
    with exclusive(tmp_path / "lock"):
        assert is_held(tmp_path / "lock")
    assert not is_held(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []


COUNT = """
import sys
from pathlib import Path
from pipeline.runtime.locks import exclusive
file = Path(sys.argv[1])
for _ in range(200):
    with exclusive(file.with_name("lock")):
        file.write_text(str(int(file.read_text()) + 1))
"""


def test_of_many_processes_one_at_a_time_holds_a_lock(tmp_path: Path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", COUNT, str(counter)]) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6
    assert counter.read_text() == "1200"
