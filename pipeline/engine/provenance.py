"""Provenance: digests, versions, the state of the source tree."""

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.runtime.errors import without_passwords
from pipeline.runtime.numerics import ONEDNN, prefer_onednn

PACKAGE = Path(__file__).parent.parent
# The endings of source files: code, and what pages are made of.
SOURCES = (".py", ".j2", ".css", ".js")
NUMERIC_PACKAGES = ("tensorflow", "keras", "numpy")
# The beginnings of the names of environment variables that change how something is computed.
NUMERIC_SWITCHES = (
    *("TF_ENABLE_", "TF_DISABLE_", "TF_DETERMINISTIC_", "TF_SET_ONEDNN_", "TF_CUDNN_", "TF_XLA_", "XLA_"),
    *("TF_FORCE_", "NVIDIA_TF32_", "CUDNN_", "CUBLAS_", "ONEDNN_", "DNNL_", "OPENBLAS_", "MKL_", "NPY_DISABLE_CPU_"),
)
# Where it is computed, and what launchers set differently for each of their workers.
NUMERIC_PLACES = ("CUDA_VISIBLE_", "OMP_", "TF_NUM_")
# Parts of the names of those of the switches that change no result, or set what Keras sets by itself.
_NOT_NUMERIC = ("NUM_THREADS", "VERBOSE", "LOG", "PROFILE", "GPU_ALLOW_GROWTH", "GPU_ALLOCATOR")


def digest(value: Any) -> str:
    """Return the SHA-256 of a value that JSON can hold; the order of the keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def array_digest(array: np.ndarray) -> str:
    """Return the SHA-256 of the type, shape and bytes of an array."""
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def array_digests(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return name -> digest of arrays, and of dictionaries of arrays; what is None is left out."""
    return {
        name: array_digests(value) if isinstance(value, Mapping) else array_digest(value)
        for name, value in values.items()
        if value is not None
    }


def file_digest(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_files(modules: Iterable[str]) -> list[Path]:
    """Return the source files behind names such as ``core/ascent.py`` or, for all below a folder, ``core``."""
    files: list[Path] = []
    for module in modules:
        path = PACKAGE / module
        inside = [file for file in path.rglob("*") if file.suffix in SOURCES] if path.is_dir() else [path]
        files += sorted(inside)
    return files


def source_digest(files: Iterable[Path]) -> str:
    """Return the SHA-256 of source files of this package."""
    return digest([[_name(file), file.read_text(encoding="utf-8")] for file in files])


def _name(file: Path) -> str:
    # of a stage that comes from outside it is not where that lies which counts
    return file.relative_to(PACKAGE).as_posix() if file.is_relative_to(PACKAGE) else file.name


def numeric_versions() -> dict[str, str]:
    """Return the versions of the packages that compute."""
    return {name: importlib.metadata.version(name) for name in NUMERIC_PACKAGES}


def numeric_switches() -> dict[str, str]:
    """Return the environment variables by which somebody chose how something is computed, by name."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(NUMERIC_SWITCHES)
        and not any(part in name for part in _NOT_NUMERIC)
        # which is set where it is not given
        and (name, value) != ONEDNN
    }


# Options that say where files with settings of the user's own lie.
OWN_SETTINGS = ("--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp")


def describe_process(overrides: list[str], *, threads: int, deterministic: bool) -> dict[str, Any]:
    """Return all about this process, but for its GPUs, that a later reader of its results may ask for.

    Args:
        threads: those of TensorFlow's operations.
        deterministic: whether TensorFlow refuses operations whose result depends on timing.
    """
    # otherwise it would depend on what was imported before whether it is in the environment
    prefer_onednn()
    packages = _packages()
    return {
        "command": [Path(sys.argv[0]).name, *map(without_passwords, sys.argv[1:])],
        "overrides": list(map(without_passwords, overrides)),
        "threads": threads,
        "deterministic": deterministic,
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith((*NUMERIC_SWITCHES, *NUMERIC_PLACES))
        },
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "version": packages.get("mnist-dream"),
        "git": git_state(),
        "source": source_digest(source_files(["."])),
        "packages": packages,
    }


@functools.cache
def _packages() -> dict[str, str]:
    """Return the packages that are installed, with their versions; of a process once, as it takes long."""
    found = {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def git_state() -> dict[str, Any] | None:
    """Return the commit, whether files differ from it, and which are new; None outside a checkout of this project."""
    if not (PACKAGE.parent / ".git").exists():
        return None
    try:
        status = _git("status", "--porcelain").splitlines()
        untracked = [line[3:] for line in status if line.startswith("??")]
        return {"commit": _git("rev-parse", "HEAD"), "dirty": bool(status), "untracked": untracked}
    except (OSError, subprocess.SubprocessError):
        return None


def git_diff() -> str:
    """Return what differs from the commit, as a patch; "" if nothing does, or outside a checkout of this project."""
    if not (PACKAGE.parent / ".git").exists():
        return ""
    try:
        return _git("diff", "HEAD", "--", "pipeline", "conf", "hydra_plugins", "pyproject.toml")
    except (OSError, subprocess.SubprocessError):
        return ""


def naming_own_settings(command: Sequence[str]) -> list[str]:
    """Return the words of a command line that say where files with settings of the user's own lie."""
    named: list[str] = []
    for word, following in zip(command, [*command[1:], ""], strict=True):
        if word in OWN_SETTINGS:
            named += [word, following]
        elif word.partition("=")[0] in (*OWN_SETTINGS, "hydra.searchpath"):
            named.append(word)
    return named


def conf_digest(folder: Path, *others: Path) -> str:
    """Return the SHA-256 of all files with settings below a folder, and of some others."""
    files = [(path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*.yaml"))]
    files += [(path.name, path) for path in others]
    return digest([[name, path.read_text(encoding="utf-8")] for name, path in files])


def _cpu() -> str:
    """Return the name of the processor, where the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(PACKAGE.parent), *arguments]
    done = subprocess.run(command, capture_output=True, check=True, timeout=20)
    return done.stdout.decode("utf-8", errors="replace").strip()
