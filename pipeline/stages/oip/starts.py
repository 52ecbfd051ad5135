"""The images that an ascent starts from, and what is added to them on the way."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.core import noise
from pipeline.core.noise import Identity
from pipeline.settings.choices import StartImage, Strategy
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.space import Space


class Starts:
    """Draws the start image of every (map_index, start) as the settings want it.

    Args:
        space: what the images are.
        pictures: (count, height, width, channels), what `noise.kind` picture or digit chooses from.
    """

    def __init__(
        self, config: NoiseConfig, strategy: Strategy, space: Space, *, seed: int, pictures: np.ndarray | None
    ) -> None:
        if config.kind in (StartImage.picture, StartImage.digit) and pictures is None:
            raise ValueError(f"noise.kind={config.kind.value}: expected start_pictures; received None")
        self._config, self._space, self._seed, self._pictures = config, space, seed, pictures
        self._colours = space.root
        self._waves = config.waves()
        if strategy is Strategy.coarse_to_fine:
            self._waves, self._later = self._waves[:1], self._waves[1:]

    def images(self, identities: Sequence[Identity]) -> np.ndarray:
        """Return (identities, height, width, channels) in the space; pictures keep their levels where it has some."""
        if not self._space.of_levels or self._config.kind not in (StartImage.picture, StartImage.digit):
            return self._space.of_noise(self.standardized(identities))
        levels = self._space.preprocessing.levels(self._chosen(identities))
        if self._config.blend == 0:
            return levels
        blend = np.float32(self._config.blend)
        waves = self._space.of_noise(self._drawn(noise.multi_wavelength_noise, self._waves, identities))
        return (1 - blend) * levels + blend * waves

    def standardized(self, identities: Sequence[Identity]) -> np.ndarray:
        """Return (identities, height, width, channels), standardized, whatever the space is."""
        kind = self._config.kind
        if kind is StartImage.waves:
            return self._drawn(noise.multi_wavelength_noise, self._waves, identities)
        if kind is StartImage.fourier:
            return noise.fourier_noise(
                self._space.shape, self._config.decay, identities, seed=self._seed, colours=self._colours
            )
        if kind is StartImage.pixels:
            pixels = min(self._space.shape[:2])
            return self._drawn(noise.multi_wavelength_noise, [(pixels, 1.0)], identities)
        pictures = noise.standardized(self._chosen(identities))
        if self._config.blend == 0:
            return pictures
        blend = np.float32(self._config.blend)
        waves = self._drawn(noise.multi_wavelength_noise, self._waves, identities)
        return noise.standardized((1 - blend) * pictures + blend * waves)

    def fluctuation(self, stage: int, identities: Sequence[Identity]) -> np.ndarray:
        """Return what enriches the images at the beginning of a stage, the next shorter waves.

        Args:
            stage: 1 for the second one.
            identities: of the images.
        Returns:
            (identities, height, width, channels), in standard deviations of an image.
        """
        return self._drawn(noise.waves, [self._later[stage - 1]], identities)

    def _chosen(self, identities: Sequence[Identity]) -> np.ndarray:
        assert self._pictures is not None
        return noise.chosen_pictures(self._pictures, identities, seed=self._seed)

    def _drawn(
        self, draw: Callable[..., np.ndarray], waves: Sequence[tuple[int, float]], identities: Sequence[Identity]
    ) -> np.ndarray:
        wavelengths, amplitudes = zip(*waves, strict=True)
        return draw(self._space.shape, wavelengths, amplitudes, identities, seed=self._seed, colours=self._colours)
