"""The atlas in a real browser, as a user opens the file from disk."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from atlas_example import ATTACKS, BARE_MAP, MISSING_CLASS, NEVER_MAP, UNUSED_MAP, attacked, example
from browser import barriers, browser, emulated, needs_axe, needs_browser, until

from pipeline.stages.atlas.page import render_atlas
from pipeline.stages.atlas.page.effects import Group, cohens_d, farthest
from pipeline.stages.oip.result import NEVER

NAN = float("nan")


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


@needs_browser
@needs_axe
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("part", [*PARTS, "#layer-Max_Pool_1"])
def test_the_accessibility_check_finds_nothing_serious(driver: Any, atlas: str, part: str, dark: bool) -> None:
    emulated(driver, dark=dark)
    try:
        opened(driver, atlas, part)
        driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert barriers(driver) == []
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
