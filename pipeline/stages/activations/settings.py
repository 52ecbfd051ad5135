"""Settings of the activations."""

from dataclasses import dataclass

from pipeline.settings.choices import ColorMap, MapScaling, Split
from pipeline.settings.ranges import no_repeats, not_empty, number


@dataclass(kw_only=True)
class ActivationsConfig:
    layers: list[str]
    split: Split
    image_indices: list[int] | None
    columns: int
    color_map: ColorMap
    scaling: MapScaling

    def __post_init__(self) -> None:
        not_empty("activations.layers", self.layers, "layer")
        no_repeats("activations.layers", self.layers)
        if self.image_indices is not None:
            not_empty("activations.image_indices", self.image_indices, "index, or null for one image per class")
            no_repeats("activations.image_indices", self.image_indices)
            for index in self.image_indices:
                number("activations.image_indices", index, least=0)
        number("activations.columns", self.columns, least=1)
