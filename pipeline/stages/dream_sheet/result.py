"""The result of a sheet of dreams."""

from dataclasses import dataclass

import numpy as np

from pipeline.engine.result import OneFileResult


@dataclass(frozen=True, eq=False)
class DreamSheetResult(OneFileResult):
    """One photo dreamt in several ways.

    photo: as in `DreamResult`; names: (dreams,), what each does differently; steps: (dreams,), its map index, or its
    number; pictures: (dreams, height, width) uint8, the luma of each as grey levels, or (dreams, height, width, 3) by a
    CNN of colour images; begun, objective: (dreams,), the objective at the first step, and at the last one of the last
    round.
    """

    FILE = "dream.npz"

    photo: np.ndarray
    names: np.ndarray
    steps: np.ndarray
    pictures: np.ndarray
    begun: np.ndarray
    objective: np.ndarray

    @property
    def files(self) -> list[str]:
        """Return the picture file of every dream: "map 7" is dreams/map_007.png."""
        named = zip(self.names.tolist(), self.steps.tolist(), strict=True)
        names = [f"map {step:03d}" if name.startswith("map ") else name for name, step in named]
        return [f"dreams/{name.replace(',', '').replace(' ', '_')}.png" for name in names]
