"""How far numbers may differ that are computed in another batch: what docs/oip.md promises of this machine."""

import os
import platform

import numpy as np


def same_bits() -> bool:
    """Say whether what becomes of an image has the same bits in every batch: on x86-64 CPUs, with oneDNN."""
    import tensorflow as tf

    cpu = platform.machine() in ("x86_64", "AMD64") and not tf.config.list_logical_devices("GPU")
    return cpu and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0"


def steps(wanted: int) -> int:
    """Return so many steps, or so few that rounding cannot have grown in them, if it is not the same."""
    return wanted if same_bits() else min(wanted, 3)


def assert_same_in_every_batch(found: np.ndarray, expected: np.ndarray) -> None:
    """Compare bits, or where they are not promised, after a few `steps`, all but the rounding."""
    if same_bits():
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
