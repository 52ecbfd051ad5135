"""What a CNN gives out, as probabilities."""

import numpy as np

# That a sum of probabilities may be off.
ROUNDING = 1e-6


def probabilities(outputs: np.ndarray) -> np.ndarray:
    """Return the probability of each class, of outputs that may be probabilities or logits.

    Rows that are not negative and sum to 1 are taken as they are. So is what is between 0 and 1 everywhere: there each
    class is judged by itself. A single column p of that range is that of the second of two classes, 1 - p and p; any
    other single column is its logit, p = 1 / (1 + exp(-x)). Of the rest
        softmax:  exp(x_c) / sum_k exp(x_k)
    Rows with what is not a number have no say in what the others are.

    Args:
        outputs: (pictures, outputs).
    Returns:
        (pictures, classes): of a single column two, else as many as outputs; the same array where nothing is changed.
    """
    given = are_probabilities(outputs)
    if outputs.shape[1] == 1:
        second = outputs if given else _softmax(np.concatenate([np.zeros_like(outputs), outputs], axis=1))[:, 1:]
        return np.concatenate([1 - second, second], axis=1)
    return outputs if given else _softmax(outputs)


def are_probabilities(outputs: np.ndarray) -> bool:
    """Tell whether outputs (pictures, outputs) lie between 0 and 1, but for rows with what is not a number."""
    known = outputs[np.isfinite(outputs).all(axis=1)]
    # a share of rounding below 0 or above 1 is none
    return bool(((known >= -ROUNDING) & (known <= 1 + ROUNDING)).all())


def _softmax(logits: np.ndarray) -> np.ndarray:
    # of an infinite logit nothing is known
    logits = np.where(np.isfinite(logits).all(axis=1, keepdims=True), logits.astype(np.float64), np.nan)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return powers / powers.sum(axis=1, keepdims=True)
