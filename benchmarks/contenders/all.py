"""Every contender, or the reason why it does not take part."""

import importlib
import importlib.util
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.contenders import Contender
from benchmarks.task import Task


class Absent(NamedTuple):
    """A contender of this name does not take part, and why."""

    name: str
    reason: str


class _Tool(NamedTuple):
    """module: the file here; needs: the package it calls, if it is not one of the project's own dependencies."""

    module: str
    names: tuple[str, ...]
    needs: str | None = None


_TOOLS = (
    _Tool("article", ("article-loop",)),
    _Tool("tf_keras_vis", ("tf-keras-vis", "tf-keras-vis-batch"), "tf_keras_vis"),
    _Tool("xplique", ("xplique", "xplique-batch"), "xplique"),
    _Tool("lucent", ("lucent", "lucent-batch"), "lucent"),
    _Tool("torch_loop", ("torch", "torch-32"), "torch"),
    _Tool("engine", ("engine", "engine-article")),
)
NAMES = tuple(name for tool in _TOOLS for name in tool.names)
PEERS = tuple(name for tool in _TOOLS if tool.needs for name in tool.names)


def contenders(task: Task, chosen: list[str]) -> Iterator[Contender | Absent]:
    """The chosen ones, in the order of the table."""
    for tool in _TOOLS:
        names = [name for name in tool.names if name in chosen]
        if tool.needs and names and importlib.util.find_spec(tool.needs) is None:
            yield from (Absent(name, "not installed (pip install -r benchmarks/requirements.txt)") for name in names)
        elif names:
            try:
                made = importlib.import_module(f"benchmarks.contenders.{tool.module}").contenders(task)
            except Exception as error:
                # a peer whose versions do not go together says so with any kind of error
                if not tool.needs:
                    raise
                yield from (failed(name, error) for name in names)
            else:
                yield from (contender for contender in made if contender.name in names)


def failed(name: str, error: Exception) -> Absent:
    """A peer that is installed and does not work."""
    return Absent(name, f"failed: {type(error).__name__}: {str(error).strip()}".splitlines()[0])
