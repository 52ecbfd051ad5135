"""Settings of the activations."""

from dataclasses import dataclass, field

from pipeline.settings.choices import ColorMap, MapScaling, Split
from pipeline.settings.ranges import Entries, Number, check_fields, rule


@dataclass(kw_only=True)
class ActivationsConfig:
    layers: list[str] = field(metadata=rule(Entries(filled="layer", once=True)))
    split: Split
    image_indices: list[int] | None = field(
        metadata=rule(Entries(Number(least=0), filled="index, or null for one image per class", once=True))
    )
    columns: int = field(metadata=rule(Number(least=1)))
    color_map: ColorMap
    scaling: MapScaling

    def __post_init__(self) -> None:
        check_fields("activations", self)
