"""A Slurm of one node on this machine, with a key, ports and files of its own, from Debian's slurm-wlm and munge."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "sinfo")
# CPUs and memory are what it says here, whatever the machine has
CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=8192 State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Why none can be started here."""
    lacking = [name for name in (*DAEMONS, *COMMANDS) if _found(name) is None]
    if lacking:
        return f"{', '.join(lacking)} not installed"
    return None if os.geteuid() == 0 else "not root"


@contextlib.contextmanager
def one_node_slurm(folder: Path) -> Iterator[Path]:
    """Its configuration file, for SLURM_CONF; all daemons have ended when it is left."""
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    host = socket.gethostname().split(".")[0]
    config = folder / "slurm.conf"
    controller_port, node_port = _free_ports(2)
    config.write_text(CONFIG.format(host=host, folder=folder, controller_port=controller_port, node_port=node_port))
    environment = {**os.environ, "SLURM_CONF": str(config)}
    with contextlib.ExitStack() as daemons:

        def start(name: str, *arguments: object) -> subprocess.Popen[bytes]:
            return daemons.enter_context(_running(folder, name, arguments, environment))

        def ask(*command: str) -> str:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
            return done.stdout.strip()

        # --force: the folder of a test is closed to others, which munged calls insecure
        files = {"key-file": key} | {f"{kind}-file": folder / f"munge.{kind}" for kind in ("pid", "log", "seed")}
        options = [f"--{name}={path}" for name, path in files.items()]
        start("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *options)
        _wait_for((folder / "munge.socket").exists, folder)
        start("slurmctld", "-D", "-f", config)
        start("slurmd", "-D", "-f", config, "-N", host)
        _wait_for(lambda: ask("sinfo", "--noheader", "--format=%T") == "idle", folder)
        try:
            yield config
        finally:
            ask("scancel", "--me")
            _wait_for(lambda: ask("squeue", "--noheader") == "", folder)


def _found(name: str) -> str | None:
    # the daemons lie where only root's path leads
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@contextlib.contextmanager
def _running(
    folder: Path, name: str, arguments: tuple[object, ...], environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    program = _found(name)
    assert program is not None
    with (folder / f"{name}.out").open("wb") as output:
        process = subprocess.Popen(
            [program, *map(str, arguments)], env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as sockets:
        found = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


def _wait_for(condition: Callable[[], bool], folder: Path) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.2)
    said = {file.name: file.read_text(errors="replace")[-2000:] for file in sorted(folder.glob("*.out"))}
    raise AssertionError(f"Slurm does not come up, or does not come to rest: {said}")
