"""Settings of the atlas."""

from dataclasses import dataclass

from pipeline.settings.ranges import LARGEST_STEP, no_repeats, not_empty, number
from pipeline.settings.shared import OctavesConfig


@dataclass(kw_only=True)
class AtlasDreamConfig:
    size: int
    steps: int
    step_size: float
    octaves: OctavesConfig

    def check(self, key: str) -> None:
        """Check the ranges; `key` is where in the settings this group stands."""
        number(f"{key}.size", self.size, least=0, most=1024)
        number(f"{key}.steps", self.steps, least=1)
        number(f"{key}.step_size", self.step_size, least=0, most=LARGEST_STEP)
        self.octaves.check(f"{key}.octaves")


@dataclass(kw_only=True)
class AtlasConfig:
    starts: int
    wavelengths: list[list[int]]
    elsewhere: bool
    dream: AtlasDreamConfig

    def __post_init__(self) -> None:
        number("atlas.starts", self.starts, least=1, most=32)
        for wavelengths in self.wavelengths:
            not_empty("atlas.wavelengths", wavelengths, "number of cells per side in each of its lists")
            no_repeats("atlas.wavelengths", wavelengths)
            for cells in wavelengths:
                number("atlas.wavelengths", cells, least=2)
        self.dream.check("atlas.dream")
