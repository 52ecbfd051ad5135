"""The result of reading a CNN out of a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

    from pipeline.core.graph import Cnn

FACTS = "facts.npz"
# The stem of the copy of the file of a whole model, and the names of the copies of others.
STEM, WEIGHTS, CUSTOM = "cnn", "given.weights.h5", "custom.py"


@dataclass(frozen=True, eq=False)
class ModelResult:
    """A CNN out of a file, and what is known of it.

    Attributes:
        cnn: the CNN: one picture in, the classes out.
        facts: texts and numbers: digest, of all that made it; size and sha256 of the files; keras, the version
            that wrote it; input, (height, width, channels); weights, how many numbers; layers, kinds and shapes, one by
            one.
        copies: the files that are kept, byte for byte, by the names that they get.
        model: what is saved besides; None where the file of a whole model is kept.
    """

    cnn: "Cnn"
    facts: dict[str, np.ndarray]
    copies: Mapping[str, Path]
    model: "keras.Model | None"

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the facts; the file itself is a copy."""
        return {FACTS: self.facts}


def kept_files(folder: Path) -> dict[str, Path]:
    """Return the copies of files that a folder of this stage keeps, by the settings that named them.

    That of the user's own file with layers is left out: what comes out of a record is not to be run.
    """
    found = {"model.path": sorted(folder.glob(f"{STEM}.*")), "model.weights": sorted(folder.glob(WEIGHTS))}
    return {name: places[0] for name, places in found.items() if places}
