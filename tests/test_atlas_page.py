"""The atlas: what it says, by hand; and the file in a real browser, as a user opens it from disk."""

import base64
import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from atlas_example import BARE_MAP, CLASSES, MISSING_CLASS, NEVER_MAP, UNUSED_MAP, example
from browser import browser, needs_browser, until
from markupsafe import escape
from PIL import Image

from pipeline.stages.atlas.page import render_atlas
from pipeline.stages.atlas.page.classes import rival
from pipeline.stages.atlas.page.curve import curve
from pipeline.stages.atlas.page.effects import Group, cohens_d, farthest, group
from pipeline.stages.atlas.page.gallery import STOPS, Gallery
from pipeline.stages.atlas.page.numbers import brief, known, percent, plain, points, times
from pipeline.stages.atlas.page.warnings import Evidence, relative_score, warnings_for
from pipeline.stages.oip.result import BELOW, CONVERGED, NEVER, REACHED, RISING

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
NAN = float("nan")


# warnings -------------------------------------------------------------------------------------------------------------

SOUND = {
    "verdict": CONVERGED,
    "fires_on_no_image": False,
    "relative": 1.0,
    "early_similarity": (0.3, 0.2),
    "early_others": (0.2, 0.2),
    "agreement": 0.2,
    "preferred": 4,
    "predicted": 4,
    "selectivity": 0.9,
}


def keys(**evidence: Any) -> list[str]:
    return [rule.key for rule in warnings_for(Evidence(**(SOUND | evidence)))]


def test_what_agrees_is_not_warned_of() -> None:
    assert keys() == []


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        # of what is at zero it goes without saying that it is weaker
        ({"verdict": NEVER, "relative": 0.0}, ["never"]),
        ({"fires_on_no_image": True, "relative": NAN}, ["unused"]),
        ({"relative": 0.99}, ["weaker"]),
        ({"early_similarity": (0.19, 0.1)}, ["path"]),
        # in one of the two layers it is as real images are
        ({"early_similarity": (0.19, 0.2)}, []),
        ({"early_similarity": (), "early_others": ()}, []),
        ({"agreement": 0.19}, ["seeds"]),
        ({"predicted": 9}, ["class"]),
        ({"predicted": 9, "selectivity": 0.49}, []),
        ({"predicted": -1}, []),
        ({"preferred": -1}, []),
        ({"verdict": RISING, "relative": 0.5, "agreement": 0.0, "predicted": 9}, ["weaker", "seeds", "class"]),
    ],
)
def test_where_evidence_and_picture_disagree_is_warned_of(evidence: dict[str, Any], expected: list[str]) -> None:
    assert keys(**evidence) == expected


def test_what_is_not_known_is_not_warned_of() -> None:
    unknown = {"relative": NAN, "agreement": NAN, "selectivity": NAN, "predicted": 9}
    assert keys(**unknown, early_similarity=(NAN, NAN)) == []


def test_a_score_is_relative_only_to_what_the_data_reaches() -> None:
    assert relative_score(3, 2) == 1.5
    assert np.isnan([relative_score(3, 0), relative_score(3, -1), relative_score(3, NAN)]).all()


def test_what_most_maps_have_is_said_of_the_layer_and_flags_none() -> None:
    given = example()
    oips = given["oips"]
    before = [row for row, name in enumerate(oips.path_layers.tolist()) if name != oips.layer]
    alike, others = np.full_like(oips.path_similarity, 0.5), np.full_like(oips.path_others, 0.3)
    few, most = alike.copy(), alike.copy()
    # the first one is the whole layer, which has no card
    few[before, 1:3], most[before, 1:-2] = 0.1, 0.1
    for similarity, own, general in ((few, 2, 0), (most, 0, len(oips.map_indices) - 3)):
        changed = dataclasses.replace(oips, path_similarity=similarity, path_others=others)
        text = render_atlas(**(given | {"oips": changed}))
        keys = [match.split() for match in re.findall(r'data-warned="([^"]*)"', text)]
        shared = [match.split() for match in re.findall(r'data-general="([^"]*)"', text)]
        assert sum("path" in words for words in keys) == own
        assert sum("path" in words for words in shared) == general
        assert ("other path, as most maps of this layer" in text) == bool(general)


def test_a_faithful_oip_comes_first_and_the_plain_one_beside_it() -> None:
    given = example()
    oips = given["oips"]
    count = len(oips.map_indices)
    faithful = dataclasses.replace(
        oips,
        plain_images=oips.images[::-1],
        plain_activation=np.full(count, 7.5),
        goal=oips.data_maximum,
        verdicts=np.where(oips.verdicts == NEVER, NEVER, np.where(np.arange(count) % 2, REACHED, BELOW)),
    )
    text = render_atlas(**(given | {"oips": faithful}))
    driven = [int(m) for m, largest in zip(oips.map_indices, oips.data_maximum, strict=True) if largest > 0]
    assert [f'id="picture-plain-{m}"' in text for m in driven] == [True] * len(driven)
    overview = text[text.index('id="cards"') :]
    assert all(overview.index(f'id="picture-oip-{m}"') < overview.index(f'id="picture-plain-{m}"') for m in driven)
    # what no image drives has one picture
    assert f'id="picture-plain-{UNUSED_MAP}"' not in text
    assert "what drives it most of all: " in text
    assert "as much as data" in text
    assert 'id="picture-plain-' not in render_atlas(**given)


# differences between classes ------------------------------------------------------------------------------------------


def one(mean: float, deviation: float, images: int) -> Group:
    return Group(np.array([mean]), np.array([deviation]), images)


def test_cohens_d_is_the_difference_in_pooled_standard_deviations() -> None:
    # 1, 3 and 4, 6, 8: means 2 and 6; sums of squares 2 and 8; pooled variance (2 + 8) / (2 + 3 - 2) = 10 / 3
    here, there = one(2, 1, 2), one(6, np.sqrt(8 / 3), 3)
    assert cohens_d(here, there)[0] == pytest.approx(-4 / np.sqrt(10 / 3))
    assert cohens_d(there, here)[0] == pytest.approx(4 / np.sqrt(10 / 3))


def test_cohens_d_is_not_known_without_images_or_spread() -> None:
    assert np.isnan(cohens_d(one(2, 1, 5), one(NAN, NAN, 0))[0])
    assert np.isnan(cohens_d(one(2, 0, 5), one(1, 0, 5))[0])
    assert np.isnan(cohens_d(one(2, 0, 1), one(1, 0, 1))[0])


def test_several_classes_are_one_group() -> None:
    # class 0: 1, 3; class 1: 4, 6, 8; class 2 has no image
    means, deviations = np.array([[2, 6, NAN]]), np.array([[1, np.sqrt(8 / 3), NAN]])
    both = group(means, deviations, np.array([2, 3, 0]), np.array([0, 1, 2]))
    assert both.images == 5
    np.testing.assert_allclose(both.means, np.mean([1, 3, 4, 6, 8]))
    np.testing.assert_allclose(both.deviations, np.std([1, 3, 4, 6, 8]))
    assert group(means, deviations, np.array([2, 3, 0]), np.array([2])).images == 0


def test_the_maps_that_tell_most_come_first_and_those_of_the_other_side_are_left_out() -> None:
    effects = np.array([0.5, NAN, -3.0, 2.0, 0.5, 0.0])
    assert farthest(effects, 9).tolist() == [3, 0, 4]
    assert farthest(effects, 1).tolist() == [3]
    assert farthest(-effects, 9).tolist() == [2]


def test_a_class_is_compared_with_the_one_that_it_is_confused_with_most() -> None:
    confusion = np.array([[9, 1, 2], [0, 9, 0], [0, 4, 9]])
    assert [rival(confusion, label) for label in range(3)] == [2, 2, 1]
    assert rival(np.diag([3, 3, 3]), 2) == 0
    assert rival(np.array([[3]]), 0) == -1


# numbers and pictures -------------------------------------------------------------------------------------------------


def test_numbers_have_units_and_say_why_they_are_not_known() -> None:
    assert [plain(value) for value in (5.4321, -0.5, 0, 2e-5, -2e-5)] == ["5.43", "−0.500", "0", "< 0.001", "> −0.001"]
    shares = [percent(share) for share in (0, 0.0001, 0.994, 0.9999, 1)]
    assert shares == ["0 %", "< 0.1 %", "99.4 %", "> 99.9 %", "100 %"]
    assert [points(difference) for difference in (0.003, -0.012, 0)] == ["+0.30 pp", "−1.2 pp", "0 pp"]
    assert [times(value) for value in (1.42, 1e9)] == ["1.42 ×", "> 9999 ×"]
    assert brief(-0.567) == "−0.57"
    unknown = known(NAN, "no image")
    assert (unknown.text, unknown.words, unknown.sortable) == ("–", "not known (no image)", "")
    assert known(2, "").sortable == "2"


def test_a_picture_is_kept_once_and_its_colours_are_those_of_the_scale() -> None:
    gallery = Gallery()
    assert gallery.shades("a", np.array([[0.0, 1.0], [3.0, 4.0]]), 0, 4) == "a"
    kept = gallery.addresses["a"]
    gallery.shades("a", np.zeros((2, 2)), 0, 4)
    assert gallery.addresses == {"a": kept}
    picture = Image.open(io.BytesIO(base64.b64decode(kept.partition(",")[2]))).convert("RGB")
    assert picture.getpixel((0, 0)) == STOPS[0]
    assert picture.getpixel((1, 1)) == STOPS[-1]


def test_a_curve_goes_from_the_first_step_to_the_last_and_leaves_out_what_is_not_a_number() -> None:
    drawn = curve(np.array([0.0, 1.0, NAN, 4.0]), np.array([0, 3]))
    assert drawn is not None
    assert drawn.path == "M44,162 146,124.5 350,12"
    assert [tick.text for tick in drawn.y_ticks] == ["0", "1", "2", "3", "4"]
    assert drawn.marks == (44, 350)
    assert curve(np.array([NAN, 1.0]), np.array([])) is None
    assert curve(np.full(5, 3.0), np.array([])) is not None


# the file -------------------------------------------------------------------------------------------------------------


def test_the_same_input_makes_the_same_text() -> None:
    assert render_atlas(**example()) == render_atlas(**example())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dense": True, "early": False, "photo": False},
        {"maps": 1, "without": ()},
        {"maps": 1, "without": (0,), "starts": (0, 0)},
        {"sides": 26},
        {"starts": (0, 0), "photo": False, "early": False},
    ],
    ids=str,
)
def test_what_is_not_known_is_left_out_or_said_but_never_a_nan(options: dict[str, Any]) -> None:
    text = render_atlas(**example(**options))
    shown = re.sub(r"data:image/[^\"]*|<script>.*?</script>|<style>.*?</style>", "", text, flags=re.S)
    assert not re.search(r"\b(nan|inf|None|Undefined)\b", shown)


def test_maps_without_an_oip_come_last_with_a_placeholder_and_the_whole_layer_is_no_map() -> None:
    text = render_atlas(**example())
    order = re.findall(r'<li data-index="(-?\d+)"', text)
    assert order == [str(index) for index in range(12) if index != BARE_MAP] + [str(BARE_MAP)]
    assert f'aria-label="No OIP of map {BARE_MAP} in this run"' in text


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (
            (3, 1),
            ("sees 3 × 3", "sees 3 × 3 pixels of the picture; nodes that are neighbours see squares 1 pixel"),
        ),
        ((18, 0), ("sees 18 × 18", "The only node of a map sees 18 × 18 pixels of the picture.")),
        ((28, 0), ("sees all", "A node sees the whole picture.")),
        ((-1, -1), ("", "How many pixels a node sees is not known.")),
    ],
)
def test_what_a_node_of_a_layer_sees_is_said(field: tuple[int, int], expected: tuple[str, str]) -> None:
    given = example()
    given["atlas"].receptive_fields[0] = field
    text = render_atlas(**given)
    for words in expected:
        assert words in text


def test_of_128_maps_the_file_has_less_than_15_mb() -> None:
    # random pictures are larger than any real ones
    assert len(render_atlas(**example(maps=128, starts=(4, 4))).encode()) < 15_000_000


def test_the_policy_knows_the_script_and_allows_nothing_else() -> None:
    text = render_atlas(**example())
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}';" in policy
    assert "connect-src" not in policy
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", text.replace(script, ""))


ATTACKS = (
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 1</script>",
    "\" onerror=\"window.hit = 1\" onfocus='window.hit = 1' x='",
    "'\"><img src=x onerror=window.hit=1>",
    "{{ 7 * 191 }}</template></title></style><!--",
)
TEXTS = ("name", "dataset", "split", "photo", "command")


def attacked(attack: str) -> dict[str, Any]:
    """An example with the text wherever a user can give one."""
    text: dict[str, Any] = dict.fromkeys(TEXTS, attack) | {"settings": {attack: attack}, "tags": {attack: attack}}
    return example(
        text=text,
        class_names=[f"{attack}{label}" for label in range(CLASSES)],
        layers=(f"{attack}1", f"{attack}2", "Conv2D_2", f"{attack}3"),
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_of_the_user_is_escaped_wherever_it_stands(attack: str) -> None:
    text, plain_text = render_atlas(**attacked(attack)), render_atlas(**example())
    assert attack not in text
    assert str(escape(attack)) in text
    assert "1337" not in re.sub(r"data:image/[^\"]*", "", text)
    for tag in ("<script", "</script", "<template", "</template", "<img", "<style", "<!--", " onerror"):
        assert text.lower().count(tag) <= plain_text.lower().count(tag) + ("onerror" in tag) * 10**6
    for block in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.S):
        json.loads(block)


# in a browser ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with browser(width=1280, height=900) as driver:
        yield driver


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("atlas"), **example())


def saved(folder: Path, **given: Any) -> str:
    """The address of the file on disk."""
    path = folder / "atlas.html"
    path.write_text(render_atlas(**given), encoding="utf-8")
    return path.as_uri()


def opened(driver: Any, address: str, part: str = "") -> None:
    """Load the file anew, at a part of it."""
    driver.get("about:blank")
    driver.get_log("browser")
    driver.get(f"{address}{part}")
    until(driver, "return document.readyState === 'complete'")


def go(driver: Any, part: str) -> str:
    """Follow a link to a part; its heading."""
    driver.execute_script(
        "document.querySelectorAll(`a[href='${arguments[0]}']`).forEach((a, n) => n || a.click())", part
    )
    return until(driver, "return location.hash === arguments[0] && shownHeading()", part)


HEADING = "window.shownHeading = () => [...document.querySelectorAll('h1')].find(h => h.offsetParent)?.innerText"


def heading(driver: Any) -> str:
    return driver.execute_script(f"{HEADING}; return shownHeading()")


def shown(driver: Any) -> list[int]:
    """The maps of the overview that are shown, in their order."""
    found = (
        "[...document.querySelectorAll('#cards > li')].filter(l => l.offsetParent).map(l => Number(l.dataset.index))"
    )
    return driver.execute_script(f"return {found}")


def choose(driver: Any, name: str, value: str) -> list[int]:
    """Set a control of the overview, as a user does; what is shown then."""
    script = """
        const control = document.querySelector('form').elements[arguments[0]];
        control.value = arguments[1];
        for (const kind of ['input', 'change']) control.dispatchEvent(new Event(kind, {bubbles: true}));
    """
    driver.execute_script(script, name, value)
    return shown(driver)


def emulated(driver: Any, *, dark: bool = False, width: int = 1280) -> None:
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def press(driver: Any, key: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(driver).send_keys(key).perform()


TAB, ENTER, ESCAPE, LEFT_KEY, RIGHT_KEY = "\ue004", "\ue007", "\ue00c", "\ue012", "\ue014"
PARTS = ("", "#map-4", f"#map-{BARE_MAP}", "#class-4", f"#class-{MISSING_CLASS}", "#compare-4-9", "#layer-Conv2D_1")


@needs_browser
@pytest.mark.parametrize("part", [*PARTS, "#layer-Max_Pool_1"])
def test_nothing_but_the_file_is_loaded_and_all_pictures_are_there(driver: Any, atlas: str, part: str) -> None:
    opened(driver, atlas, part)
    until(driver, "return [...document.images].every(i => i.complete)")
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map(r => r.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
    assert driver.get_log("browser") == []
    broken = driver.execute_script("return [...document.images].filter(i => !i.naturalWidth).map(i => i.alt)")
    assert broken == []
    empty = "return [...document.querySelectorAll('svg image')].filter(i => !i.getAttribute('href')).length"
    assert driver.execute_script(empty) == 0


@needs_browser
def test_maps_are_sorted_and_what_is_not_known_comes_last(driver: Any, atlas: str) -> None:
    opened(driver, atlas)
    given = example()["oips"]
    relative = {
        int(index): activation / maximum
        for index, activation, maximum in zip(given.map_indices, given.activation, given.data_maximum, strict=True)
        if index >= 0 and maximum > 0
    }
    expected = sorted(relative, key=lambda index: (relative[index], index))
    assert choose(driver, "sort", "relative") == [*expected, UNUSED_MAP, BARE_MAP]
    expected = sorted(relative, key=lambda index: (-relative[index], index))
    assert choose(driver, "order", "down") == [*expected, UNUSED_MAP, BARE_MAP]
    assert choose(driver, "sort", "verdict")[0] == NEVER_MAP
    assert driver.execute_script("return location.hash") == "#maps?sort=verdict&order=down"
    driver.find_element("css selector", "form button[type=reset]").click()
    assert until(driver, "return location.hash === '#maps'")
    assert shown(driver) == [index for index in range(12) if index != BARE_MAP] + [BARE_MAP]


@needs_browser
def test_maps_are_filtered_by_verdict_score_class_selectivity_and_warnings(driver: Any, atlas: str) -> None:
    statistics = example()["statistics"]
    opened(driver, atlas)
    assert choose(driver, "verdict", NEVER) == [NEVER_MAP]
    assert driver.execute_script("return document.querySelector('.count').innerText") == "1 of 12 shown"
    choose(driver, "verdict", "")
    preferred = int(statistics.preferred_class[0])
    assert set(choose(driver, "class", str(preferred))) == set(np.flatnonzero(statistics.preferred_class == preferred))
    choose(driver, "class", "")
    assert choose(driver, "warned", "unused") == [UNUSED_MAP]
    warned = set(choose(driver, "warned", "any"))
    assert not warned & set(choose(driver, "warned", "none"))
    choose(driver, "warned", "")
    chosen = choose(driver, "relative", "1")
    assert chosen
    assert not {NEVER_MAP, UNUSED_MAP, BARE_MAP} & set(chosen)
    choose(driver, "relative", "0")
    assert set(choose(driver, "selectivity", "0.3")) == set(np.flatnonzero(statistics.selectivity >= 0.3))
    assert choose(driver, "selectivity", "1") == []
    driver.find_element("css selector", ".nothing .reset").click()
    until(driver, "return [...document.querySelectorAll('#cards > li')].every(l => l.offsetParent)")


@needs_browser
def test_what_is_chosen_stands_in_the_address_and_a_map_leads_back_to_it(driver: Any, atlas: str) -> None:
    opened(driver, atlas, "#maps?sort=score&order=down&selectivity=0.05")
    order = shown(driver)
    assert len(order) > 2
    assert driver.execute_script("return document.querySelector('form').elements.sort.value") == "score"
    driver.execute_script(HEADING)
    go(driver, f"#map-{order[0]}")
    # the next map is the next of those that are shown
    press(driver, RIGHT_KEY)
    until(driver, "return location.hash === arguments[0]", f"#map-{order[1]}")
    driver.back()
    driver.back()
    until(driver, "return location.hash.startsWith('#maps?sort=score')")
    assert shown(driver) == order


@needs_browser
def test_the_page_of_a_map_shows_all_that_is_known_of_it(driver: Any, atlas: str) -> None:
    opened(driver, atlas)
    driver.execute_script(HEADING)
    assert go(driver, "#map-4").startswith("Map 4")
    text = driver.execute_script("return document.querySelector('#page').innerText")
    for words in ("The real images that drive it most", "Class by class", "Where it reacts", "How the OIP came about",
                  "From other noise", "path of real images", "Most similar maps", "Most opposite maps", "The dream",
                  "not converged, restarted once", "step of gradient ascent", "waves of 4 cells"):  # fmt: skip
        assert words in text
    assert driver.title.startswith("Map 4")
    assert driver.execute_script("return document.activeElement === document.querySelector('#page h1')")
    # the frame is where the statistics say, and the enlarged part is what it holds
    (top, left, bottom, right) = example()["statistics"].top_crops[4, 0].tolist()
    frame = driver.execute_script(
        "const r = document.querySelector('#page .tops rect:last-of-type');"
        "return ['x', 'y', 'width', 'height'].map(a => Number(r.getAttribute(a)))"
    )
    assert frame == [left, top, right - left, bottom - top]
    crop = driver.execute_script("return document.querySelector('#page .tops .crop').getAttribute('viewBox')")
    assert crop == f"{left} {top} {right - left} {bottom - top}"
    # of the class without images nothing is known, and that is said
    row = driver.execute_script(f"return document.querySelectorAll('#page tbody')[0].rows[{MISSING_CLASS}].innerText")
    assert "the data has no image of this class" in row


@needs_browser
def test_of_a_map_without_an_oip_the_rest_is_shown(driver: Any, atlas: str) -> None:
    opened(driver, atlas, f"#map-{BARE_MAP}")
    text = driver.execute_script("return document.querySelector('#page').innerText")
    assert "This run made no OIP of the map" in text
    assert "Class by class" in text
    assert "How the OIP came about" not in text


@needs_browser
def test_of_a_map_that_no_image_activates_no_image_is_shown(driver: Any, atlas: str) -> None:
    opened(driver, atlas, f"#map-{UNUSED_MAP}")
    text = driver.execute_script("return document.querySelector('#page').innerText")
    assert "No image of digits (test images) brings a node of it above 0." in text
    assert driver.execute_script("return document.querySelectorAll('#page .tops li').length") == 0
    opened(driver, atlas, "#map-1")
    assert driver.execute_script("return document.querySelectorAll('#page .tops li').length") == 3


@needs_browser
def test_the_page_of_a_class_leads_to_its_comparison(driver: Any, atlas: str) -> None:
    opened(driver, atlas)
    driver.execute_script(HEADING)
    assert go(driver, "#class-4") == "Class 4"
    assert len(driver.find_elements("css selector", "#page .patterns li")) == 12
    assert driver.execute_script("return document.querySelectorAll('#page [data-card] .card').length") > 0
    text = driver.execute_script("return document.querySelector('#page').innerText")
    assert "1 image (25.0 % of this class)" in text
    driver.find_element("css selector", "#page .button").click()
    assert until(driver, "return shownHeading() === 'What tells 4 from 9'")


@needs_browser
def test_two_classes_are_compared_in_both_directions(driver: Any, atlas: str) -> None:
    statistics = example()["statistics"]
    here, there = (Group(statistics.class_means[:, k], statistics.class_deviations[:, k], 4) for k in (4, 9))
    effects = cohens_d(here, there)
    expected = [farthest(effects, 12).tolist(), farthest(-effects, 12).tolist()]
    maps = """return ['first', 'second'].map(side => [...document.querySelectorAll(`[data-list=${side}] .card`)]
              .map(card => Number(card.hash.slice(5))))"""
    opened(driver, atlas, "#compare-4-9")
    assert driver.execute_script(maps) == expected
    size = driver.execute_script("return document.querySelector('[data-list=first] .extra').innerText")
    assert f"d = {effects[expected[0][0]]:.2f}" in size
    opened(driver, atlas, "#compare-9-4")
    assert driver.execute_script(maps) == expected[::-1]
    # another class is chosen
    driver.find_element("css selector", "#second option[value='3']").click()
    until(driver, "return location.hash === '#compare-9-3' && document.querySelector('h1:not([data-title])')")
    assert heading(driver) == "What tells 9 from 3"
    assert driver.title.startswith("What tells 9 from 3")
    driver.find_element("css selector", "#second option[value='9']").click()
    until(driver, "return document.querySelector('#same') && !document.querySelector('#same').hidden")


@needs_browser
def test_layers_are_tabs_with_shapes_and_oips(driver: Any, atlas: str) -> None:
    opened(driver, atlas)
    driver.execute_script(HEADING)
    tabs = driver.execute_script("return document.querySelector('.layers').innerText")
    assert "26 × 26 × 4" in tabs
    assert "sees 3 × 3" in tabs
    assert go(driver, "#layer-Conv2D_1").startswith("Conv2D_1")
    assert driver.execute_script("return document.querySelectorAll('#page .cards img').length") == 4
    text = driver.execute_script("return document.querySelector('#page').innerText")
    # map 1 is weaker than the data, map 2 fires on no image, of map 3 it is not known
    cards = driver.execute_script("return [...document.querySelectorAll('#page .card')].map(c => c.innerText)")
    assert "1.50 × data" in cards[0]
    assert ["⚠" in card for card in cards] == [False, True, True, False]
    assert "weaker than data" in cards[1]
    assert "fires on no image" in cards[2]
    assert "40 weights" in text
    current = driver.execute_script("return document.querySelector('nav [aria-current=page]').hash")
    assert current == "#layer-Conv2D_1"
    assert "no OIPs of this layer" in (go(driver, "#layer-Max_Pool_1") and driver.page_source)


@needs_browser
def test_the_page_is_used_by_keyboard_alone(driver: Any, atlas: str) -> None:
    opened(driver, atlas)
    driver.execute_script(HEADING)
    press(driver, TAB)
    assert driver.execute_script("return document.activeElement.className") == "skip"
    outline = "return getComputedStyle(document.activeElement).outlineStyle !== 'none'"
    assert driver.execute_script(outline)
    press(driver, ENTER)
    assert driver.execute_script("return document.activeElement.id") == "main"
    driver.execute_script("document.querySelector('.card').focus()")
    press(driver, ENTER)
    assert until(driver, "return shownHeading().startsWith('Map 0')")
    press(driver, RIGHT_KEY)
    assert until(driver, "return shownHeading().startsWith('Map 1')")
    press(driver, LEFT_KEY)
    press(driver, LEFT_KEY)
    # around the corner to the last
    assert until(driver, f"return shownHeading().startsWith('Map {BARE_MAP}')")


@needs_browser
def test_back_leads_to_the_map_in_the_overview_that_one_came_from(driver: Any, atlas: str) -> None:
    opened(driver, atlas)
    driver.execute_script(HEADING)
    emulated(driver, width=320)
    try:
        driver.execute_script("document.querySelector('[href=\"#map-11\"]').scrollIntoView()")
        before = until(driver, "return scrollY")
        go(driver, "#map-11")
        assert driver.execute_script("return scrollY") == 0
        driver.back()
        until(driver, "return document.activeElement.hash === '#map-11'")
        assert driver.execute_script("return scrollY") == pytest.approx(before, abs=2)
    finally:
        emulated(driver)


@needs_browser
def test_numbers_are_explained_by_focus_hover_and_touch(driver: Any, atlas: str) -> None:
    from selenium.webdriver import ActionChains

    tip = "const t = document.querySelector('#tip'); return !t.hidden && t.innerText"
    opened(driver, atlas, "#map-4")
    # by focus, as the keyboard moves it
    driver.execute_script("document.querySelector('#page .facts a, #page .facts button').focus()")
    press(driver, TAB)
    assert "mean activation" in until(driver, tip)
    described = driver.execute_script(
        "return document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent"
    )
    assert driver.execute_script(tip) == described
    press(driver, ESCAPE)
    assert not driver.execute_script(tip)
    # by hovering over a number
    number = driver.find_element("css selector", "#page td .n[data-term=activation]")
    ActionChains(driver).move_to_element(number).perform()
    assert "It has no unit" in until(driver, tip)
    # by touch
    driver.find_element("css selector", "#page .facts [data-term=selectivity]").click()
    assert "one class only" in until(driver, tip)
    # a card of the overview says all of it in a sentence
    opened(driver, atlas)
    driver.execute_script("document.querySelector('form button').focus()")
    for _ in range(7):
        press(driver, TAB)
        if driver.execute_script("return document.activeElement.className") == "card":
            break
    assert until(driver, tip).startswith("Map 0. Score")


@needs_browser
@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_wider_than_a_small_phone(driver: Any, atlas: str, part: str) -> None:
    emulated(driver, width=320)
    try:
        opened(driver, atlas, part)
        assert driver.execute_script("return document.documentElement.scrollWidth") == 320
    finally:
        emulated(driver)


@needs_browser
def test_dark_mode_is_dark(driver: Any, atlas: str) -> None:
    colors = (
        "return ['backgroundColor', 'color'].map(k => getComputedStyle(document.body)[k].match(/\\d+/g).map(Number))"
    )
    opened(driver, atlas)
    for dark in (False, True):
        emulated(driver, dark=dark)
        paper, ink = driver.execute_script(colors)
        assert (sum(paper) < sum(ink)) == dark
        assert abs(sum(paper) - sum(ink)) > 500
    emulated(driver)


AXE_RUN = """
    const done = arguments[0];
    const told = v => [v.impact, v.id, v.nodes.slice(0, 3).map(n => `${n.html.slice(0, 200)} ${n.failureSummary}`)];
    axe.run(document, {resultTypes: ['violations']}).then(found => done(found.violations.map(told)));
"""


@needs_browser
@needs_axe
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("part", [*PARTS, "#layer-Max_Pool_1"])
def test_the_accessibility_check_finds_nothing_serious(driver: Any, atlas: str, part: str, dark: bool) -> None:
    emulated(driver, dark=dark)
    try:
        opened(driver, atlas, part)
        driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        driver.execute_script(AXE.read_text(encoding="utf-8"))
        found = driver.execute_async_script(AXE_RUN)
        assert [each for each in found if each[0] in ("serious", "critical")] == []
    finally:
        emulated(driver)


@needs_browser
@pytest.mark.parametrize("attack", ATTACKS)
def test_script_in_text_of_the_user_does_not_run(driver: Any, tmp_path: Path, attack: str) -> None:
    address = saved(tmp_path, **attacked(attack))
    for part in ("", "#map-4", "#class-4", "#compare-4-9"):
        opened(driver, address, part)
        assert driver.execute_script("return window.hit") is None
        assert driver.get_log("browser") == []
        assert heading(driver)
    assert attack + "9" in driver.execute_script("return document.querySelector('#page h1').textContent")
    # a layer of that name has its page too
    driver.execute_script(HEADING)
    driver.execute_script("document.querySelectorAll('.layers a')[1].click()")
    assert until(driver, "return document.querySelector('.layer h1')?.textContent").startswith(f"{attack}2")
    assert driver.execute_script("return window.hit") is None


@needs_browser
def test_injected_script_is_stopped_by_the_policy(driver: Any, tmp_path: Path) -> None:
    text = render_atlas(**example())
    for injected in ("<script>window.hit = 1</script>", '<img src="data:," onerror="window.hit = 1">'):
        path = tmp_path / "injected.html"
        path.write_text(text.replace("</footer>", f"</footer>{injected}"), encoding="utf-8")
        opened(driver, path.as_uri())
        assert driver.execute_script("return window.hit") is None
        assert any("Content Security Policy" in entry["message"] for entry in driver.get_log("browser"))


@needs_browser
def test_links_work_in_a_frame_that_may_do_nothing(driver: Any, atlas: str, tmp_path: Path) -> None:
    # as MLflow shows it: a sandboxed frame with an origin of its own, at a blob: address
    text = json.dumps(render_atlas(**example())).replace("</", "<\\/")
    page = tmp_path / "frame.html"
    page.write_text(
        f"""<iframe sandbox="allow-scripts" width=900 height=700></iframe>
        <script>document.querySelector('iframe').src =
            URL.createObjectURL(new Blob([{text}], {{type: 'text/html'}}))</script>""",
        encoding="utf-8",
    )
    opened(driver, page.as_uri())
    driver.switch_to.frame(0)
    try:
        until(driver, "return document.querySelector('.card')")
        driver.execute_script(HEADING)
        assert choose(driver, "verdict", NEVER) == [NEVER_MAP]
        assert until(driver, "return location.hash.includes('verdict')")
        assert go(driver, f"#map-{NEVER_MAP}").startswith(f"Map {NEVER_MAP}")
        # the driver's own would go on outside of the frame
        driver.execute_script("history.back()")
        until(driver, "return !document.querySelector('#overview').hidden")
        assert shown(driver) == [NEVER_MAP]
    finally:
        driver.switch_to.default_content()


@needs_browser
def test_without_script_the_overview_is_readable(driver: Any, atlas: str) -> None:
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get("about:blank")
        driver.get(atlas)
        assert "need it" in driver.find_element("css selector", "noscript").text
        assert len(driver.find_elements("css selector", ".card img")) == 11
        assert not driver.find_element("css selector", "form").is_displayed()
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@needs_browser
def test_units_of_a_dense_layer_have_no_positions_and_see_the_whole_image(driver: Any, tmp_path: Path) -> None:
    address = saved(tmp_path, **example(dense=True, photo=False))
    opened(driver, address, "#map-4")
    assert heading(driver).startswith("Unit 4")
    text = driver.execute_script("return document.querySelector('#page').innerText")
    assert "Where it reacts" not in text
    assert "The dream" not in text
    assert driver.find_elements("css selector", "#page .crop, #page .tops rect") == []
