"""mnist-dream: compose settings -> train a CNN -> look at its maps -> sweep OIPs -> dream -> an atlas; record it all.

The stages are pure functions and can be called without the command line:

    from pipeline import compose, train, extract_activations, sweep_oips, dream

They are imported on first use, so that importing the package costs nothing.
"""

import importlib
import os
import platform
from typing import Any

# By itself TensorFlow uses oneDNN only on some CPUs. Without it, what becomes of an image depends on the images beside
# it (pipeline/core/forward.py says why). It reads this when it is imported.
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_HOMES = {
    "compose": "pipeline.__main__",
    "train": "pipeline.stages.train",
    "extract_activations": "pipeline.stages.activations",
    "sweep_oips": "pipeline.stages.oip",
    "dream": "pipeline.stages.dream",
    "dream_sheet": "pipeline.stages.dream_sheet",
    "map_statistics": "pipeline.stages.statistics",
    "survey": "pipeline.stages.atlas",
    "About": "pipeline.rendering.atlas",
    "render_atlas": "pipeline.rendering.atlas",
    "load_dataset": "pipeline.data",
    "load_mask": "pipeline.photos",
    "load_photo": "pipeline.photos",
}

__all__ = [
    "About",
    "compose",
    "dream",
    "dream_sheet",
    "extract_activations",
    "load_dataset",
    "load_mask",
    "load_photo",
    "map_statistics",
    "render_atlas",
    "survey",
    "sweep_oips",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
