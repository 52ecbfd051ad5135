"""The one place that knows of GPUs: those that a process may use, and what it does with them.

Everything else is the same code on every device. A process computes with one GPU, the first that it sees; a sweep uses
several by its jobs, each of which takes one.
"""

import itertools
import os
import re
import tempfile
from pathlib import Path

from pipeline.runtime.lent import change_variable
from pipeline.runtime.locks import hold

# The variable by which users, Slurm and Ray say which GPUs a process may use; CUDA reads it before its first operation.
VISIBLE = "CUDA_VISIBLE_DEVICES"
# What NVIDIA's driver has for each GPU, also in a container that was given some of them.
DEVICES, GPU_FILE = Path("/dev"), r"nvidia[0-9]+"


def visible_gpus(devices: Path = DEVICES) -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; TensorFlow is not imported.

    Those that the variable names, up to the first that is none, as CUDA reads it; without it all of the machine.

    Args:
        devices: the folder with the files of devices.
    """
    named = os.environ.get(VISIBLE)
    if named is None:
        found = [file for file in devices.glob("nvidia*") if re.fullmatch(GPU_FILE, file.name)]
        return [str(number) for number in range(len(found))]
    names = (name.strip() for name in named.split(","))
    return list(itertools.takewhile(lambda name: name and not name.startswith("-"), names))


def take_gpu(folder: Path | None = None) -> None:
    """Leave this process one of the GPUs that it may use: one that the fewest others have taken, until it ends.

    Nothing is done where there is no choice, or TensorFlow could not be told of it: where files know no locks.

    Args:
        folder: of the locks by which processes of this machine know of each other; None: one of the user's own.
    """
    gpus = visible_gpus()
    if len(gpus) < 2:
        return
    folder = _folder_of_locks() if folder is None else folder
    for turn, gpu in ((turn, gpu) for turn in itertools.count() for gpu in gpus):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            hold(folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', gpu)}.{turn}")
        except BlockingIOError:
            continue
        except OSError:
            return
        change_variable(VISIBLE, gpu)
        return


def _folder_of_locks() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else 0
    return Path(tempfile.gettempdir()) / f"mnist-dream-gpus-{user}"


def settle_gpus() -> None:
    """Let TensorFlow compute with the first GPU, and take of its memory what it needs, not all; if it has not begun.

    A second GPU would lie idle with a share of its memory taken.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    try:
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        if gpus:
            tf.config.set_visible_devices(gpus[:1], "GPU")
    except RuntimeError:
        # it computes already, with the devices that it has
        return


def has_gpu() -> bool:
    """Tell whether TensorFlow computes with a GPU."""
    import tensorflow as tf

    return bool(tf.config.list_logical_devices("GPU"))


def gpu_names() -> list[str]:
    """Return the names of the GPUs that TensorFlow computes with."""
    if not has_gpu():
        return []
    import tensorflow as tf

    used = tf.config.get_visible_devices("GPU")
    details = (tf.config.experimental.get_device_details(gpu) for gpu in used)
    return [found.get("device_name", "GPU") for found in details]
