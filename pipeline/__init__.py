"""mnist-dream: compose settings -> train a CNN -> look at its maps -> sweep OIPs -> dream -> an atlas; record it all.

The stages are pure functions and can be called without the command line:

    from pipeline import compose, train, extract_activations, sweep_oips, dream

They are imported on first use, so that importing the package costs nothing. What the program that calls them has
switched on, such as autologging or another precision, they neither use nor disturb.
"""

import importlib
import inspect
from pathlib import Path
from typing import Any

from pipeline.runtime.guest import as_guest
from pipeline.runtime.lent import lent
from pipeline.runtime.numerics import prefer_onednn

# `python -m pipeline.rerun` and its like, which stand in the notes of recorded runs, are files of this folder.
__path__ = [*__path__, str(Path(__file__).parent / "commands")]

_HOMES = {
    "compose": "pipeline.settings.compose",
    "train": "pipeline.stages.train.compute",
    "extract_activations": "pipeline.stages.activations.compute",
    "sweep_oips": "pipeline.stages.oip.compute",
    "dream": "pipeline.stages.dream.compute",
    "dream_sheet": "pipeline.stages.dream_sheet.compute",
    "map_statistics": "pipeline.stages.statistics.compute",
    "survey": "pipeline.stages.atlas.compute",
    "About": "pipeline.stages.atlas.page",
    "render_atlas": "pipeline.stages.atlas.page",
    "compare_cnns": "pipeline.stages.compare.compute",
    "load_dataset": "pipeline.data.datasets",
    "load_dataset_for": "pipeline.commands.picture_range",
    "load_model": "pipeline.core.model_files.reading",
    "make_graph": "pipeline.core.graph",
    "shown_preprocessing": "pipeline.core.model_range",
    "load_mask": "pipeline.data.photos",
    "load_photo": "pipeline.data.photos",
}

__all__ = [
    "About",
    "compare_cnns",
    "compose",
    "dream",
    "dream_sheet",
    "extract_activations",
    "load_dataset",
    "load_dataset_for",
    "load_mask",
    "load_model",
    "load_photo",
    "make_graph",
    "map_statistics",
    "render_atlas",
    "shown_preprocessing",
    "survey",
    "sweep_oips",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    with lent():
        # before what may import TensorFlow
        prefer_onednn()
        found = getattr(importlib.import_module(_HOMES[name]), name)
    # kept, so that it is the same each time
    globals()[name] = as_guest(found, package=__name__, name=name) if inspect.isfunction(found) else found
    return globals()[name]
