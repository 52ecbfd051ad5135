"""Settings of the start images."""

from dataclasses import dataclass

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import StartImage
from pipeline.settings.ranges import LARGEST_STEP, no_repeats, not_blank, not_empty, number, one_or_each


@dataclass(kw_only=True)
class NoiseConfig:
    seed: int
    kind: StartImage
    wavelengths: list[int]
    amplitudes: list[float]
    decay: float
    picture: str | None
    label: int | None
    blend: float

    def __post_init__(self) -> None:
        not_empty("noise.wavelengths", self.wavelengths, "number of cells per side")
        no_repeats("noise.wavelengths", self.wavelengths)
        for cells in self.wavelengths:
            number("noise.wavelengths", cells, least=2)
        not_empty("noise.amplitudes", self.amplitudes, "number")
        one_or_each("noise.amplitudes", self.amplitudes, self.wavelengths, "noise.wavelengths")
        for amplitude in self.amplitudes:
            number("noise.amplitudes", amplitude, least=-LARGEST_STEP, most=LARGEST_STEP)
        if not any(self.amplitudes):
            raise InputError.at("noise.amplitudes", takes="at least one that is not 0", got=self.amplitudes)
        number("noise.decay", self.decay, least=0, most=10)
        not_blank("noise.picture", self.picture)
        if self.kind is StartImage.picture and self.picture is None:
            raise InputError.at("noise.picture", takes="the path of a picture with noise.kind=picture", got="null")
        if self.label is not None:
            number("noise.label", self.label, least=0)
        number("noise.blend", self.blend, least=0, most=1)
        self._check_kind()

    def _check_kind(self) -> None:
        """A setting that the kind of start image does not read was meant for another kind."""
        if self.picture is not None and self.kind is not StartImage.picture:
            takes = f"null with noise.kind={self.kind.value} (noise=picture starts from a picture)"
            raise InputError.at("noise.picture", takes=takes, got=self.picture)
        if self.label is not None and self.kind is not StartImage.digit:
            takes = f"null with noise.kind={self.kind.value} (noise=digit starts from real images)"
            raise InputError.at("noise.label", takes=takes, got=self.label)
        if self.blend > 0 and self.kind not in (StartImage.picture, StartImage.digit):
            takes = f"0 with noise.kind={self.kind.value} (waves are laid over a picture or digit)"
            raise InputError.at("noise.blend", takes=takes, got=self.blend)

    @property
    def described(self) -> str:
        """What start images are made of, in words: the wavelengths, or the kind of another start."""
        if self.kind is StartImage.waves:
            return f"wavelengths {', '.join(map(str, self.wavelengths))}"
        return self.kind.value

    def waves(self) -> list[tuple[int, float]]:
        """(cells per side, amplitude), the longest waves first."""
        amplitudes = self.amplitudes * (len(self.wavelengths) if len(self.amplitudes) == 1 else 1)
        return sorted(zip(self.wavelengths, amplitudes, strict=True))

    def is_random(self) -> bool:
        """Whether another start of the same map is another image."""
        return self.blend > 0 or self.kind is not StartImage.picture
