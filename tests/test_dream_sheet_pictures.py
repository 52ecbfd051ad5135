"""What a sheet of dreams shows."""

from dataclasses import replace

import numpy as np
import pytest
from dream_examples import chroma, dreamt, find, octaves_config, photo_of, shrunk, still
from dream_settings import DREAM

from pipeline.core.colour import dreamt_grey_levels, luma
from pipeline.drawing.sheets import Caption, Note, captioned_grid, text_width, with_heading
from pipeline.settings.choices import Compare
from pipeline.stages.dream.pictures import (
    render_dream,
    thumbnail,
)
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.dream_sheet.pictures import render_dream_sheet
from pipeline.stages.dream_sheet.result import DreamSheetResult


def sheet_of(
    photo: np.ndarray, dreams: int, *, names: list[str] | None = None, objective: np.ndarray | None = None
) -> DreamSheetResult:
    rng = np.random.default_rng(2)
    # darker from one to the next, none alike
    low = np.linspace(60, 180, dreams).astype(int)[::-1, None, None]
    return DreamSheetResult(
        photo=photo,
        names=np.array([f"map {k}" for k in range(dreams)] if names is None else names),
        steps=np.arange(dreams),
        pictures=(low + rng.integers(0, 16, (dreams, *photo.shape[:2]))).astype(np.uint8),
        begun=np.zeros(dreams, np.float32),
        objective=np.linspace(0.5, 9, dreams, dtype=np.float32) if objective is None else objective,
    )


@pytest.mark.parametrize("color", [True, False])
def test_every_dream_of_a_sheet_stands_by_itself_in_the_colours_of_the_photo(color: bool) -> None:
    photo = photo_of(21, 34, color=color, low=120, high=150)
    result = sheet_of(photo, 3, names=["map 7", "layer", "map 12"])
    result = replace(result, steps=np.array([7, -1, 12]))
    pictures = render_dream_sheet(DREAM, result)
    assert list(pictures) == [
        *["photo.png", "contact_sheet.png"],
        *["dreams/map_007.png", "dreams/layer.png", "dreams/map_012.png"],
    ]
    assert np.array_equal(still(pictures["photo.png"]), photo)
    for name, grey in zip(result.files, result.pictures, strict=True):
        picture = still(pictures[name])
        np.testing.assert_allclose(luma(picture), grey, atol=0.51)
        if color:
            assert np.array_equal(chroma(picture), chroma(photo))


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize(
    ("shape", "dreams"),
    [
        *[((24, 40), dreams) for dreams in (1, 2, 13, 128)],
        *[(shape, dreams) for shape in ((21, 420), (420, 21)) for dreams in (1, 13, 40)],
    ],
)
def test_the_photo_is_first_on_the_sheet_then_the_dreams_in_their_order(
    shape: tuple[int, int], dreams: int, color: bool
) -> None:
    result = sheet_of(photo_of(*shape, color=color), dreams)
    pictures = render_dream_sheet(DREAM, result)
    sheet = still(pictures["contact_sheet.png"])
    whole = [still(pictures[name]) for name in ("photo.png", *result.files)]
    for longest in (320, 240, 160):
        width, height = thumbnail(shape, longest)
        if find(sheet, shrunk(whole[0], height, width)):
            break
    places = [find(sheet, shrunk(picture, height, width)) for picture in whole]
    assert all(len(found) == 1 for found in places)
    order = [found[0] for found in places]
    assert order == sorted(order), "row by row"
    assert order[0][1] == 8
    assert sheet.shape[1] < 2100
    for top, left in order:
        caption = sheet[top + height : top + height + 20, left : left + 30]
        assert caption.min() < 100, "every picture has a caption"


def below(captions: list[Caption], width: int, *, lines: int = 1) -> np.ndarray:
    """The pixels of a caption as they should stand below a picture of this width."""
    captions = captions + [Caption()] * (lines - len(captions))
    return captioned_grid(np.zeros((1, 1, width), np.uint8), [captions], 1)[8 + 1 : -8, 8:-8]


def captions_of(config: DreamConfig, result: DreamSheetResult) -> np.ndarray:
    return still(render_dream_sheet(config, result)["contact_sheet.png"])


def test_the_caption_of_a_dream_is_its_name_and_the_objective_at_the_end() -> None:
    photo = np.full((60, 150, 3), 128, np.uint8)
    result = sheet_of(photo, 2, objective=np.array([5.449, 0.0032], np.float32))
    result = replace(result, pictures=np.full((2, 60, 150), 128, np.uint8))
    sheet = captions_of(DREAM, result)
    for k, (name, end) in enumerate([("photo", ""), ("map 0", "5.45"), ("map 1", "0.0032")]):
        expected = below([Caption(name, end)], 150)
        left = 8 + 158 * k
        assert np.array_equal(sheet[-8 - 20 : -8, left : left + 150], expected)


def test_a_name_that_does_not_fit_has_its_objective_below_it() -> None:
    photo = np.full((60, 40), 128, np.uint8)
    names = ["level 1", "levels 1, 2, 4, 8, 16"]
    result = sheet_of(photo, 2, names=names, objective=np.array([5.449, 12345.0], np.float32))
    sheet = captions_of(replace(DREAM, compare=replace(DREAM.compare, by=Compare.levels)), result)
    width = text_width(names[1])
    for k, texts in enumerate([["photo"], [names[0], "5.45"], [names[1], "12345"]]):
        left = 8 + (width + 8) * k
        expected = below([Caption(text) for text in texts], width, lines=2)
        assert np.array_equal(sheet[-8 - 37 : -8, left : left + width], expected)


@pytest.mark.parametrize(
    ("by", "title"),
    [
        (Compare.maps, "The same photo, by map"),
        (Compare.levels, "The same photo, by level"),
        (Compare.strengths, "The same photo, by strength"),
    ],
)
def test_the_title_says_what_differs(by: Compare, title: str) -> None:
    result = sheet_of(photo_of(60, 150), 3, names=["a", "b", "c"])
    sheet = captions_of(replace(DREAM, compare=replace(DREAM.compare, by=by)), result)
    note = Note("carving towards pre_activation of Conv2D_2; below each dream its objective at the end")
    heading = with_heading(np.full((1, sheet.shape[1], 3), 255, np.uint8), title, [note])[:-1]
    assert np.array_equal(sheet[: len(heading)], heading)


def test_the_sheet_says_by_which_method() -> None:
    result = sheet_of(photo_of(60, 150), 3)
    assert not np.array_equal(captions_of(DREAM, result), captions_of(octaves_config(), result))


def test_a_sheet_of_the_same_dreams_with_other_objectives_differs_in_its_captions_alone() -> None:
    result = sheet_of(photo_of(60, 150), 2)
    first, second = captions_of(DREAM, result), captions_of(DREAM, replace(result, objective=result.objective + 1))
    rows = np.flatnonzero((first != second).any(axis=(1, 2)))
    assert len(rows)
    assert rows[0] >= first.shape[0] - 8 - 20


def test_grey_levels_of_a_sheet_are_those_that_a_dream_has() -> None:
    # what the stage keeps of a dream, seen from here: the two ways to the same picture agree to a level
    photo, picture = photo_of(21, 34, low=90, high=160), dreamt(photo_of(21, 34)).picture * 0.5
    dream = still(render_dream(DREAM, replace(dreamt(photo), picture=picture))["dream.png"])
    result = replace(sheet_of(photo, 1), pictures=dreamt_grey_levels(photo, picture)[None])
    other = still(render_dream_sheet(DREAM, result)["dreams/map_000.png"])
    assert np.abs(dream.astype(int) - other).max() <= 1
