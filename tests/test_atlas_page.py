"""The atlas: what it says, by hand."""

import base64
import dataclasses
import hashlib
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from atlas_example import ATTACKS, BARE_MAP, UNUSED_MAP, attacked, example
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
