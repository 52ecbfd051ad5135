"""The parent of the commands that tests start: it imports what all of them import, and forks for each of them.

Runs as a script, for `commands.py`, and ends with the process that started it. It never computes anything: TensorFlow's
runtime, with its threads, begins in the children.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import NamedTuple

import numpy as np

# besides the modules of the package; the latter ones are those that the others import when they are first used
IMPORTED = (
    "tensorflow",
    "keras",
    "matplotlib.pyplot",
    "sklearn.datasets",
    "hydra",
    "mlflow.tensorflow",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.store.tracking.rest_store",
    "alembic.command",
    "sqlalchemy.dialects.sqlite",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.WebPImagePlugin",
    "omegaconf._impl",
)


class Request(NamedTuple):
    """What a child shall be: the arguments of `python`, -m MODULE or -c CODE and words for it, in a folder, with these
    environment variables."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]


def import_everything() -> None:
    """Import what commands import, with the settings that they would import it with."""
    from pipeline.runtime.numerics import quiet_import
    from pipeline.tracking.backend import ENVIRONMENT

    os.environ.update(ENVIRONMENT)
    import pipeline

    names = [module.name for module in pkgutil.walk_packages(pipeline.__path__[:1], "pipeline.")]
    with quiet_import():
        for name in (*IMPORTED, *names):
            importlib.import_module(name)
        # Hydra looks for its plugins in all packages, and its parser learns from what it reads: half a second of each
        pipeline.compose("oip.steps=3", "noise=long", "oip.map_indices=[0,1]")

    from tensorflow.python.eager import context

    # what runs in another thread is not there in a child
    assert threading.active_count() == 1, threading.enumerate()
    made = context.context_safe()
    assert made is None or not made._initialized
    # so that a child's collections do not copy every page
    gc.freeze()


def serve(connection: socket.socket) -> Request:
    """Fork for each message; returns in the children, with what they shall do.

    A message is one byte and five descriptors: the request as JSON, standard input, output and errors, and one to
    write to: the number of the child, and when it has ended, its exit code, a line each.
    """
    waking, woken = os.pipe()
    for end in (waking, woken):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    told: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([connection, waking], [], [])
        if waking in ready:
            os.read(waking, 4096)
        _tell_of_ended(told)
        if connection not in ready:
            continue
        byte, descriptors, _, _ = socket.recv_fds(connection, 1, 5)
        if not byte:
            os._exit(0)
        child = os.fork()
        if child:
            told[child] = descriptors[-1]
            for descriptor in descriptors[:-1]:
                os.close(descriptor)
            continue
        # first, so that whoever knows its number can signal all of the session
        os.setsid()
        _tell(descriptors[-1], os.getpid())
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        connection.close()
        for descriptor in (waking, woken, *told.values(), descriptors[-1]):
            os.close(descriptor)
        request, *standard = descriptors[:-1]
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number)
            os.close(descriptor)
        with open(request) as file:  # noqa: PTH123
            return Request(*json.load(file))


def _tell_of_ended(told: dict[int, int]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            descriptor = told.pop(ended[0])
            _tell(descriptor, os.waitstatus_to_exitcode(ended[1]))
            os.close(descriptor)


def _tell(descriptor: int, number: int) -> None:
    # who asked may be gone
    with suppress(BrokenPipeError):
        os.write(descriptor, f"{number}\n".encode())


def become(request: Request) -> None:
    """Make this child the process that was asked for, as far as a new interpreter would be another one."""
    # as in a shell: this one was perhaps started where it is ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    sys.path[0] = request.folder
    # Python's own random numbers are others in each child already
    np.random.seed()


def execute(arguments: list[str]) -> None:
    """What `python` does with these arguments."""
    kind, what, *words = arguments
    if kind == "-m":
        sys.argv[1:] = words
        # what is run is imported besides where others import it
        for name in (what, f"{what}.__main__"):
            if name != "pipeline":
                sys.modules.pop(name, None)
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        assert kind == "-c"
        sys.argv[:] = ["-c", *words]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


def end(code: int) -> None:
    """End this process without freeing all that was imported, object by object, which takes longer than most commands
    do; returns if what was printed cannot be written, which an interpreter tells at its own end."""
    threading._shutdown()
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    # Ctrl-C at a terminal is for who started this
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import_everything()
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    become(request)
    try:
        execute(request.arguments)
        end(0)
    except SystemExit as ended:
        # words are printed by the interpreter, as other exceptions are
        if ended.code is None or isinstance(ended.code, int):
            end(ended.code or 0)
        raise
