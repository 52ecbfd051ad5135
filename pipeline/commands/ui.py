"""`make ui`: the MLflow page of the record under outputs/, for this machine only, until Ctrl-C."""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, Any

from pipeline.commands.command import Command
from pipeline.commands.options import folder
from pipeline.engine.places import ARTIFACTS, RUNS
from pipeline.runtime.errors import InputError, cut, without_numbers, without_passwords
from pipeline.runtime.output import is_lost
from pipeline.tracking.addresses import file_uri, mlflow_uri
from pipeline.tracking.backend import FILE
from pipeline.tracking.charts import chart_address, sweep_views, view_id
from pipeline.tracking.moved import follow
from pipeline.tracking.sqlite_lookup import check_sqlite, lost_files

HOST = "127.0.0.1"
FIRST_PORT = 5000
START_TIMEOUT_S = 180
TIMEOUT_S = 30
END_TIMEOUT_S = 10
# Of each stage, whose addresses are told.
NEWEST_SWEEPS = 3
# Experiments that the server is asked for at a time.
PAGE = 1000
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # workers for jobs that the pages of runs do not need
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder with the record, and the port."""
    parser.add_argument("--output-dir", type=folder, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--port", type=int, help=f"default: {FIRST_PORT}, or the next one that is free")


def execute(options: argparse.Namespace) -> int:
    """Show the record until Ctrl-C; return the exit code."""
    folder = options.output_dir.resolve()
    if not os.path.lexists(folder / FILE):
        raise InputError(f"nothing is recorded in {folder} yet; `python -m pipeline` does it")
    # the record may be a link, its artifacts lie beside the file itself
    file = (folder / FILE).resolve()
    check_sqlite(file)
    try:
        follow(file)
    except PermissionError as error:
        raise InputError(f"{file}: {error}") from error
    ports = range(FIRST_PORT, FIRST_PORT + 100) if options.port is None else [options.port]
    port = next(filter(_is_free, ports), None)
    if port is None:
        raise InputError(f"port {ports[0]} cannot be used; --port takes another one")
    if lost := _lost(folder, file):
        print(f"mnist-dream: {lost}", file=sys.stderr)
    with tempfile.TemporaryFile() as output:
        # that comes while the server starts would leave it without anybody who ends it
        early: list[int] = []
        _on_stop(lambda number, _: early.append(number))
        server = _start(file, port, output)
        try:
            _on_stop(signal.default_int_handler)
            return 130 if early else _watch(server, port, output)
        except KeyboardInterrupt:
            return 130
        finally:
            _end(server)


def _on_stop(handler: Callable[[int, FrameType | None], Any]) -> None:
    """Handle Ctrl-C, also when started in the background, where it is switched off, and `kill`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _lost(folder: Path, file: Path) -> str | None:
    """Return what to say of runs whose pages can show no files; None if all have theirs."""
    lost = lost_files(file)
    if lost.runs == 0:
        return None
    places = [str(folder / name) for name in (*RUNS, "store") if (folder / name).is_dir()]
    results = f"; their results lie in {', '.join(places)}" if places else ""
    return f"{lost.runs} of {lost.of} runs have lost their files in {file.parent / ARTIFACTS}{results}"


def _start(file: Path, port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", HOST, "--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level warning"),
        *("--backend-store-uri", mlflow_uri(file)),
        # or experiments that are made through this server could not be written to without it
        *("--default-artifact-root", file_uri(file.parent / ARTIFACTS)),
    ]
    # In a session of its own: Ctrl-C reaches only this process, so that the server shows no tracebacks.
    return subprocess.Popen(
        command, env={**os.environ, **ENVIRONMENT}, stdout=output, stderr=output, start_new_session=True
    )


def _watch(server: subprocess.Popen[bytes], port: int, output: IO[bytes]) -> int:
    """Tell the addresses once the server answers; the exit code, and what the server said, if it ends by itself."""
    print("the MLflow page is starting ...", flush=True)
    if is_lost():
        # nobody can be told its address
        return 0
    root = f"http://{HOST}:{port}"
    if _answers(server, root):
        # without the query a page opens on traces of language models
        print(f"{root}/#/experiments?workflowType=machine_learning")
        for experiment in _experiments(root):
            name, tags = experiment["name"], {tag["key"] for tag in experiment.get("tags", [])}
            stage = name.rpartition("/")[2]
            print(f"{chart_address(root, experiment['experiment_id'], view_id(stage), tags)}  {name}")
            for view in sweep_views(experiment.get("tags", []))[:NEWEST_SWEEPS]:
                print(f"{chart_address(root, experiment['experiment_id'], view.id, tags)}  {name}, {view.name}")
        print("Ctrl-C ends it", flush=True)
        if is_lost():
            return 0
        server.wait()
    output.seek(0)
    said = output.read().decode(errors="replace").split("\n")
    # of a traceback that is what went wrong
    last = next((line.strip() for line in reversed(said) if line.strip()), "it says nothing")
    words = without_numbers(without_passwords(re.sub(r"^mlflow(\.\w+)+: ", "", last)))
    print(f"mnist-dream: the server of the page has ended: {cut(words)}", file=sys.stderr)
    return 1


def _answers(server: subprocess.Popen[bytes], root: str) -> bool:
    """Wait for the server; False if it ended, or takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            _fetch(f"{root}/health")
            return True
        except OSError:
            time.sleep(0.3)
    return False


def _experiments(root: str) -> list[dict[str, Any]]:
    """Return the experiments with runs of stages, in the order in which they were made."""
    found: list[dict[str, Any]] = []
    page: str | None = ""
    while page is not None:
        query = urllib.parse.urlencode({"max_results": PAGE, "page_token": page} if page else {"max_results": PAGE})
        answer = json.loads(_fetch(f"{root}/api/2.0/mlflow/experiments/search?{query}"))
        found += answer.get("experiments", [])
        page = answer.get("next_page_token")
    of_stages = [experiment for experiment in found if "/" in experiment["name"]]
    return sorted(of_stages, key=lambda experiment: int(experiment["experiment_id"]))


def _fetch(address: str) -> bytes:
    # a proxy of the environment cannot reach this machine's loopback
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address, timeout=TIMEOUT_S) as answer:
        return answer.read()


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server with its worker; impatience does not keep it alive."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if server.poll() is None:
            os.killpg(server.pid, number)
            try:
                server.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                continue


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # as the server does; otherwise a port of which a connection just ended counts as taken
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


main = Command(
    name="ui",
    about=__doc__,
    add_arguments=add_arguments,
    example="--output-dir outputs --port 5001",
    execute=execute,
)

if __name__ == "__main__":
    sys.exit(main.run())
