"""All settings as one typed, checked object. Values live in conf/; the types and ranges of a stage in its folder."""

import math
from dataclasses import dataclass

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import StartImage, Strategy
from pipeline.settings.process import RuntimeConfig, TrackingConfig
from pipeline.settings.ranges import check_fields, choice, no_repeats, not_empty, number, one_for_each
from pipeline.stages.registry import STAGES, StageSettings

# The stages that dream.
DREAMING = {"dream", "dream_sheet", "atlas"}


@dataclass(kw_only=True)
class Config(StageSettings):
    tracking: TrackingConfig
    runtime: RuntimeConfig

    def __post_init__(self) -> None:
        not_empty("stages", self.stages, f"of {', '.join(STAGES)}")
        check_fields("", self, "stages")
        no_repeats("stages", self.stages)
        check_fields("", self, "seed")
        # after `seed`, which they follow unless they are set
        check_fields("train", self.train, "seed")
        check_fields("noise", self.noise, "seed")
        side = min(self.model.input_shape[:2])
        for cells in self.noise.wavelengths:
            number("noise.wavelengths", cells, most=side)
        network = self.model.network
        layers = network.choices()
        for name in self.activations.layers:
            choice("activations.layers", name, layers, "layers of the model")
        choice("oip.layer", self.oip.layer, layers, "a layer of the model")
        choice("statistics.layer", self.statistics.layer, layers, "a layer of the model")
        if "atlas" in self.stages and self.statistics.layer != self.oip.layer:
            takes = f"the layer of the OIPs, {self.oip.layer}, for an atlas"
            raise InputError.at("statistics.layer", takes=takes, got=self.statistics.layer)
        for wavelengths in self.atlas.wavelengths:
            for cells in wavelengths:
                number("atlas.wavelengths", cells, most=side)
        self._check_oip()
        with_maps = [name for name in layers if network.has_maps(name)]
        # a CNN of dense layers has its other stages
        if with_maps or DREAMING & set(self.stages):
            choice("dream.layer", self.dream.layer, with_maps, "a layer of the model that has maps")
        self._check_maps("dream.map_indices", self.dream.layer, self.dream.map_indices or [])
        maps = network.units(self.dream.layer)
        if self.dream.auto_maps is not None and maps is not None:
            number("dream.auto_maps", self.dream.auto_maps, least=1, most=maps)
        for indices in self.dream.tile_maps or []:
            self._check_maps("dream.tile_maps", self.dream.layer, indices)
        # a record of before there was a comparison may be of a CNN of other layers
        if "compare" in self.stages:
            choice("compare.layer", self.compare.layer, layers, "a layer of the model")
            maps = network.units(self.compare.layer)
            for index in self.compare.map_indices or []:
                number("compare.map_indices", index, least=0, most=math.inf if maps is None else maps - 1)

    def _check_oip(self) -> None:
        layer = self.oip.layer
        self._check_maps("oip.map_indices", layer, self.oip.map_indices or [])
        if self.oip.position is not None:
            if not self.model.network.has_maps(layer):
                takes = f"null for {layer}, which is no map but a row of units"
                raise InputError.at("oip.position", takes=takes, got=self.oip.position)
            sides = (self.model.network.shapes()[layer] or ())[:2]
            if any(side is not None and place >= side for place, side in zip(self.oip.position, sides, strict=False)):
                limits = " and ".join(f"0 to {side - 1}" for side in sides if side is not None)
                takes = f"[row, column], {limits} in {layer}"
                raise InputError.at("oip.position", takes=takes, got=self.oip.position)
        if self.oip.strategy is Strategy.coarse_to_fine:
            if self.noise.kind is not StartImage.waves:
                takes = "waves with oip.strategy=coarse_to_fine, which adds one wavelength after the other"
                raise InputError.at("noise.kind", takes=takes, got=self.noise.kind.value)
            one_for_each("oip.stage_steps", self.oip.stage_steps, self.noise.wavelengths, "noise.wavelengths")

        names = [one.name for one in self.model.network.layers]
        before = names[: names.index(layer)] if layer in names else names
        for name in self.oip.faithful.layers or []:
            choice("oip.faithful.layers", name, before, f"layers before {layer}")

    def _check_maps(self, key: str, layer: str, map_indices: list[int]) -> None:
        network = self.model.network
        units = network.units(layer)
        what = "map indices" if network.has_maps(layer) else "units"
        if layer == network.layers[-1].name:
            # how many there are, the data says
            what = "classes"
        for index in map_indices:
            if index < -1 or (units is not None and index >= units):
                upward = "0 and above" if units is None else f"0 to {units - 1}"
                takes = f"{what} {upward} of {layer}, or -1 for the whole layer"
                raise InputError.at(key, takes=takes, got=index)
