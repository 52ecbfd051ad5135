"""Which images of a batch an ascent still computes."""

import functools

import numpy as np
import tensorflow as tf

from pipeline.core.forward import FEWEST_IMAGES
from pipeline.core.matching import Match
from pipeline.core.objectives import Target


class Lanes:
    """The images that the program computes at present: those of `rows`, then repetitions that fill it up.

    XLA compiles a program for every size of the batch. It begins with a multiple of 4; with sizes of 2, 4, 8 and so on
    there are few further ones. An image that is finished leaves when half of the lanes would be free.

    Args:
        rows: (count,) int, which images of the batch are computed; the other arrays have `lanes` >= count entries.
        width: how many images in succession stay together.
        images: (lanes, height, width, channels) float32.
        weights: (lanes, ...) float32, see `Target`.
        offset: (lanes,) float32, see `Target`.
        transforms: (steps, lanes, 6) float32, see `jitter.warp`, or None.
        own: what `matching.Match` has of each image, by name -> (lanes, ...) float32.
        state: the last objective (lanes,) float32, the successive steps of small change (lanes,) int32, and the step of
            convergence or -1 (lanes,) int32; where a score has to be reached, see `program.compiled_segment`, then the
            weight (lanes,), the image that is kept (lanes, height, width, channels), its likeness and its score
            (lanes,).
    """

    def __init__(
        self,
        rows: np.ndarray,
        width: int,
        images: tf.Tensor,
        weights: tf.Tensor,
        offset: tf.Tensor,
        transforms: tf.Tensor | None,
        own: dict[str, tf.Tensor],
        state: list[tf.Tensor],
    ) -> None:
        self.rows, self.width, self.count = rows, width, len(rows)
        self.images, self.weights, self.offset, self.transforms = images, weights, offset, transforms
        self.own, self.state = own, state

    @classmethod
    def of(
        cls, target: Target, images: np.ndarray, transforms: tf.Tensor | None, width: int, match: Match | None = None
    ) -> "Lanes":
        """Return the lanes at the beginning of an ascent, with all images.

        Args:
            target: what grows, one objective for each image.
            images: (batch, height, width, channels).
            transforms: (steps, batch, 6) float32, or None.
            width: how many images in succession stay together.
            match: what the images are drawn to.
        Returns:
            Lanes for `batch` images, filled up.
        """
        rows = np.arange(len(images))
        count = (len(images),)
        state = [tf.zeros(count), tf.zeros(count, tf.int32), tf.fill(count, -1)]
        own = {} if match is None else {name: tf.constant(of, tf.float32) for name, of in match.tensors().items()}
        if match is not None and match.is_least:
            # nothing is kept yet: less than any correlation and any score
            nothing = tf.fill(count, tf.float32.min)
            state += [tf.fill(count, match.weight), tf.constant(images, tf.float32), nothing, nothing]
        all_lanes = cls(
            rows,
            width,
            tf.constant(images, tf.float32),
            tf.constant(target.weights, tf.float32),
            tf.constant(target.offset, tf.float32),
            transforms,
            own,
            state,
        )
        return all_lanes._only(rows, whole=True)

    def without(self, over: np.ndarray) -> "Lanes":
        """Return the lanes with fewer images, if it is worth the trouble.

        Args:
            over: (batch,) bool, which images of the whole batch are finished.
        Returns:
            Lanes without them, or the same lanes.
        """
        left = ~over[self.rows]
        if self.width > 1:
            left = np.repeat(left.reshape(-1, self.width).any(axis=1), self.width)
        staying = np.flatnonzero(left)
        return self._only(staying) if len(staying) <= len(self.weights) // 2 else self

    def _only(self, lanes: np.ndarray, *, whole: bool = False) -> "Lanes":
        """Return some of the lanes, filled up by repetitions.

        Args:
            lanes: (staying,) int, the numbers of the lanes that stay.
            whole: these are all images of the batch, whose size is rounded less coarsely.
        Returns:
            The new lanes; none for none.
        """
        groups = len(lanes) // self.width
        step = 4 if whole and groups > 4 else 1 << (groups - 1).bit_length() if groups else 1
        room = -(-groups // step) * step * self.width
        room = max(room, FEWEST_IMAGES) if room else 0
        filled = tf.constant(np.resize(lanes, room) if room else lanes, tf.int32)
        take = functools.partial(tf.gather, indices=filled)
        return Lanes(
            self.rows[lanes],
            self.width,
            take(self.images),
            take(self.weights),
            take(self.offset),
            None if self.transforms is None else take(self.transforms, axis=1),
            {name: take(values) for name, values in self.own.items()},
            [take(values) for values in self.state],
        )
