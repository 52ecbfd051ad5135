"""The atlas of other data and CNNs: colour, any sides, no labels, one class, many, odd names, logits, what is seen."""

import base64
import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from atlas_example import CLASSES, example, of_classes, of_shape
from browser import barriers, browser, needs_axe, needs_browser
from markupsafe import escape
from PIL import Image
from test_atlas_in_browser import go, heading, opened, saved

from pipeline.core.preprocessing import preprocessing_of
from pipeline.core.statistics import preference
from pipeline.drawing.levels import image_levels, range_of
from pipeline.runtime.errors import InputError
from pipeline.stages.atlas.page import render_atlas
from pipeline.stages.atlas.page.gallery import Gallery
from pipeline.stages.atlas.page.source import FIRST_ROWS

ODD = ("backbone/a > <b>&'\"", "_x #1?%2F", "Conv2D_2", "層 é")


def picture_in(text: str, key: str) -> np.ndarray:
    """A picture of the overview, decoded."""
    address = re.findall(rf'id="picture-{key}" src="data:image/png;base64,([^"]*)"', text)[0]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address))))


def without_data(text: str) -> str:
    return re.sub(r"data:image/[^\"]*|<script>.*?</script>|<style>.*?</style>", "", text, flags=re.S)


# pictures -------------------------------------------------------------------------------------------------------------


def test_pictures_are_in_colour_and_have_their_sides() -> None:
    given = of_shape(example(), 20, 48, 3)
    text = render_atlas(**given)
    row = given["oips"].map_indices.tolist().index(1)
    np.testing.assert_array_equal(picture_in(text, "oip-1"), image_levels(given["oips"].images[row]))
    assert 'width="48" height="20"' in text
    assert 'viewBox="0 0 48 20"' in text
    assert "positions of map 1." in text
    assert "at each of the 3 × 6 positions" in text
    assert "--image: 2.4; --map: 2;" in text


def test_pictures_of_a_range_are_shown_in_their_own_levels() -> None:
    given = of_shape(example(), 9, 9, 3)
    preprocessing = preprocessing_of("symmetric")
    text = render_atlas(**given, preprocessing=preprocessing)
    row = given["oips"].map_indices.tolist().index(1)
    expected = image_levels(given["oips"].images[row], range_of(preprocessing, 3))
    np.testing.assert_array_equal(picture_in(text, "oip-1"), expected)
    # where nobody says what was made of the data, the OIPs say it
    object.__setattr__(given["oips"], "pixel_range", range_of(preprocessing, 3))
    np.testing.assert_array_equal(picture_in(render_atlas(**given), "oip-1"), expected)


def test_large_images_are_kept_as_photos_are() -> None:
    gallery, image = Gallery(), np.random.default_rng(0).normal(size=(224, 160, 3))
    assert gallery.addresses[gallery.image("large", image)].startswith("data:image/webp")
    assert len(gallery.addresses["large"]) < 120_000
    assert gallery.addresses[gallery.image("small", image[:64, :64])].startswith("data:image/png")


def test_dreams_in_all_colours_are_shown_as_they_are() -> None:
    given = example()
    atlas = given["atlas"]
    colours = np.random.default_rng(0).integers(0, 256, (*atlas.dreams.shape, 3), dtype=np.uint8)
    text = render_atlas(**(given | {"atlas": dataclasses.replace(atlas, dreams=colours)}))
    gallery = Gallery()
    gallery.photo("dream", colours[1])
    assert gallery.addresses["dream"] in text
    np.testing.assert_array_equal(dataclasses.replace(atlas, dreams=colours).dream(1), colours[1])


BESIDE = "pixels of the picture; nodes that are neighbours see"

# what is seen ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "sees", "told"),
    [
        ((5, 2), "sees 5 × 5", f"A node sees 5 × 5 {BESIDE} squares 2 pixels apart."),
        ((20, 0), "sees all", "A node sees the whole picture."),
        ((3, 5, 1, 1), "sees 3 × 5", f"A node sees 3 × 5 {BESIDE} rectangles 1 pixel apart."),
        (
            (3, 3, 1, 2),
            "sees 3 × 3",
            f"A node sees 3 × 3 {BESIDE} squares 1 pixel downwards and 2 pixels across apart.",
        ),
        ((20, 5, 0, 0), "sees 20 × 5", "The only node of a map sees 20 × 5 pixels of the picture."),
        ((20, 48, 0, 0), "sees all", "A node sees the whole picture."),
        ((-1, -1, -1, -1), "field not known", "How many pixels a node sees is not known."),
    ],
)
def test_what_a_node_sees_of_a_picture_of_any_sides_is_said(field: tuple[int, ...], sees: str, told: str) -> None:
    given = of_shape(example(), 20, 48, 3)
    fields = np.tile(np.array(field), (4, 1))
    text = without_data(
        render_atlas(**(given | {"atlas": dataclasses.replace(given["atlas"], receptive_fields=fields)}))
    )
    assert f"<span>26 × 26 × 4</span> <span>{sees}</span>" in text
    assert told in text


def test_a_unit_of_a_row_sees_all_also_where_no_field_is_known() -> None:
    given = example()
    given["atlas"].receptive_fields[:] = -1
    text = render_atlas(**given)
    assert "<span>5</span> <span>sees all</span>" in text
    assert text.count("<span>field not known</span>") == 3


def test_maps_whose_positions_see_everything_have_no_frames() -> None:
    given = example()
    statistics = given["statistics"]
    everything = np.broadcast_to([0, 0, 28, 28], statistics.top_crops.shape)
    text = render_atlas(**(given | {"statistics": dataclasses.replace(statistics, top_crops=everything)}))
    assert "Every position of the map sees the whole image." in text
    assert "The frame marks" not in text
    assert "<rect" not in text


# without labels, with one class, with many ----------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"dense": True}, {"early": False, "photo": False}], ids=str)
def test_without_labels_nothing_is_said_of_classes(options: dict[str, Any]) -> None:
    text = without_data(render_atlas(**of_classes(of_shape(example(**options), 20, 48, 3), 0)))
    assert "The data have no labels" in text
    assert "OIP of" in text
    for part in ('"#class', 'data-route="class', 'data-route="compare'):
        assert part not in text
    said = re.sub(r"<[^>]*>", " ", text) + " ".join(re.findall(r'data-tip="([^"]*)"', text))
    for words in ("electivity", "Class", "accuracy", "referred class"):
        assert words not in said, words
    assert not re.search(r"\b(nan|inf|None|Undefined)\b", text)
    # every explanation that is asked for is there
    assert set(re.findall(r'data-term="(\w+)"', text)) <= set(re.findall(r'id="term-(\w+)"', text))


@pytest.mark.parametrize("count", [1, 2])
def test_of_few_classes_there_are_pages(count: int) -> None:
    text = without_data(render_atlas(**of_classes(example(), count)))
    assert re.findall(r'data-route="class-(\d)"', text) == [str(label) for label in range(count)]
    assert ('data-route="compare"' in text) == (count == 2)
    assert not re.search(r"\b(nan|inf|None|Undefined)\b", text)


def test_another_number_of_names_than_of_classes_is_refused() -> None:
    with pytest.raises(InputError, match="a name for each of the 10 classes"):
        render_atlas(**(example() | {"class_names": ("a", "b")}))


def test_of_a_thousand_classes_the_page_stays_small() -> None:
    given, classes, maps = example(maps=32), 1000, 32
    random = np.random.default_rng(0)
    means = random.random((maps, classes))
    preferred = preference(means)
    statistics = dataclasses.replace(
        given["statistics"],
        classes=classes,
        class_means=means,
        class_deviations=means,
        class_positions=random.random((classes, maps, 3, 3)),
        preferred_class=preferred.classes,
        selectivity=preferred.selectivity,
        accuracy=np.ones(classes),
        confusion=np.eye(classes, dtype=np.int64),
        ablated_accuracy=np.ones((maps, classes)),
    )
    predictions = np.zeros((len(given["atlas"].map_indices), classes))
    predictions[:, 777] = 1
    text = render_atlas(
        **given | {
            "statistics": statistics,
            "class_names": [f"class {label}" for label in range(classes)],
            "atlas": dataclasses.replace(given["atlas"], predictions=predictions),
        }
    )  # fmt: skip
    assert len(text) < 20_000_000
    assert "#compare-" not in without_data(text)
    page = text[text.index('data-route="map-1"') : text.index('data-route="map-3"')]
    rows = re.findall(r'<th scope="row"><a href="#class-(\d+)">', page)
    best = set(np.argsort(-means[1])[:FIRST_ROWS].tolist()) | {777}
    assert sorted(map(int, rows)) == sorted(best)
    assert f"{classes - len(best)} others are left out" in page


# names and numbers ----------------------------------------------------------------------------------------------------


def test_long_names_of_classes_are_cut() -> None:
    name = "<b>ü</b> " * 50
    text = render_atlas(**example(class_names=[f"{label} {name}" for label in range(CLASSES)]))
    assert str(escape(f"3 {name}"[:59].rstrip() + "…")) in text
    assert name not in text
    assert str(escape(name)) not in text


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (np.array([0.0, 0, 0, 0, 0, 0, 0, np.log(11), 0, 0]), "takes the OIP for 7 (55.0 %)"),
        (np.full(10, -467.0) + 1000 * np.eye(10)[2], "takes the OIP for 2 (100 %)"),
        (0.3 * np.eye(10)[4] + 0.07, "takes the OIP for 4 (37.0 %)"),
    ],
)
def test_percents_are_those_of_probabilities_whatever_the_outputs(outputs: np.ndarray, words: str) -> None:
    given = example()
    atlas = dataclasses.replace(given["atlas"], predictions=np.tile(outputs, (len(given["atlas"].map_indices), 1)))
    text = without_data(render_atlas(**(given | {"atlas": atlas})))
    assert words in text
    shares = [float(share) for share in re.findall(r'data-term="prediction">([\d.]+) %', text)]
    assert shares
    assert max(shares) <= 100
    assert ("this is their softmax" in text) == (outputs.max() > 1)


def test_one_output_decides_between_two_classes() -> None:
    given = of_classes(example(), 2)
    count = len(given["atlas"].map_indices)
    for outputs, words in (((0.25, "0 (75.0 %)")), ((np.log(3.0), "1 (75.0 %)"))):
        atlas = dataclasses.replace(given["atlas"], predictions=np.full((count, 1), outputs))
        assert f"takes the OIP for {words}" in render_atlas(**(given | {"atlas": atlas}))


def test_outputs_that_are_no_classes_are_not_called_so() -> None:
    given = example()
    atlas = dataclasses.replace(given["atlas"], predictions=np.ones((len(given["atlas"].map_indices), 7)) / 7)
    text = render_atlas(**(given | {"atlas": atlas}))
    assert "takes the OIP for" not in text
    assert "the CNN gives no number" in text


# in a browser ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with browser(width=1280, height=900) as driver:
        yield driver


KINDS: dict[str, dict[str, Any]] = {
    "colour": of_shape(example(layers=ODD), 20, 48, 3),
    "no labels": of_classes(of_shape(example(layers=ODD), 40, 24, 3), 0),
    "one class": of_classes(example(layers=ODD), 1),
    "long names": example(layers=tuple(name * 20 for name in ODD), class_names=["long " * 50] * CLASSES),
}


@needs_browser
@pytest.mark.parametrize("kind", KINDS)
def test_every_page_opens_without_an_error(driver: Any, tmp_path: Path, kind: str) -> None:
    address = saved(tmp_path, **KINDS[kind])
    opened(driver, address)
    assert heading(driver)
    parts = driver.execute_script(
        "return [...new Set([...document.querySelectorAll(\"a[href^='#']\")].map(a => a.getAttribute('href')))]"
    )
    routes = [part for part in parts if part not in ("#main", "#maps") and "?" not in part]
    assert len(routes) >= 14
    layers = [part for part in routes if part.startswith("#layer-")]
    assert len(layers) == 4 if kind == "long names" else 3
    for part in [*layers, *[part for part in routes if part.startswith("#class-")][:2], "#map-1", "#map-2"]:
        assert go(driver, part)
        assert driver.execute_script("return [!document.querySelector('#page').hidden, location.hash]") == [True, part]
        broken = driver.execute_script(
            "return [...document.images].filter(i => i.offsetParent && !(i.complete && i.naturalWidth)).length"
        )
        assert broken == 0
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert driver.get_log("browser") == []


@needs_browser
def test_a_picture_is_not_stretched(driver: Any, tmp_path: Path) -> None:
    opened(driver, saved(tmp_path, **KINDS["colour"]), "#map-1")
    width, height = driver.execute_script(
        "const box = document.querySelector('#page .large').getBoundingClientRect(); return [box.width, box.height]"
    )
    assert width / height == pytest.approx(48 / 20, rel=0.02)


@needs_browser
def test_maps_without_labels_are_sorted_and_filtered(driver: Any, tmp_path: Path) -> None:
    opened(driver, saved(tmp_path, **KINDS["no labels"]), "#maps?sort=relative&order=down&class=3&selectivity=0.9")
    assert driver.execute_script("return document.querySelector('.count').textContent") == "all 12 shown"
    first = driver.execute_script("return document.querySelector('#cards li').dataset.index")
    assert first == "11"
    driver.execute_script("document.querySelector('form button[type=reset]').click()")
    assert driver.execute_script("return document.querySelector('#cards li').dataset.index") == "0"


@needs_axe
@needs_browser
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", ["#maps", "#map-1"])
def test_the_accessibility_check_finds_nothing_serious(driver: Any, tmp_path: Path, kind: str, part: str) -> None:
    opened(driver, saved(tmp_path, **KINDS[kind]), part)
    assert barriers(driver) == []
