"""Draw a small data set of colour pictures, and train CNNs of four convolutions on it: for `benchmarks.natural`.

    python -m benchmarks.colour FOLDER

writes FOLDER/pictures, a folder by class in train and test, and FOLDER/first.keras and FOLDER/second.keras, which are
trained from two seeds. Five shapes, each of its own hue, of any place and size, on a ground of any dark colour, with
noise.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from pipeline import compose, load_dataset

SIDE, EACH = 32, {"train": 300, "test": 60}
COLOURS = {"disc": (255, 51, 51), "square": (51, 255, 51), "cross": (51, 76, 255), "triangle": (255, 255, 51),
           "ring": (255, 102, 255)}  # fmt: skip
NOISE = 12.0
EPOCHS, BATCH = 8, 64


def main() -> None:
    """Draw the pictures, and train the CNNs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    draw(folder / "pictures", seed=0)
    config = compose("data=folder", f"data.path='{folder / 'pictures'}'", "data.preprocessing=standardize")
    dataset = load_dataset(config.data, size=SIDE, channels=3)
    for seed, name in enumerate(("first", "second")):
        model = trained(dataset.train_images, dataset.train_labels, seed=seed)
        right = model.predict(dataset.test_images, verbose=0).argmax(axis=1) == dataset.test_labels
        model.save(folder / f"{name}.keras")
        print(f"{name}.keras: {right.mean():.1%} of {len(right)} test images")


def draw(folder: Path, *, seed: int) -> None:
    """Write the pictures of all classes, the same for the same seed."""
    random = np.random.default_rng(seed)
    for part, count in EACH.items():
        for name in COLOURS:
            place = folder / part / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                Image.fromarray(picture(name, random)).save(place / f"{number:03d}.png")


def picture(name: str, random: np.random.Generator) -> np.ndarray:
    """Return one picture of a class: (side, side, 3) uint8."""
    y, x = np.indices((SIDE, SIDE)) - random.uniform(11, 21, 2)[:, None, None]
    size = random.uniform(6, 10)
    shapes = {
        "disc": np.hypot(x, y) < size,
        "square": np.maximum(abs(x), abs(y)) < 0.8 * size,
        "cross": (np.minimum(abs(x), abs(y)) < 0.35 * size) & (np.maximum(abs(x), abs(y)) < size),
        "triangle": (y < 0.7 * size) & (y > 1.6 * abs(x) - size),
        "ring": (np.hypot(x, y) < size) & (np.hypot(x, y) > 0.6 * size),
    }
    ground, colour = random.uniform(0, 128, 3), random.uniform(0.7, 1.0) * np.array(COLOURS[name])
    levels = np.where(shapes[name][..., None], colour, ground) + random.normal(0, NOISE, (SIDE, SIDE, 3))
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)


def trained(images: np.ndarray, labels: np.ndarray, *, seed: int) -> keras.Model:
    """Train a CNN of four padded convolutions, of 32 to 64 maps.

    Args:
        images: (count, side, side, 3) float32, standardized; labels: (count,).
        seed: of the first weights and the order of the images.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(32, 3, padding="same", use_bias=False, name="block_1_conv"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(48, 3, padding="same", activation="relu", name="block_2_conv"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="block_3_conv"),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="block_4_conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(len(COLOURS), activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, labels, epochs=EPOCHS, batch_size=BATCH, verbose=0)
    return model


if __name__ == "__main__":
    main()
