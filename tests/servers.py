"""Real servers on loopback, each ended by its own number: MLflow, PostgreSQL, and what breaks between."""

import contextlib
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from commands import Running, execute

LOOPBACK = "127.0.0.1"
START_S, END_S = 120, 30

# the app that `mlflow server` has uvicorn start, with the variables by which it tells it of its options
SERVER = """
import os, sys
port, store, files, log = sys.argv[1:]
descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for number in (1, 2):
    os.dup2(descriptor, number)
os.environ.update(
    {
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": files,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
)
import uvicorn, warnings
warnings.simplefilter("ignore")
uvicorn.run("mlflow.server.fastapi_app:app", host="127.0.0.1", port=int(port), log_level="warning")
"""
# kept, so that nobody else gets these ports as long as the tests run
_ports: list[socket.socket] = []


def free_port() -> int:
    """A port on which nobody listens, and which is given to nobody who asks for any."""
    kept = socket.socket()
    _ports.append(kept)
    # so that a server, which sets this too, can listen on it nevertheless
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind((LOOPBACK, 0))
    return kept.getsockname()[1]


def fetch(port: int, path: str) -> bytes:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://{LOOPBACK}:{port}{path}", timeout=20) as answer:
        return answer.read()


class MlflowServer:
    """An MLflow server that keeps the artifacts itself. It can go away and come back with all that it knows."""

    def __init__(self, folder: Path, store: str, *, real: bool = False) -> None:
        """Start it.

        Args:
            real: by `mlflow server`, in fresh interpreters. Otherwise, and when it comes back, a forked process runs
                what that would start.
        """
        self.port = free_port()
        self.uri = f"http://{LOOPBACK}:{self.port}"
        self._folder = folder
        self._store = store
        self._process: Running | None = None
        self.start(real=real)

    def start(self, *, real: bool = False) -> None:
        self._process = self._started(real=real)
        self._wait()

    def _wait(self) -> None:
        """Until it answers."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            assert self._process is not None
            assert self._process.poll() is None, self._said()
            with contextlib.suppress(OSError):
                fetch(self.port, "/health")
                return
            time.sleep(0.05)
        raise AssertionError(f"the server does not answer: {self._said()}")

    def _started(self, *, real: bool) -> Running:
        files, log = f"{self._folder}/files", self._folder / "log"
        if not real:
            return execute(self._folder, "-c", SERVER, str(self.port), self._store, files, str(log))
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", LOOPBACK, "--port", str(self.port)),
            *("--workers", "1", "--backend-store-uri", self._store, "--artifacts-destination", files),
        ]
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with log.open("a") as output:
            return subprocess.Popen(
                command,
                env=environment,
                cwd=self._folder,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )

    def _said(self) -> str:
        return (self._folder / "log").read_text()

    def signal(self, number: int) -> None:
        """To the server and its workers."""
        assert self._process is not None
        os.killpg(self._process.pid, number)
        if number == signal.SIGCONT:
            # it first ends the connections that were idle for too long, on one of which the next request would be lost
            self._wait()

    def kill(self) -> None:
        """As the machine that loses its power."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait(END_S)
            for stream in (self._process.stdout, self._process.stderr):
                if stream is not None:
                    stream.close()
            self._process = None


def empty_sqlite(empty_record: Path, folder: Path) -> str:
    """The store of a server in a folder, with the tables that it would make."""
    shutil.copyfile(empty_record / "outputs" / "mlflow.db", folder / "server.db")
    return f"sqlite:///{folder}/server.db"


def postgres_programs() -> Path | None:
    """The folder with PostgreSQL's programs as Debian installs them; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """A database cluster of its own, without passwords; yields the URI of an empty database."""
    # it refuses to run for root
    user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    # where that user may go, which is not so of pytest's folders
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if user:
        shutil.chown(folder, "postgres", "postgres")
    port = free_port()
    try:
        initdb = [programs / "initdb", "-D", folder / "data", "-U", "dreamer", "-A", "trust", "-E", "UTF8", "-N"]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/", **user)
        with Path(os.devnull).open("w") as nothing:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", "-h", LOOPBACK, "-p", str(port), "-k", folder, "-F"],
                stdout=nothing,
                stderr=nothing,
                cwd="/",
                **user,
            )
        try:
            _create_database(programs, port, server)
            yield f"postgresql://dreamer@{LOOPBACK}:{port}/dreams"
        finally:
            # stop without waiting for clients
            server.send_signal(signal.SIGINT)
            server.wait(END_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _create_database(programs: Path, port: int, server: subprocess.Popen[bytes]) -> None:
    create = [programs / "createdb", "-h", LOOPBACK, "-p", str(port), "-U", "dreamer", "dreams"]
    for _ in range(200):
        assert server.poll() is None
        if subprocess.run(create, check=False, capture_output=True, cwd="/").returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError("PostgreSQL does not answer")


class Proxy:
    """Stands before a server and passes requests on, a connection for each, until it is told to do something else.

    after: number of requests that are passed on before `then` is done; None: all of them. then: "refuse" closes the
    connection without a word, "lose" passes the request on and loses the answer, "hang" never answers, "drip" sends a
    byte of an endless answer at a time, "503" answers that. delay: seconds before an answer.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.after: int | None = None
        self.then = "refuse"
        self.delay = 0.0
        self.requests = 0
        self._lock = threading.Lock()
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    proxy._handle(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True

        self._server = Server((LOOPBACK, 0), Handler)
        self.uri = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._closed = threading.Event()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """Pass everything on."""
        self.after, self.then, self.delay, self.requests = None, "refuse", 0.0, 0

    def _handle(self, client: socket.socket) -> None:
        request = _read_request(client)
        if not request:
            return
        with self._lock:
            self.requests += 1
            broken = self.after is not None and self.requests > self.after
        if broken and self.then != "lose":
            self._break(client)
            return
        time.sleep(self.delay)
        with socket.create_connection((LOOPBACK, self.target)) as server:
            server.sendall(request)
            answer = b"".join(iter(lambda: server.recv(65536), b""))
        if not broken:
            client.sendall(answer)

    def _break(self, client: socket.socket) -> None:
        if self.then == "503":
            client.sendall(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n")
        elif self.then == "hang":
            self._closed.wait(120)
        elif self.then == "drip":
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not self._closed.wait(0.5):
                client.sendall(b" ")


def _read_request(client: socket.socket) -> bytes:
    """One request; what is passed on asks the server to close the connection after its answer."""
    client.settimeout(60)
    received = b""
    while b"\r\n\r\n" not in received:
        more = client.recv(65536)
        if not more:
            return b""
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"expect:"))]
    length = next((int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        more = client.recv(65536)
        if not more:
            return b""
        body += more
    return b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body
