"""mnist-dream: compose settings -> train a CNN -> look at its maps -> sweep OIPs -> dream -> an atlas; record it all.

The stages are pure functions and can be called without the command line:

    from pipeline import compose, train, extract_activations, sweep_oips, dream

They are imported on first use, so that importing the package costs nothing.
"""

import importlib
from typing import Any

from pipeline.numerics import prefer_onednn

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
    # before what may import TensorFlow
    prefer_onednn()
    return getattr(importlib.import_module(_HOMES[name]), name)
