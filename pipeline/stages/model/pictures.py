"""The picture of a CNN out of a file: its layers as a list."""

from pipeline.drawing.curves import new_figure, to_picture
from pipeline.drawing.pictures import Pictures
from pipeline.stages.model.result import ModelResult

# More layers are named in part: the first and the last ones.
MOST = 60
INCHES = 0.22


def render_model(result: ModelResult) -> Pictures:
    """Draw layers.png: name, kind and shape of each layer."""
    facts = result.facts
    rows = list(zip(facts["layers"].tolist(), facts["kinds"].tolist(), facts["shapes"].tolist(), strict=True))
    if len(rows) > MOST:
        left_out = f"... {len(rows) - MOST} more"
        rows = [*rows[: MOST // 2], (left_out, "", ""), *rows[-MOST // 2 :]]
    title = f"{len(facts['layers'])} layers, {int(facts['weights']):,} weights"
    with new_figure(1, width=9, height=max(2.0, INCHES * (len(rows) + 3))) as (figure, (axes,)):
        axes.axis("off")
        axes.set_title(title, loc="left", fontsize=10)
        for number, row in enumerate(rows):
            for place, text in zip((0.0, 0.5, 0.78), row, strict=True):
                axes.text(
                    place, 1 - (number + 0.5) / len(rows), str(text)[:60], va="center", fontsize=8, parse_math=False
                )
        return {"layers.png": to_picture(figure)}
