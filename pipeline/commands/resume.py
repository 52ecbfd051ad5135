"""python -m pipeline.resume DIR: finish a sweep that was interrupted, or in which jobs failed.

The command of the sweep is given again, in the folder where it was given; jobs that are finished say so and end. If the
output folder around the sweep was moved or copied, that is where the command writes to.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from pipeline.commands.options import folder as folder_argument
from pipeline.commands.run import command
from pipeline.engine.provenance import conf_digest
from pipeline.runtime.output import run_command
from pipeline.settings.compose import CONF
from pipeline.sweeps import jobs
from pipeline.sweeps.callback import PLACE
from pipeline.sweeps.folder import FILE, read, rows
from pipeline.sweeps.moved import followed, quoted


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is missing; the exit code is that of the sweep."""
    parser = argparse.ArgumentParser("python -m pipeline.resume", description="finish an interrupted sweep")
    parser.add_argument(
        "folder", type=folder_argument, metavar="DIR", help="the folder of the sweep, outputs/multirun/DATE/TIME"
    )
    folder = parser.parse_args(arguments).folder.absolute()
    sweep = read(folder)
    if sweep is None:
        print(f"mnist-dream: DIR: takes the folder of a sweep, with a {FILE}; got {folder}", file=sys.stderr)
        return 2
    sweep = followed(sweep, folder)
    if sweep.jobs is None:
        takes = "a sweep whose jobs were known when it began; a study is continued by its own command, given again"
        print(f"mnist-dream: DIR: takes {takes}; got {folder}", file=sys.stderr)
        return 2
    done = sum(row.state == jobs.FINISHED for row in rows(sweep, folder))
    print(f"{done} of {len(sweep.jobs)} jobs are finished", flush=True)
    if conf_digest(CONF) != sweep.conf:
        print("mnist-dream: the files of conf/ have changed since; the rest follows today's", file=sys.stderr)
    try:
        os.chdir(sweep.directory)
    except OSError as error:
        takes = f"a sweep whose command can be given again in {sweep.directory}"
        print(f"mnist-dream: DIR: takes {takes}; got {error.strerror}", file=sys.stderr)
        return 2
    sys.argv[1:] = [*sweep.command, f"{PLACE}{quoted(str(folder))}"]
    return command()


if __name__ == "__main__":
    sys.exit(run_command(main))
