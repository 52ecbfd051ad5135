"""The pictures of OIPs: what is marked and said, and which files are made."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from picture_examples import below, has_color, of_every_kind, sweep, with_starts

from pipeline.data.dataset import Dataset
from pipeline.drawing.levels import (
    enhanced,
    stretched,
)
from pipeline.drawing.sheets import (
    FAINT_INK,
    INK,
    PAPER,
    WARNING,
    Caption,
    Mark,
)
from pipeline.engine.record import PICTURE
from pipeline.engine.stage import Context
from pipeline.runtime.progress import no_progress
from pipeline.settings.choices import Strategy
from pipeline.stages.oip.metrics import metrics
from pipeline.stages.oip.pictures import render_oips
from pipeline.stages.oip.pictures.contact_sheet import dimmed
from pipeline.stages.oip.pictures.objective import stage_borders
from pipeline.stages.oip.pictures.strips import kept_start, ranked, shown_starts
from pipeline.stages.oip.pictures.words import headline, in_few_digits, ratio, verdict_in_short, verdict_lines, words_of
from pipeline.stages.oip.result import OipSweepResult


def test_a_map_that_was_never_triggered_is_marked_in_red_and_dimmed(oip_config) -> None:
    # the same image for both maps: only the verdict tells them apart
    image = np.random.default_rng(1).normal(size=(1, 28, 28, 1)).repeat(2, axis=0)
    pictures = render_oips(oip_config(), sweep([3, 56], ["converged", "never triggered"], image))
    for name in ("contact_sheet.png", "contact_sheet_contrast.png"):
        sheet = pictures[name]
        top = sheet.shape[0] - 8 - (2 * 17 + 3) - 224
        triggered, never = sheet[top:, 8 : 8 + 224], sheet[top:, 16 + 224 : 16 + 448]
        assert has_color(never[224:], WARNING)
        assert not has_color(triggered[224:], WARNING)
        assert has_color(triggered[224:], INK)
        assert triggered[:224].min() == 0
        assert 191 <= never[:224].min() < 255, "dimmed: 255 - 255 / 4"


def test_few_maps_have_their_verdicts_in_words(oip_config) -> None:
    result = of_every_kind([3, 56, -1])
    sheet = render_oips(oip_config(), result)["contact_sheet.png"]
    captions = [
        [Caption("map 3", "5.45, 2.73 x data"), Caption("converged at step 48", mark=Mark.dot)],
        [
            Caption("map 56", "5.45"),
            Caption("still rising", mark=Mark.triangle),
            Caption("restarted 2 times", mark=Mark.loop, color=FAINT_INK),
            Caption("fires on no image of the data set", mark=Mark.ring, color=FAINT_INK),
        ],
        [
            Caption("whole layer", "no OIP", color=WARNING),
            Caption("never triggered", mark=Mark.cross, color=WARNING),
            Caption("restarted 3 times", mark=Mark.loop, color=FAINT_INK),
            Caption("fires on no image of the data set", mark=Mark.ring, color=FAINT_INK),
        ],
    ]
    bottom = sheet.shape[0] - 8
    for k, lines in enumerate(captions):
        left, expected = 8 + k * 232, below(lines, 224)
        top = bottom - (4 * 17 + 3)
        assert (sheet[top : top + len(expected), left : left + 224] == expected).all()
        assert (sheet[top + len(expected) : bottom, left : left + 224] == PAPER).all()


def test_many_maps_have_their_verdicts_as_signs_and_numbers(oip_config) -> None:
    kinds, count = of_every_kind([0, 1, 2]), 128
    result = sweep(
        list(range(count)),
        [str(kinds.verdicts[k % 3]) for k in range(count)],
        converged_at=np.resize(kinds.converged_at, count),
        restarts=np.resize(kinds.restarts, count),
        data_maximum=np.resize(kinds.data_maximum, count),
    )
    sheet = render_oips(oip_config(), result)["contact_sheet.png"]
    height = 84 + 3 * 17 + 3
    top = sheet.shape[0] - 8 * (height + 8)
    unseen = Caption("no image", mark=Mark.ring, color=FAINT_INK)
    captions = [
        [Caption("126", "5.45"), Caption("48", mark=Mark.dot), Caption("2.73 x data", color=FAINT_INK)],
        [Caption("127", "5.45"), Caption("rising", "2", Mark.triangle, Mark.loop), unseen],
        [Caption("2", "no OIP", color=WARNING), Caption("never", "3", Mark.cross, Mark.loop, WARNING), unseen],
    ]
    for k, lines in zip((126, 127, 2), captions, strict=True):
        row, left = top + k // 16 * (height + 8) + 84, 8 + k % 16 * 92
        assert (sheet[row : row + 54, left : left + 84] == below(lines, 84)).all()
    assert (sheet[top:, :8] == PAPER).all()
    for column in range(1, 17):
        gap = 92 * column
        assert (sheet[top:, gap : gap + 8] == PAPER).all(), "a caption runs into the next one"


@pytest.mark.parametrize("name", ["0", "127", "layer", "direction"])
def test_no_short_caption_is_wider_than_a_small_tile(name: str) -> None:
    result = sweep(
        [0],
        ["converged"],
        names=np.array([name]),
        activation=np.array([0.0]),
        converged_at=np.array([9999]),
        restarts=np.array([10]),
    )
    assert verdict_in_short(result, 0).width <= 84
    for activation, data_maximum in ((1e-6, 1.0), (0.0032, 1.0), (123.4, 1.0), (9.9e3, 1.0), (1e9, 1.0), (1.0, 1e-30)):
        values = replace(result, activation=np.array([activation]), data_maximum=np.array([data_maximum]))
        assert Caption(ratio(values, 0)).width <= 84


def test_signs_in_the_heading_are_those_that_occur(oip_config) -> None:
    def heading(result: OipSweepResult) -> np.ndarray:
        sheet = render_oips(oip_config(), result)["contact_sheet.png"]
        return sheet[: sheet.shape[0] - 8 - (4 * 17 + 3) - 224]

    everything = heading(of_every_kind([3, 56, 7]))
    assert all(has_color(everything, mark.value) for mark in Mark if mark not in (Mark.frame, Mark.bar))
    unsteady = heading(sweep([3, 56, 7], ["converged", "not converged", "still rising"]))
    assert has_color(unsteady, Mark.bar.value)
    plain = heading(sweep([3, 56, 7], ["converged"] * 3))
    assert has_color(plain, Mark.dot.value)
    assert has_color(plain, Mark.cross.value), "that there is none is said too"
    assert not has_color(plain, Mark.loop.value)
    assert not has_color(plain, Mark.ring.value)
    assert not has_color(plain, Mark.bar.value)


def test_verdicts_are_those_of_the_result() -> None:
    result = of_every_kind([3, 56, 57])
    for row in range(3):
        assert ", ".join(line.left for line in verdict_lines(result, row)) == result.verdict(row)
    assert result.verdict(2) == "never triggered, restarted 3 times, fires on no image of the data set"


@pytest.mark.parametrize(
    ("activation", "data_maximum", "text"),
    [(0.97, 1.0, "0.970 x data"), (5.0, 0.4, "12.5 x data"), (5.0, 1e-6, "> 9999 x data"), (5.0, 0.0, ""),
     (5.0, np.nan, ""), (5.0, np.inf, "")],
)  # fmt: skip
def test_the_score_as_a_multiple_of_the_largest_on_the_data(activation: float, data_maximum: float, text: str) -> None:
    result = sweep([3], ["converged"], activation=np.array([activation]), data_maximum=np.array([data_maximum]))
    assert ratio(result, 0) == text


def test_the_parts_of_a_layer_are_called_what_they_are(oip_config) -> None:
    result = sweep([3, 56], ["converged", "never triggered"])

    def title(dense: bool = False, **changes: Any) -> str:
        return headline(words_of(oip_config(**changes), dense=dense), result)

    assert title(layer="Conv2D_3") == "Conv2D_3: 1 of 2 maps triggered"
    assert title(layer="Conv2D_3", position=[1, 2]) == "Conv2D_3 at row 1, column 2: 1 of 2 maps triggered"
    assert title(layer="Dense_1", dense=True) == "Dense_1: 1 of 2 units triggered"
    assert title(layer="Output") == "Output: 1 of 2 classes triggered"
    assert words_of(oip_config(layer="Output"), dense=True).label("3") == "class 3"
    assert words_of(oip_config(), dense=False).label("layer") == "whole layer"
    one = sweep([-1], ["converged"], names=np.array(["direction"]))
    assert headline(words_of(oip_config(), dense=False), one) == "Conv: 1 of 1 triggered"
    one = sweep([3], ["converged"])
    assert headline(words_of(oip_config(), dense=False), one) == "Conv: 1 of 1 map triggered"


def test_a_map_picture_is_the_stretched_image_enlarged_eight_times(oip_config) -> None:
    result = sweep([0, 127, -1], ["converged", "still rising", "converged"])
    pictures = render_oips(oip_config(), result)
    expected = np.kron(stretched(result.images[1, ..., 0]), np.ones((8, 8), np.uint8))
    assert (pictures["maps/map_127.png"] == expected).all()
    contrast = enhanced(result.images[1, ..., 0], oip_config().contrast)
    assert (pictures["maps_contrast/map_127.png"][::8, ::8] == contrast).all()


@pytest.mark.parametrize("starts", [1, 2])
def test_render_oips_names_files_by_map(oip_config, compose, starts: int) -> None:
    no_images = Dataset("none", "", *[np.zeros(0)] * 4, class_names=())
    result = sweep([0, 127, -1], ["converged", "still rising", "never triggered"])
    result = replace(
        result,
        all_images=result.all_images.repeat(starts, axis=1),
        all_activation=result.all_activation.repeat(starts, axis=1),
    )
    names = ["layer.png", "map_000.png", "map_127.png"]
    assert sorted(render_oips(oip_config(), result)) == [
        "contact_sheet.png",
        "contact_sheet_contrast.png",
        "emergence.gif",
        "evolution.png",
        *(f"maps/{name}" for name in names),
        *(f"maps_contrast/{name}" for name in names),
        "objective.png",
        *(["starts.png"] if starts > 1 else []),
    ]
    context = Context(config=compose(), dataset=no_images, inputs={}, upstream={}, progress=no_progress)
    recorded = metrics(result, context).images
    assert recorded["oip/map"] == {0: "maps/map_000.png", 127: "maps/map_127.png"}
    assert recorded.get("oip/starts") == ({0: "starts.png"} if starts > 1 else None)


def test_sheets_alone(oip_config, compose) -> None:
    result = sweep([0, 127], ["converged", "still rising"])
    no_images = Dataset("none", "", *[np.zeros(0)] * 4, class_names=())
    sheets, whole = compose("oip.pictures=sheets"), compose()
    drawn, all_drawn = (render_oips(config.oip, result) for config in (sheets, whole))
    assert {"contact_sheet.png", "emergence.gif"} <= drawn.keys()
    assert all_drawn.keys() - drawn.keys() == {
        f"{folder}/map_{index}.png" for folder in ("maps", "maps_contrast") for index in ("000", "127")
    }
    for name in ("contact_sheet.png", "objective.png"):
        np.testing.assert_array_equal(drawn[name], all_drawn[name])
    recorded, all_recorded = (
        metrics(result, Context(config=config, dataset=no_images, inputs={}, upstream={}, progress=no_progress))
        for config in (sheets, whole)
    )
    assert recorded.images == {"oip/contact_sheet": {0: "contact_sheet.png"}}
    # all that is known of a map stays in its table, but for the picture
    assert recorded.tables.keys() == {"maps"}
    assert all_recorded.tables["maps"] == {**recorded.tables["maps"], **{PICTURE: all_recorded.tables["maps"][PICTURE]}}


def test_a_mix_of_maps_is_named_direction(oip_config) -> None:
    pictures = render_oips(oip_config(), sweep([-1], ["converged"], names=np.array(["direction"])))
    assert [name for name in pictures if name.startswith("maps/")] == ["maps/direction.png"]


def test_a_contact_sheet_of_128_maps_has_16_columns(oip_config) -> None:
    sheet = render_oips(oip_config(), sweep(list(range(128)), ["converged"] * 128))["contact_sheet.png"]
    assert sheet.shape[1] == 8 + 16 * (84 + 8)


def test_evolution_begins_with_the_start_image_of_the_strongest_map(oip_config) -> None:
    result = sweep(list(range(20)), ["converged"] * 20)
    result.activation[7] = 99.0
    evolution = render_oips(oip_config(), result)["evolution.png"]
    rows, columns = 8, 3
    top = evolution.shape[0] - rows * (84 + 20 + 8)
    left = evolution.shape[1] - columns * 92
    for k, image in enumerate([result.start_images, *result.snapshots]):
        tile = evolution[top : top + 84, left + 92 * k : left + 92 * k + 84, 0]
        assert (tile == np.kron(stretched(image[7, ..., 0]), np.ones((3, 3), np.uint8))).all()


def test_evolution_tells_the_whole_verdict_beside_a_row(oip_config) -> None:
    result = of_every_kind([3, 56, 57])
    result.activation[:] = [3.0, 2.0, 0.0]
    evolution = render_oips(oip_config(), result)["evolution.png"]
    left = evolution.shape[1] - 3 * 92
    tops = [evolution.shape[0] - (3 - row) * (84 + 20 + 8) for row in range(3)]
    labels = [evolution[top : top + 84 + 20, 8 : left - 8] for top in tops]
    lines = [
        [Caption("3.00, 1.50 x data"), Caption("converged at step 48", mark=Mark.dot)],
        [Caption("2.00"), *verdict_lines(result, 1)],
        [Caption("no OIP", color=WARNING), *verdict_lines(result, 2)],
    ]
    for label, said in zip(labels, lines, strict=True):
        expected = below(said, label.shape[1])[:-3]
        places = range(label.shape[0] - len(expected) + 1)
        assert any((label[top : top + len(expected)] == expected).all() for top in places)
        assert (evolution[tops[0] :, left - 8 : left] == PAPER).all(), "no label runs into the pictures"


def frames_in(sheet: np.ndarray, rows: int, columns: int) -> list[tuple[int, int]]:
    """Which of the tiles of starts.png, (row, column), are framed; the sheet has to be as wide as its heading."""
    side = 84 + 6
    top, left = sheet.shape[0] - rows * (side + 20 + 8), sheet.shape[1] - columns * (side + 8)
    framed = []
    for row in range(rows):
        for column in range(columns):
            y, x = top + row * (side + 28), left + column * (side + 8)
            tile = (sheet[y : y + side, x : x + side] == Mark.frame.value).all(axis=-1)
            assert not tile[3:-3, 3:-3].any()
            if tile[[0, 2, -3, -1]].all() and tile[:, [0, 2, -3, -1]].all():
                framed.append((row, column))
            else:
                assert not tile.any()
    return framed


def test_of_several_starts_the_best_one_is_framed(oip_config) -> None:
    # map 2 is the strongest, then 0, then 1
    result = with_starts([[3.0, 4.0, 2.0, 1.0, 3.5], [1.0, 0.0, 0.5, 0.2, 0.9], [5.0, 6.0, 7.0, 8.0, 9.0]])
    sheet = render_oips(oip_config(), result)["starts.png"]
    assert frames_in(sheet, 3, 5) == [(0, 4), (1, 1), (2, 0)]
    top, left = sheet.shape[0] - 3 * 118, sheet.shape[1] - 5 * 98
    for row, map_row in enumerate([2, 0, 1]):
        for column in range(5):
            y, x = top + row * 118, left + column * 98
            levels = stretched(result.all_images[map_row, column, ..., 0])
            if (map_row, column) == (1, 1):
                levels = dimmed(levels)
            assert (sheet[y + 3 : y + 87, x + 3 : x + 87, 0] == np.kron(levels, np.ones((3, 3), np.uint8))).all()
            value = result.all_activation[map_row, column]
            caption = Caption(in_few_digits(value), color=INK if value > 0 else WARNING)
            assert (sheet[y + 90 : y + 110, x : x + 90] == below([caption], 90)).all()


def test_the_kept_start_is_the_best_one_whatever_its_number() -> None:
    # precursor: start images 11 and 4 were ascended, in this order
    result = replace(with_starts([[3.0, 7.0]]), start=np.array([4]))
    assert kept_start(result, 0) == 1
    assert kept_start(with_starts([[np.nan, 1.0, 2.0]]), 0) == 2


def test_after_a_restart_none_of_the_first_starts_is_framed(oip_config) -> None:
    result = with_starts([[0.0] * 9, [2.0] + [1.0] * 8], restarts=np.array([1, 0]))
    result.activation[0], result.verdicts[0] = 1.5, "still rising"
    sheet = render_oips(oip_config(), result)["starts.png"]
    assert frames_in(sheet, 2, 9) == [(0, 0)]
    assert has_color(sheet[:80], Mark.loop.value), "the heading says why"


def test_of_many_starts_and_maps_16_are_shown_with_the_kept_one(oip_config) -> None:
    scores = np.tile(np.linspace(1, 2, 20), (40, 1)) * np.arange(1, 41)[:, None]
    result = with_starts(scores.tolist())
    sheet = render_oips(oip_config(), result)["starts.png"]
    assert frames_in(sheet, 16, 16) == [(row, 15) for row in range(16)]
    assert shown_starts(20, 19) == [*range(15), 19]
    assert shown_starts(20, None) == shown_starts(20, 3) == list(range(16))
    assert shown_starts(2, 1) == [0, 1]
    assert ranked(result.activation, 16)[0] == 39
    assert ranked(result.activation, 16)[-1] == 0


def test_a_stage_begins_where_the_steps_of_those_before_are_done(oip_config) -> None:
    assert stage_borders(oip_config(strategy=Strategy.coarse_to_fine, stage_steps=[1, 1, 2])) == [1, 2]
    assert stage_borders(oip_config(stage_steps=[1, 1, 2])) == []


def test_stages_are_marked_in_the_objective(oip_config) -> None:
    result = sweep([3], ["converged"], objective=np.zeros((40, 1)))
    coarse_to_fine = oip_config(strategy=Strategy.coarse_to_fine, stage_steps=[10, 30])
    plain, marked = (render_oips(config, result)["objective.png"] for config in (oip_config(), coarse_to_fine))
    # in the upper half, where neither the curve nor the label of the axis is
    changed = (plain != marked).any(axis=-1)[60 : plain.shape[0] // 2]
    columns = np.flatnonzero(changed.sum(axis=0) > changed.shape[0] // 4)
    assert 1 <= len(columns) <= 3, "one thin line"
    # at 9.5 of 0 to 39
    assert columns[0] / plain.shape[1] == pytest.approx(0.08 + 0.9 * 9.5 / 39, abs=0.05)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (5.4549, "5.45"), (0.567, "0.567"), (41.24, "41.2"), (418.3, "418"), (99.97, "100"),
     (2750.4, "2750"), (0.0032, "0.0032"), (-1.5, "-1.50")],
)  # fmt: skip
def test_in_few_digits(value: float, text: str) -> None:
    assert in_few_digits(value) == text
