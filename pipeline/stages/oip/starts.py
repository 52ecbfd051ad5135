"""The images that an ascent starts from, and what is added to them on the way."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.core import noise
from pipeline.core.noise import Identity
from pipeline.settings.choices import StartImage, Strategy
from pipeline.stages.oip.noise_settings import NoiseConfig


class Starts:
    """Draws the start image of every (map_index, start) as the settings want it.

    Args:
        size: of the images, which are size x size pixels.
        pictures: (count, size, size, 1), what `noise.kind` picture or digit chooses from.
    """

    def __init__(
        self, config: NoiseConfig, strategy: Strategy, size: int, *, seed: int, pictures: np.ndarray | None
    ) -> None:
        if config.kind in (StartImage.picture, StartImage.digit) and pictures is None:
            raise ValueError(f"noise.kind={config.kind.value}: expected start_pictures; received None")
        self._config, self._size, self._seed, self._pictures = config, size, seed, pictures
        self._waves = config.waves()
        if strategy is Strategy.coarse_to_fine:
            self._waves, self._later = self._waves[:1], self._waves[1:]

    def images(self, identities: Sequence[Identity]) -> np.ndarray:
        """Return (identities, size, size, 1), standardized."""
        kind, seed = self._config.kind, self._seed
        if kind is StartImage.waves:
            return self._drawn(noise.multi_wavelength_noise, self._waves, identities)
        if kind is StartImage.fourier:
            return noise.fourier_noise(self._size, self._config.decay, identities, seed=seed)
        if kind is StartImage.pixels:
            return self._drawn(noise.multi_wavelength_noise, [(self._size, 1.0)], identities)
        assert self._pictures is not None
        pictures = noise.chosen_pictures(self._pictures, identities, seed=seed)
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
            (identities, size, size, 1).
        """
        return self._drawn(noise.waves, [self._later[stage - 1]], identities)

    def _drawn(
        self, draw: Callable[..., np.ndarray], waves: Sequence[tuple[int, float]], identities: Sequence[Identity]
    ) -> np.ndarray:
        wavelengths, amplitudes = zip(*waves, strict=True)
        return draw(self._size, wavelengths, amplitudes, identities, seed=self._seed)
