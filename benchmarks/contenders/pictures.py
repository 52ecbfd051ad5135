"""What makes pictures for `benchmarks.natural`: the engine by its settings, and real images, noise and the like."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.case import Case
from benchmarks.contenders import article
from benchmarks.task import Task
from pipeline import compose, sweep_oips
from pipeline.core.noise import standardized
from pipeline.core.priors import levels_of


@dataclass(frozen=True, kw_only=True)
class Painter:
    """Make a picture of every map, or of some.

    Attributes:
        name: for `--only`; title: for the table.
        run: a seed -> pictures (maps, size, size, 1), in any range of values.
        maps: which maps it makes.
        has_seeds: another seed is another start.
        is_timed: it is a way to make pictures, no control.
    """

    name: str
    title: str
    run: Callable[[int], np.ndarray]
    maps: list[int]
    has_seeds: bool = True
    is_timed: bool = True


# Without range=data steps are in standard deviations of a picture, as those of the default.
FREE = ("oip.faithful.step_size=1.2",)
ALONE = "part alone: "
# name -> title, settings
BY_SETTINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "default": ("this engine, `oip=default`", ()),
    "maco": ("`oip=maco`", ("oip=maco",)),
    "smooth": ("`oip=smooth`", ("oip=smooth",)),
    "article": ("`oip=article`", ("oip=article",)),
    "range": (f"{ALONE}`range=data`", ("oip.faithful.range=data",)),
    "covariance": (f"{ALONE}`covariance=0.5`", ("oip.faithful.covariance=0.5", *FREE)),
    "start": (f"{ALONE}`start=mean`", ("oip.faithful.start=mean", *FREE)),
    "distributions": (f"{ALONE}`match=distributions`", ("oip.faithful.match=distributions", *FREE)),
    "match": (f"{ALONE}`match=maps`, weight fixed", ("oip.faithful.match=maps", *FREE)),
    "faithful-distributions": ("`oip=faithful`, distributions", ("oip=faithful", "oip.faithful.match=distributions")),
    "faithful-fixed": ("`oip=faithful`, weight fixed", ("oip=faithful", "oip.faithful.least=null")),
    "faithful": ("`oip=faithful`", ("oip=faithful",)),
}
# Training images whose mean spectrum is that of `oip=maco`.
SPECTRUM_IMAGES = 1000
ARTICLE_MAPS = 8


def by_settings(case: Case) -> list[Painter]:
    """Return the engine with its settings; which images drive a map is known before."""

    def painter(name: str, title: str, words: tuple[str, ...]) -> Painter:
        config = compose(*case.words, *words)
        spectrum = case.dataset.train_images[:SPECTRUM_IMAGES] if name == "maco" else None

        def run(seed: int) -> np.ndarray:
            return sweep_oips(
                config.oip, config.noise, case.model, seed=seed,
                reference_images=spectrum, training_images=case.dataset.train_images, references=case.references,
            ).images  # fmt: skip

        return Painter(name=name, title=title, run=run, maps=list(range(case.maps)))

    return [painter(name, title, words) for name, (title, words) in BY_SETTINGS.items()]


def article_loop(case: Case) -> list[Painter]:
    """Return the article's loop for some of the maps that images drive, spread over the layer."""
    driven = np.flatnonzero(case.driven)
    some = driven[:: max(len(driven) // ARTICLE_MAPS, 1)][:ARTICLE_MAPS].tolist()

    def run(seed: int) -> np.ndarray:
        task = Task(case.model, case.layer, case.config, case.starts(seed), after=True)
        (contender,) = article.contenders(task, some)
        return contender.run()

    title = f"the article's loop, {len(some)} maps"
    return [Painter(name="article-loop", title=title, run=run, maps=some)]


def controls(case: Case) -> list[Painter]:
    """Return what is no way to make a picture of a map, but says what the figures mean."""
    data, chosen, weights = case.dataset, case.references.chosen, case.references.drives

    def mean_reference(seed: int) -> np.ndarray:
        levels = levels_of(data.train_images[chosen].reshape(-1, *data.train_images.shape[1:]))
        levels = levels.reshape(*chosen.shape, *levels.shape[1:])
        # of a map that nothing drives, the mean of what is there
        share = np.where(weights.any(axis=1, keepdims=True), weights, True)[..., None, None, None]
        return standardized(((levels * share).sum(axis=1) / share.sum(axis=1)).astype(np.float32))

    def random_image(seed: int) -> np.ndarray:
        return data.test_images[np.random.default_rng(seed).integers(len(data.test_images), size=case.maps)]

    def best(seed: int) -> np.ndarray:
        return data.test_images[case.real.chosen[:, 0]]

    def scrambled(seed: int) -> np.ndarray:
        """Return the best images with the phases of white noise."""
        white = np.random.default_rng(seed).standard_normal(best(seed).shape)
        phases = np.angle(np.fft.rfft2(white, axes=(1, 2)))
        spectrum = np.abs(np.fft.rfft2(best(seed), axes=(1, 2))) * np.exp(1j * phases)
        return standardized(np.fft.irfft2(spectrum, s=white.shape[1:3], axes=(1, 2)).astype(np.float32))

    def control(name: str, title: str, run: Callable[[int], np.ndarray], *, has_seeds: bool = False) -> Painter:
        maps = list(range(case.maps))
        return Painter(name=name, title=title, run=run, maps=maps, has_seeds=has_seeds, is_timed=False)

    return [
        control("best", "best real test image (one of those it is compared with)", best),
        control("best-training", "best real training image", lambda seed: data.train_images[chosen[:, 0]]),
        control("mean-reference", f"mean of the {chosen.shape[1]} references", mean_reference),
        control("random", "a random real image", random_image, has_seeds=True),
        control("scrambled", "best real test image, phases scrambled", scrambled, has_seeds=True),
        control("noise", "noise, what the engine begins with", case.starts, has_seeds=True),
    ]
