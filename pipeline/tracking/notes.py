"""The note of a run, in Markdown, that MLflow's page shows above all else: what its pictures mean, how to repeat it."""

from collections.abc import Mapping

# A page that is worth more than the pictures.
PAGE = "atlas.html"
NOTE_TAG = "mlflow.note.content"

# stage -> the picture to look at first, and what the files under results/ show
MEANING: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "train": (
        "curves.png",
        (
            ("curves.png", "loss and accuracy on training and test images after every epoch"),
            ("initial_weights.npz", "the weights before the first batch, from which another training can start"),
        ),
    ),
    "activations": (
        "images.png",
        (
            ("images.png", "the images that were looked at"),
            ("LAYER/", "one picture for each image: all maps of the layer, numbered from 0 row by row"),
            ("feature_maps.npz", "the same as numbers"),
        ),
    ),
    "statistics": (
        "classes.png",
        (
            ("classes.png", "the mean activation of every map (columns) over the images of each class (rows)"),
            ("top_images.png", "of every map the images that activate it most; bright is what its strongest node sees"),
            ("statistics.npz", "all of it as numbers: selectivity, correlations, accuracy without a map, and more"),
        ),
    ),
    "oip": (
        "contact_sheet.png",
        (
            (
                "contact_sheet.png",
                "of every map the image that drives it most, its score (mean activation) and verdict",
            ),
            ("contact_sheet_contrast.png", "the same with the contrast of the middle grey levels enhanced"),
            ("maps/", "each of these images by itself; the slider of the comparison moves over them"),
            ("evolution.png", "how some of them emerged, from the noise on the left to the last step"),
            ("emergence.gif", "all of them emerging"),
            ("objective.png", "what ascended, step by step, of every map"),
        ),
    ),
    "dream": (
        "before_after.png",
        (
            ("before_after.png", "the photo, and what the CNN made of it"),
            ("dream.png", "the dream with the photo's own contrast; dream_soft.png and dream_strong.png with others"),
            ("levels/, octaves/", "the picture after each level of each turn, or after each octave"),
            ("growing.webp", "the same, moving"),
        ),
    ),
    "atlas": (
        "dreams.png",
        (
            ("atlas.html", "a page about every map, in one file that needs no network"),
            ("dreams.png", "the photo, dreamt towards every map"),
            ("atlas.npz", "OIPs from other starts, agreement between seeds, the path through the early layers"),
        ),
    ),
    "dream_sheet": (
        "contact_sheet.png",
        (
            ("contact_sheet.png", "one photo, dreamt in several ways"),
            ("dreams/", "each of them by itself"),
        ),
    ),
    "sweeps": (
        "activation.png",
        (
            ("activation.png", "a row for each job, a column for each map: bright is a high activation"),
            ("oips.png", "the pictures of some maps, job by job"),
            ("jobs.csv", "what was set, what became of it and its figures, job by job"),
        ),
    ),
}


def note(stage: str, run_id: str, name: str, tags: Mapping[str, str], files: frozenset[str]) -> str:
    """The note of a run.

    Args:
        tags: of the run: what it stands on, and the sweep that it belongs to.
        files: the names under results/, so that nothing is told of what is not there.
    """
    first, meanings = MEANING.get(stage, ("", ()))
    told = [f"`results/{file}`: {meaning}" for file, meaning in meanings if _is_there(file, files)]
    # names come from the command line: as code nothing in them is Markdown
    lines = [f"`{name.replace('`', ' ')}`"]
    if first in files:
        lines.append(f"![{first}](get-artifact?path=results/{first}&run_uuid={run_id})")
    if PAGE in files:
        address = f"get-artifact?path=results/{PAGE}&run_uuid={run_id}"
        lines.append(f"The atlas: open `results/{PAGE}` under Artifacts, or [keep a copy of it]({address}).")
    if told:
        lines.append("\n".join(f"- {line}" for line in told))
    if stage != "sweeps":
        lines.append(f"Again, and whether it is the same bit for bit:\n\n    python -m pipeline.rerun {run_id}")
    for key, upstream in sorted(tags.items()):
        if key.startswith("upstream."):
            lines.append(f"Stands on the {key.removeprefix('upstream.')} run [{upstream}](#/runs/{upstream}).")
    if "rerun_of" in tags:
        lines.append(f"Computed again from the record `{tags['rerun_of'].replace('`', ' ')}`.")
    if "sweep_id" in tags:
        lines.append(f"Runs of this sweep: search for `tags.sweep_id = '{tags['sweep_id']}'`.")
    return "\n\n".join(lines)


def _is_there(file: str, files: frozenset[str]) -> bool:
    """Whether something of that name is among the files: of a folder any file in it, of LAYER/ one in any folder."""
    for name in file.split(", "):
        if name == "LAYER/" or name in files or (name.endswith("/") and any(f.startswith(name) for f in files)):
            return True
    return False
