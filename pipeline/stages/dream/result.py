"""The result of a dream."""

from dataclasses import dataclass

import numpy as np

from pipeline.engine.result import OneFileResult


@dataclass(frozen=True, eq=False)
class DreamResult(OneFileResult):
    """A photo before and after.

    photo: as it was given, (height, width, 3) RGB or (height, width) grey levels; picture: (height, width) float32, its
    luma after the dream, in standard deviations of the photo's luma above its mean, or by a CNN of colour images
    (height, width, 3), in those of all channels; frames: (rounds, small height, small width[, 3]) uint8, the same as
    levels after each level of each turn, or each octave, at most as large as
    `frame_size` says;
    objective: (turns, levels, steps), or (1, octaves, steps), before the change of each step, the mean over the tiles
    of a level, with references their likeness to those; tile_maps: (tiles, maps), the maps that each tile was driven
    towards, level by level, (0, 0) for octaves; zoom: (frames, height, width) or (frames, height, width, 3) uint8, a
    flight into the dream, empty if none was asked for.
    """

    FILE = "dream.npz"

    photo: np.ndarray
    picture: np.ndarray
    frames: np.ndarray
    objective: np.ndarray
    tile_maps: np.ndarray
    zoom: np.ndarray

    @property
    def frame_files(self) -> list[str]:
        """Return the picture file of every frame."""
        turns, rounds, _ = self.objective.shape
        if self.tile_maps.shape[1] == 0:
            return [f"octaves/octave_{number + 1}.png" for number in range(rounds)]
        return [f"levels/turn_{turn + 1}_level_{number + 1}.png" for turn in range(turns) for number in range(rounds)]
