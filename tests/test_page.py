"""MLflow's page in a real browser: what a user sees who follows the printed addresses, without any further click."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import WAIT_S, browser, needs_browser, until
from commands import SMOKE, pipeline, succeeded
from page import CURVES, PICTURES, WORDS, opened, page_of, run_page, table_page
from templates import copy_of

pytestmark = needs_browser

ARROW_RIGHT = "\ue014"


@pytest.fixture(scope="module")
def addresses(smoke: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What `make ui` prints after all stages of SMOKE and a sweep of three wavelengths: name -> address."""
    folder = copy_of(smoke, tmp_path_factory.mktemp("page"))
    succeeded(pipeline(folder, "-m", *SMOKE, "stages=[oip]", "oip.xla=false", "noise=long,short,pixels"))
    with page_of(folder) as found:
        yield found


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with browser() as driver:
        yield driver


def pictures(driver: Any, card: str, count: int) -> list[str]:
    found = until(driver, PICTURES, card, count)
    assert len(found) == count
    return found


def moved(driver: Any, card: str, count: int, before: list[str], *, slider: int = 0) -> None:
    """Move a slider of the page by one: all pictures of the card are others then."""
    from selenium.webdriver.support.ui import WebDriverWait

    driver.execute_script("return document.querySelectorAll('[role=slider]')[arguments[0]]", slider).send_keys(
        ARROW_RIGHT
    )
    WebDriverWait(driver, WAIT_S).until(
        lambda _: not set(pictures(driver, card, count)) & set(before), "the pictures stay the same"
    )


def first_run(driver: Any) -> str:
    """The id of a run that the page links to."""
    link = until(
        driver, "return [...document.querySelectorAll('a')].map(a => a.href).find(h => /runs\\/[0-9a-f]{32}/.test(h))"
    )
    found = re.search(r"runs/([0-9a-f]{32})", link)
    assert found is not None
    return found[1]


# the comparisons ------------------------------------------------------------------------------------------------------


def test_the_oips_of_a_map_stand_side_by_side_for_every_wavelength(addresses: dict[str, str], driver: Any) -> None:
    (sweep,) = (address for name, address in addresses.items() if name.startswith("oip, sweep: 3 jobs: noise"))
    opened(driver, sweep)
    first = pictures(driver, "oip/map", 3)
    # three wavelengths make three pictures
    assert len(set(first)) == 3
    text = driver.execute_script("return document.body.innerText")
    # named by what differs, in the order of the jobs
    places = [text.index(f"oip noise={noise}\n") for noise in ("long", "short", "pixels")]
    assert places == sorted(places)
    moved(driver, "oip/map", 3, first)
    assert len(pictures(driver, "oip/contact_sheet", 3)) == 3
    until(driver, "return document.querySelectorAll('.parcoords path, .parcoords canvas').length > 0")
    until(driver, CURVES, 2)


def test_a_view_of_a_sweep_has_no_other_runs_and_that_of_the_stage_has_all(
    addresses: dict[str, str], driver: Any
) -> None:
    opened(driver, addresses["oip"])
    # the three of the sweep, and the one of the run alone
    pictures(driver, "oip/map", 4)


def test_of_a_sweep_the_heat_map_and_the_sheet_are_there(addresses: dict[str, str], driver: Any) -> None:
    opened(driver, addresses["sweeps"])
    pictures(driver, "sweep/activation", 1)
    pictures(driver, "sweep/oips", 1)


def test_of_a_training_losses_accuracies_and_the_learning_rate_are_drawn(
    addresses: dict[str, str], driver: Any
) -> None:
    opened(driver, addresses["train"])
    until(driver, CURVES, 3)
    # a chart is drawn before its title is
    until(driver, WORDS, "test_loss", "test_accuracy", "learning_rate")


def test_dreams_stand_side_by_side_and_a_slider_goes_through_the_levels(addresses: dict[str, str], driver: Any) -> None:
    opened(driver, addresses["dream"])
    pictures(driver, "dream/picture", 1)
    first = pictures(driver, "dream/growing", 1)
    # the first one is that of the finished dream, which has one step
    moved(driver, "dream/growing", 1, first, slider=1)


# a run ----------------------------------------------------------------------------------------------------------------


def test_the_page_of_a_run_shows_what_its_note_says(addresses: dict[str, str], driver: Any) -> None:
    opened(driver, addresses["oip"])
    run_id = first_run(driver)
    opened(driver, run_page(addresses["oip"], run_id))
    sheet = "i => i.src.includes('contact_sheet.png') && i.naturalWidth > 400"
    until(driver, f"return [...document.querySelectorAll('img')].find({sheet})")
    text = driver.execute_script("return document.body.innerText")
    assert f"python -m pipeline.rerun {run_id}" in text
    assert "Stands on the train run" in text


def test_the_atlas_opens_under_the_artifacts_and_can_be_used_there(addresses: dict[str, str], driver: Any) -> None:
    opened(driver, addresses["atlas"])
    pictures(driver, "atlas/dreams", 1)
    opened(driver, run_page(addresses["atlas"], first_run(driver)) + "/artifacts/results/atlas.html")
    driver.switch_to.frame(until(driver, "return document.querySelector('iframe')"))
    try:
        # the script has counted them
        until(
            driver,
            "const count = document.querySelector('.count'); return count && count.innerText === 'all 128 shown'",
        )
        # in a frame without an origin of its own
        until(driver, "document.querySelector('a.card').click(); return true")
        heading = "const found = document.querySelector('#page h1'); return found && found.innerText"
        assert until(driver, heading).startswith("Map ")
    finally:
        driver.switch_to.default_content()


def test_the_table_shows_the_picture_of_every_map_for_every_run(addresses: dict[str, str], driver: Any) -> None:
    opened(driver, table_page(addresses["oip"]))
    until(driver, "return [...document.querySelectorAll('img')].filter(i => i.naturalWidth > 0).length >= 4")
    text = driver.execute_script("return document.body.innerText")
    assert "tables/pictures.json" in text
    assert "map 000" in text
