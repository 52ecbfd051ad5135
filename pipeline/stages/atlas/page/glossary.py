"""The meaning of the numbers of an atlas: key -> (term, explanation)."""

from pipeline.stages.oip.pictures.words import Words

OF_CLASSES = {
    "selectivity", "preferred", "ablation", "prediction", "deviation", "effect", "pattern", "accuracy", "images",
    "preferring",
}  # fmt: skip


# long: a list of words
def glossary(words: Words, *, labelled: bool, logits: bool) -> dict[str, tuple[str, str]]:
    """Return the explanations, in the words of the layer.

    Args:
        labelled: it is known what the images show; else nothing is said of classes.
        logits: the CNN's outputs are no probabilities by themselves.
    """
    part = words.part
    how = " Its outputs are no probabilities: this is their softmax." if logits else ""
    right = "; the share of the real images that the CNN gets right" if labelled else ""
    explained = {
        "oip": (
            "OIP",
            f"Original input pattern: the picture that drives a {part} to a high activation, made by gradient ascent "
            "out of noise (activation maximization). A faithful one is, of the pictures that drive it at least as much "
            "as every real image does, the one whose activations on the way are most like theirs.",
        ),
        "activation": (
            "activation",
            f"What the {part} gives out: here {words.measured}. It has no unit; only activations of the same "
            f"{part} can be compared.",
        ),
        "score": ("score", f"The {words.score} that the finished OIP causes in its {part}. It has no unit."),
        "relative": (
            "× data",
            f"The OIP's score, divided by the largest that a real image of the data causes in the same {part}. Above "
            "1 × the OIP drives it more than any real image, below 1 × less. It has no unit.",
        ),
        "verdict": (
            "verdict",
            "How the ascent ended. Converged: twice the steps would gain at most 5 % of what the objective gained, as "
            "far as its course tells. Still rising: they would gain more. Not converged (unsteady): it was higher "
            "before. As much as data, less than data: whether a faithful picture drives it as much as every real image "
            f"does. Never triggered: the picture leaves the {part} at 0.",
        ),
        "selectivity": (
            "selectivity",
            "The largest mean of a class against the mean of all others: (largest − others) / (largest + others). "
            "0: all classes activate it alike; 1: one class only. It has no unit.",
        ),
        "preferred": ("preferred class", f"The class whose images activate the {part} most, on average."),
        "agreement": (
            "agreement",
            "How alike the pictures are that grew out of different noise: the correlation of every two of them, moved "
            "by up to two pixels so that they fit best, on average. 1: always the same picture; 0: nothing in common; "
            "pictures of different maps reach 0.1. It has no unit.",
        ),
        "objective": (
            "objective",
            "What gradient ascent increases, step by step: the settings say which. By default the mean before the "
            "activation function, which can be below 0. It has no unit.",
        ),
        "crop": (
            "what the strongest position sees",
            f"The pixels that the strongest node of the {part} depends on, its receptive field: all others can change "
            "without any effect on this node.",
        ),
        "ablation": (
            f"{part} switched off",
            f"The accuracy on a class when the output of this {part} is set to 0, minus the accuracy of the whole CNN, "
            "in percentage points (pp) of the images of that class.",
        ),
        "prediction": (
            "OIP taken for",
            f"The CNN's probability for each class when it is shown the OIP, in percent.{how}",
        ),
        "deviation": ("±", "The standard deviation over the images of the class."),
        "positions": (
            "position preference",
            f"The mean activation of each node of the {part}, over all images: where in the picture it reacts.",
        ),
        "path": (
            "path",
            "How alike the patterns are that two pictures cause in all maps of a convolution: their correlation, 1 for "
            "the same pattern, 0 for nothing in common. It has no unit.",
        ),
        "correlation": (
            "correlation",
            "Pearson's correlation of the activations over all images: 1 they rise and fall together, 0 nothing in "
            "common, −1 one rises when the other falls. It has no unit.",
        ),
        "effect": (
            "Cohen's d",
            "The difference of two means in pooled standard deviations. 0.2 is small, 0.8 is large, above 2 the two "
            "groups hardly overlap. It has no unit.",
        ),
        "pattern": (
            "activation pattern",
            f"The mean of every node of a {part} over the images of a class (FCP). Colours go from 0, or the smallest "
            "value if that is below 0, to the largest "
            f"that any class has in this {part}; two {words.parts} cannot be compared by colour.",
        ),
        "accuracy": ("accuracy", "The share of the images of a class that the CNN gets right, in percent."),
        "images": ("images", "How many real images of this class were looked at."),
        "preferring": (
            f"{words.parts} that prefer it",
            f"How many {words.parts} are activated by the images of this class more than by those of any other, on "
            "average.",
        ),
        "output": ("output", f"The shape of what the layer gives out for a picture: rows × columns × {words.parts}."),
        "weights": ("weights", "How many numbers of the layer were learnt: kernels and biases."),
        "figures": (
            "in a few figures",
            f"How many {words.parts} this run made an OIP of; how many of these OIPs have a score of 1 × data or more, "
            "of those whose largest on the data is known; how many are warned of for a reason that most others do not "
            f"share{right}.",
        ),
        "receptive": ("receptive field", "How many pixels of the picture a node of the layer depends on."),
        "warning": ("warning", "The evidence and the picture disagree: the page of the map says how."),
    }
    return {key: word for key, word in explained.items() if labelled or key not in OF_CLASSES}
