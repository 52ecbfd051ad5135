"""What the pictures of `benchmarks.natural` are made of, and how each of them is judged."""

from typing import NamedTuple

import keras
import numpy as np

from pipeline.core.evidence import agreement
from pipeline.core.graph import graph_of
from pipeline.core.noise import multi_wavelength_noise
from pipeline.core.objectives import Target, after_activation, directions, part_up_to, weights_of
from pipeline.core.references import References, references_of
from pipeline.core.score import as_saved, scores
from pipeline.data.dataset import Dataset
from pipeline.settings.config import Config
from pipeline.stages.oip.evidence import EVIDENCE_IMAGES, Evidence, evidence_of

# A picture that is as strong as a real image up to this part is as strong: saving one changes the last digits.
NOTHING = 1e-4


class Case(NamedTuple):
    """Hold one CNN, one layer and real images.

    Attributes:
        model: the CNN whose maps the pictures are of; second: another one, that no picture is made for.
        layer: the name of the layer, in both.
        config, words: the engine's default settings for these data, and the words that they were composed of.
        dataset: references are of its training half, evidence of its test half.
        scored: the score of every map, the mean of its activation.
        references: the training images that drive each map most, and the largest score by any image
            of both halves.
        real: the test images that drive each map most.
    """

    model: keras.Model
    second: keras.Model
    layer: str
    config: Config
    words: list[str]
    dataset: Dataset
    scored: Target
    references: References
    real: References

    @property
    def maps(self) -> int:
        """Return how many maps the layer has."""
        return len(self.real.largest)

    @property
    def driven(self) -> np.ndarray:
        """Return which maps (maps,) bool images of both halves drive."""
        return self.real.drives[:, 0] & self.references.drives[:, 0]

    def starts(self, seed: int) -> np.ndarray:
        """Return the start images of the engine for all maps (maps, size, size, 1), standardized."""
        noise = self.config.noise
        amplitudes = noise.amplitudes * (len(noise.wavelengths) if len(noise.amplitudes) == 1 else 1)
        identities = [(index, 0) for index in range(self.maps)]
        height, width, channels = graph_of(self.model).input_shape
        return multi_wavelength_noise((height, width, channels), noise.wavelengths, amplitudes, identities, seed=seed)


class Figures(NamedTuple):
    """Hold what a row of the table says, medians and shares over the maps that images of both halves drive.

    Attributes:
        maps: how many they are.
        score: median of score / largest score by a real image; as_much: share with at least 1.
        path: the median path index in each of the convolutions up to the layer; nearer: share of maps whose picture is
            nearer to the images that drive them than strangers are, in all convolutions before the layer.
        same_class: share of maps whose picture has the class of most of these images.
        second_path, second_class: the same by the second CNN, in the convolutions before the layer.
        agreement: median correlation of the pictures from two seeds; not a number where there is one only.
    """

    maps: int
    score: float
    as_much: float
    path: list[float]
    nearer: float
    same_class: float
    second_path: list[float]
    second_class: float
    agreement: float


def case_of(model: keras.Model, second: keras.Model, config: Config, words: list[str], dataset: Dataset) -> Case:
    """Find the images that drive the maps of `oip.layer` most."""
    layer = config.oip.layer
    shape = part_up_to(model, layer).output_shape
    scored = after_activation(model, layer, weights_of(directions(range(shape[-1]), shape[-1]), shape))
    real = references_of(scored, dataset.test_images, EVIDENCE_IMAGES)
    references = references_of(scored, dataset.train_images, config.oip.faithful.images)
    both = references._replace(largest=np.fmax(references.largest, real.largest))
    return Case(model, second, layer, config, words, dataset, scored, both, real)


def judged(case: Case, pictures: np.ndarray, maps: list[int], again: np.ndarray | None = None) -> Figures:
    """Judge the pictures of some maps, as they are saved, by the engine's own evidence.

    Args:
        pictures: (maps, size, size, 1), in any range of values.
        maps: which maps they are of.
        again: the pictures from another seed.
    """
    # strangers are the images of all maps: the other rows are filled, and not looked at
    every = case.starts(0)
    every[maps] = pictures
    images, labels = case.dataset.test_images, case.dataset.test_labels
    own, other = (
        evidence_of(cnn, case.layer, every, np.arange(case.maps), case.real, images, labels)
        for cnn in (case.model, case.second)
    )
    asked = np.zeros(case.maps, bool)
    asked[maps] = True
    asked &= case.driven
    relative = scores(case.scored, as_saved(every))[asked] / case.references.largest[asked]
    before = own.path_layers != case.layer
    near = (own.path_similarity > own.path_others)[before].all(axis=0)
    alike = np.full(1, np.nan)
    if again is not None:
        of_both = np.stack([as_saved(np.asarray(some, np.float32)).mean(axis=-1) for some in (pictures, again)])
        alike = agreement(of_both, shift=0)[asked[maps]]
    return Figures(
        maps=int(asked.sum()),
        score=float(np.median(relative)),
        as_much=float(np.mean(relative >= 1 - NOTHING)),
        path=_path_index(own, asked).tolist(),
        nearer=float(np.mean(near[asked])),
        same_class=float(np.mean((own.taken_for == own.top_class)[asked])),
        second_path=_path_index(other, asked)[before].tolist(),
        second_class=float(np.mean((other.taken_for == other.top_class)[asked])),
        agreement=float(np.nanmedian(alike)) if np.isfinite(alike).any() else float("nan"),
    )


def _path_index(evidence: Evidence, asked: np.ndarray) -> np.ndarray:
    """Compute the median over the maps of (similarity - others) / (same - others), of each convolution."""
    span = evidence.path_same - evidence.path_others
    index = (evidence.path_similarity - evidence.path_others) / np.where(span > 0, span, np.nan)
    return np.asarray(np.nanmedian(index[:, asked], axis=1))
