"""Settings of the start images."""

from dataclasses import dataclass, field

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import StartImage
from pipeline.settings.ranges import LARGEST_SEED, LARGEST_STEP, Entries, FilePath, Number, check_fields, rule


@dataclass(kw_only=True)
class NoiseConfig:
    seed: int = field(metadata=rule(Number(least=0, most=LARGEST_SEED, follows="seed")))
    kind: StartImage
    wavelengths: list[int] = field(
        metadata=rule(Entries(Number(least=2), filled="number of cells per side", once=True))
    )
    amplitudes: list[float] = field(
        metadata=rule(
            Entries(
                Number(least=-LARGEST_STEP, most=LARGEST_STEP),
                filled="number",
                one_or_each="wavelengths",
                nonzero="that is not 0",
            )
        )
    )
    decay: float = field(metadata=rule(Number(least=0, most=10)))
    picture: str | None = field(metadata=rule(FilePath()))
    label: int | None = field(metadata=rule(Number(least=0)))
    blend: float = field(metadata=rule(Number(least=0, most=1)))

    def __post_init__(self) -> None:
        check_fields("noise", self, "wavelengths", "amplitudes", "decay", "picture")
        if self.kind is StartImage.picture and self.picture is None:
            raise InputError.at("noise.picture", takes="the path of a picture with noise.kind=picture", got="null")
        check_fields("noise", self)
        self._check_kind()

    def _check_kind(self) -> None:
        """Refuse a setting that the kind of start image does not read: it was meant for another kind."""
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
        """Return what start images are made of, in words: the wavelengths, or the kind of another start."""
        if self.kind is StartImage.waves:
            return f"wavelengths {', '.join(map(str, self.wavelengths))}"
        return self.kind.value

    def waves(self) -> list[tuple[int, float]]:
        """Return (cells per side, amplitude), the longest waves first."""
        amplitudes = self.amplitudes * (len(self.wavelengths) if len(self.amplitudes) == 1 else 1)
        return sorted(zip(self.wavelengths, amplitudes, strict=True))

    def is_random(self) -> bool:
        """Tell whether another start of the same map is another image."""
        return self.blend > 0 or self.kind is not StartImage.picture
