"""The pictures of README.md, docs/oip.md and docs/dream.md, from the training of a run with experiment=mnist.

python docs/figures.py outputs/runs/DATE/TIME/train data=mnist data.path=mnist.npz
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from pipeline import compose, dream, dream_sheet, load_dataset, load_photo, sweep_oips
from pipeline.core.colour import dreamt_colours
from pipeline.core.objectives import Target, after_activation, directions, weights_of
from pipeline.core.references import references_of
from pipeline.drawing.levels import stretched
from pipeline.drawing.pictures import Animation
from pipeline.drawing.sheets import Caption, captioned_grid, draw_text, enlarge, with_heading
from pipeline.engine.storage import load_model
from pipeline.stages.dream.pictures import render_dream
from pipeline.stages.dream_sheet.pictures import render_dream_sheet
from pipeline.stages.oip.classes import images_of_class
from pipeline.stages.oip.pictures import render_oips
from pipeline.stages.oip.result import OipSweepResult

IMAGES = Path(__file__).parent / "images"
MAPS = [5, 20, 33, 56, 57, 77, 100, 120]

PARTS = ["oip.faithful.range=data", "oip.faithful.covariance=0.5"]
FIGURES: dict[str, tuple[str, dict[str, list[str]]]] = {
    "quality": (
        "What the quality options do",
        {
            "default": [],
            "total_variation=0.1": ["oip.quality.total_variation=0.1"],
            "total_variation=0.3": ["oip.quality.total_variation=0.3"],
            "l2=0.1": ["oip.quality.l2=0.1"],
            "frequency_decay=0.5": ["oip.quality.frequency_decay=0.5"],
            "frequency_decay=1": ["oip.quality.frequency_decay=1"],
            "frequency_decay=2": ["oip.quality.frequency_decay=2"],
            "jitter at its limits": ["oip.quality.jitter={shift:2,rotation:5,scale:0.05}"],
            "oip=smooth": ["oip=smooth"],
            "oip=maco": ["oip=maco"],
        },
    ),
    "starts": (
        "Start images and strategies",
        {
            "noise=mixed": [],
            "noise=long": ["noise=long"],
            "noise=short": ["noise=short"],
            "noise=fourier": ["noise=fourier"],
            "noise=fourier, decay=2": ["noise=fourier", "noise.decay=2"],
            "noise=pixels": ["noise=pixels"],
            "noise=digit, label=9": ["noise=digit", "noise.label=9"],
            "oip=coarse_to_fine": ["oip=coarse_to_fine"],
            "oip=precursor": ["oip=precursor"],
        },
    ),
    "faithful": (
        "In the language of the data, part by part",
        {
            "oip=default": [],
            "range=data": ["oip.faithful.range=data"],
            "covariance=0.5": ["oip.faithful.range=data", "oip.faithful.covariance=0.5"],
            "start=mean": [*PARTS, "oip.faithful.start=mean"],
            "distributions": [*PARTS, "oip.faithful.start=mean", "oip.faithful.match=distributions"],
            "maps, weight 0.05": [*PARTS, "oip.faithful.start=mean", "oip.faithful.match=maps"],
            "oip=faithful": ["oip=faithful"],
        },
    ),
}


def main(folder: str, *data: str) -> None:
    """Draw all of them into docs/images."""
    model = load_model(Path(folder))
    config = compose(*data)
    dataset = load_dataset(config.data, size=model.inputs[0].shape[1])

    def sweep(overrides: list[str], maps: list[int]) -> OipSweepResult:
        config = compose(f"oip.map_indices={maps}", *overrides)
        return sweep_oips(
            config.oip,
            config.noise,
            model,
            seed=0,
            reference_images=dataset.test_images,
            training_images=dataset.train_images,
            start_pictures=images_of_class(dataset, config.noise.label),
        )

    for name, (title, rows) in FIGURES.items():
        tiles, captions = [], []
        for label, overrides in rows.items():
            result = sweep(overrides, MAPS)
            tiles += [_words(label, result), *_tiles(result.images)]
            captions += [[], *([Caption(f"{score:.2f}")] for score in result.activation)]
        sheet = captioned_grid(np.stack(tiles), captions, len(MAPS) + 1)
        if name == "faithful":
            best = references_of(_scored(model, config.oip.layer, MAPS), dataset.train_images, 1)
            tiles += [_label(["best real image"]), *_tiles(dataset.train_images[best.chosen[:, 0]])]
            captions += [[], *([Caption(f"{score:.2f}")] for score in best.largest)]
            sheet = captioned_grid(np.stack(tiles), captions, len(MAPS) + 1)
        _save(name, with_heading(sheet, f"{title}: maps {', '.join(map(str, MAPS))}"))
    _diversity(sweep)
    result = sweep(["oip=faithful"], list(range(model.get_layer(config.oip.layer).output.shape[-1])))
    _save("contact_sheet", render_oips(config.oip, result)["contact_sheet.png"])
    _dreams(model)
    _faithful_dreams(model, dataset.train_images)


def _dreams(model) -> None:  # type: ignore[no-untyped-def]
    """Dreams are photos: JPEG, of which a README can carry several."""
    rows = []
    for photo in ("flower", "china"):
        for method in ("default", "octaves"):
            config = compose(f"dream={method}", f"dream.photo={photo}").dream
            pixels = load_photo(photo, size=config.size, fit=config.fit)
            result = dream(config, model, pixels, seed=0)
            rows.append(dreamt_colours(pixels, result.picture))
            if (photo, method) == ("flower", "default"):
                _save_photo("before_after", render_dream(config, result)["before_after.png"])
    captions = [[Caption("carving: dream=default")], [Caption("octaves: dream=octaves")]] * 2
    height, width = rows[0].shape[:2]
    same = [np.asarray(Image.fromarray(picture).resize((width, height))) for picture in rows]
    _save_photo("dreams", captioned_grid(np.stack(same), captions, 2))
    atlas = compose("experiment=dream_atlas", "dream.photo=china").dream
    photo = load_photo("china", size=atlas.size, fit=atlas.fit)
    sheet = dream_sheet(atlas, model, photo, seed=0)
    _save_photo("dream_atlas", render_dream_sheet(atlas, sheet)["contact_sheet.png"])


def _faithful_dreams(model, images: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    """Three dreams drawn to training images, behind one as the gradient alone makes it."""
    pictures, captions = [], []
    for photo, overrides in (
        ("flower", ["dream=default"]),
        ("flower", ["dream=faithful", "dream.levels=[8]"]),
        ("china", ["dream=faithful"]),
        ("china", ["dream=faithful", "dream.auto_maps=null", "dream.map_indices=[34]"]),
    ):
        config = compose(*overrides, f"dream.photo={photo}").dream
        pixels = load_photo(photo, size=config.size, fit=config.fit)
        result = dream(config, model, pixels, seed=0, reference_images=images)
        pictures.append(dreamt_colours(pixels, result.picture))
        captions.append([Caption(" ".join(overrides))])
    height, width = pictures[0].shape[:2]
    same = [np.asarray(Image.fromarray(picture).resize((width, height))) for picture in pictures]
    _save_photo("dreams_faithful", captioned_grid(np.stack(same), captions, 2))


def _diversity(sweep) -> None:  # type: ignore[no-untyped-def]
    tiles, captions = [], []
    for weight in (0, 1, 2):
        overrides = ["oip=diverse", f"oip.quality.diversity={weight}"]
        result = sweep(overrides, MAPS[:2])
        tiles.append(_words(f"diversity={weight}", result))
        captions.append([])
        for images, scores in zip(result.all_images, result.all_activation, strict=True):
            tiles += _tiles(images)
            captions += [[Caption(f"{score:.2f}")] for score in scores]
    sheet = captioned_grid(np.stack(tiles), captions, 9)
    title = f"Four pictures of map {MAPS[0]} and of map {MAPS[1]}"
    _save("diversity", with_heading(sheet, title))


def _save_photo(name: str, picture: np.ndarray | Animation) -> None:
    assert isinstance(picture, np.ndarray)
    image = Image.fromarray(picture)
    image.thumbnail((1400, 1400))
    image.save(IMAGES / f"{name}.jpg", quality=82, optimize=True)
    print(IMAGES / f"{name}.jpg")


def _save(name: str, picture: np.ndarray) -> None:
    Image.fromarray(picture).save(IMAGES / f"{name}.png", optimize=True)
    print(IMAGES / f"{name}.png")


def _tiles(images: np.ndarray) -> list[np.ndarray]:
    return list(np.repeat(enlarge(stretched(images[..., 0]), 4)[..., None], 3, axis=-1))


def _scored(model, layer: str, maps: list[int]) -> Target:  # type: ignore[no-untyped-def]
    shape = model.get_layer(layer).output.shape[1:]
    return after_activation(model, layer, weights_of(directions(maps, shape[-1]), shape))


def _words(label: str, result: OipSweepResult) -> np.ndarray:
    """A tile with the row's name and the mean over its maps of the activation."""
    name, _, value = label.partition("=")
    lines = [name, f"= {value}"] if len(label) > 16 and value else [label]
    return _label([*lines, f"mean {result.activation.mean():.2f}"])


def _label(lines: list[str]) -> np.ndarray:
    tile = Image.new("RGB", (112, 112), (255, 255, 255))
    for number, line in enumerate(lines):
        draw_text(tile, line, 0, 40 + 18 * number)
    return np.asarray(tile)


if __name__ == "__main__":
    main(*sys.argv[1:])
