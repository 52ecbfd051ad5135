"""`make ui`: the MLflow page of the record under outputs/, on this machine only, until Ctrl-C."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

HOST = "127.0.0.1"
FIRST_PORT = 5000
START_TIMEOUT_S = 180
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # the page needs no workers for jobs; each is another process
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the record until the server ends; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.ui", description=__doc__)
    parser.add_argument("--output-dir", type=Path, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--port", type=int, help=f"default: {FIRST_PORT}, or the next one that is free")
    options = parser.parse_args(arguments)
    folder = options.output_dir.resolve()
    if not (folder / "mlflow.db").is_file():
        return _refused(f"no record in {folder} yet; `python -m pipeline` makes one")
    port = _free_port(FIRST_PORT, FIRST_PORT + 100) if options.port is None else _free_port(options.port, options.port)
    if port is None:
        return _refused(f"port {options.port or FIRST_PORT} is in use; --port takes another one")
    # `kill` shall end the server, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server"),
            *("--host", HOST, "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            # experiments made through this server can then be continued without one
            *("--default-artifact-root", (folder / "mlartifacts").as_uri()),
            *("--uvicorn-opts", "--log-level warning"),
        ],
        env={**ENVIRONMENT, **os.environ},
        # a group of its own: Ctrl-C reaches only this process, which ends the server without its tracebacks
        start_new_session=True,
    )
    try:
        print("starting the MLflow page ...", flush=True)
        address = f"http://{HOST}:{port}"
        if _is_up(server, f"{address}/health"):
            # without the query the page opens on traces of language models
            print(f"{address}/#/experiments?workflowType=machine_learning   (Ctrl-C ends it)", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 130
    finally:
        _end(server)


def _free_port(first: int, last: int) -> int | None:
    for port in range(first, last + 1):
        with socket.socket() as probe:
            # as the server does; otherwise a port that was used a minute ago counts as taken
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    return None


def _is_up(server: subprocess.Popen[bytes], health: str) -> bool:
    """Wait until the server answers; False if it ended or takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(health, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server with its workers."""
    for kill, wait_s in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        try:
            os.killpg(server.pid, kill)
            server.wait(wait_s)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _refused(reason: str) -> int:
    print(f"mnist-dream: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
