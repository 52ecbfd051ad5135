"""The note of a run, in Markdown, that MLflow's page shows above all else: what its pictures mean, how to repeat it."""

from collections.abc import Mapping

from pipeline.tracking.charts import SWEEPS_STAGE, shows_of

NOTE_TAG = "mlflow.note.content"


def note(
    stage: str,
    run_id: str,
    name: str,
    tags: Mapping[str, str],
    files: frozenset[str],
    warning: str | None = None,
    options: str = "",
) -> str:
    """Return the note of a run.

    Args:
        tags: of the run: what it stands on, and the sweep that it belongs to.
        warning: what is wrong with its result, None if nothing is.
        options: by which a command finds the record, as in " --output-dir X".
        files: the names under results/, so that nothing is told of what is not there.
    """
    shows = shows_of(stage)
    first, meanings = ("", {}) if shows is None else (shows.first, shows.files)
    told = [f"`results/{file}`: {meaning}" for file, meaning in meanings.items() if _is_there(file, files)]
    # names come from the command line: as code nothing in them is Markdown
    lines = [f"`{name.replace('`', ' ')}`"]
    if warning is not None:
        lines.append(f"**{stage}: {warning}.**")
    if first in files:
        lines.append(f"![{first}](get-artifact?path=results/{first}&run_uuid={run_id})")
    if shows is not None and shows.page in files:
        address = f"get-artifact?path=results/{shows.page}&run_uuid={run_id}"
        lines.append(f"The page: open `results/{shows.page}` under Artifacts, or [keep a copy of it]({address}).")
    if told:
        lines.append("\n".join(f"- {line}" for line in told))
    if stage != SWEEPS_STAGE:
        again = f"python -m pipeline.rerun {run_id}{options}"
        lines.append(f"Again, and whether it is the same bit for bit:\n\n    {again}")
    for key, upstream in sorted(tags.items()):
        if key.startswith("upstream."):
            lines.append(f"Stands on the {key.removeprefix('upstream.')} run [{upstream}](#/runs/{upstream}).")
    if "rerun_of" in tags:
        lines.append(f"Computed again from the record `{tags['rerun_of'].replace('`', ' ')}`.")
    if "sweep_id" in tags:
        lines.append(f"Runs of this sweep: search for `tags.sweep_id = '{tags['sweep_id']}'`.")
    return "\n\n".join(lines)


def _is_there(file: str, files: frozenset[str]) -> bool:
    """Tell whether something of that name is among the files: of a folder any in it, of LAYER/ one in any folder."""
    for name in file.split(", "):
        if name == "LAYER/" or name in files or (name.endswith("/") and any(f.startswith(name) for f in files)):
            return True
    return False
