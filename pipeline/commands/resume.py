"""python -m pipeline.resume DIR: finish a sweep that was interrupted, or in which jobs failed.

The command of the sweep is given again, in the folder where it was given; jobs that are finished say so and end. If the
output folder around the sweep was moved or copied, that is where the command writes to.
"""

import argparse
import os
import sys
from pathlib import Path

from pipeline.commands.command import Command
from pipeline.commands.options import folder
from pipeline.commands.run import command
from pipeline.commands.several import sweep_folder
from pipeline.engine.provenance import conf_digest
from pipeline.runtime.errors import BrokenFileError, InputError
from pipeline.settings.preset_check import check_files
from pipeline.settings.presets import Presets
from pipeline.sweeps import jobs
from pipeline.sweeps.callback import PLACE
from pipeline.sweeps.folder import FILE, read, rows
from pipeline.sweeps.moved import followed, quoted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder of the sweep."""
    parser.add_argument(
        "folder", type=folder, metavar="DIR", help="the folder of the sweep, outputs/multirun/DATE/TIME"
    )


def execute(options: argparse.Namespace) -> int:
    """Do what is missing; return the exit code of the sweep."""
    place = options.folder.absolute()
    takes = f"the folder of a sweep, with a {FILE}"
    try:
        sweep = read(place)
    except BrokenFileError as error:
        raise InputError.at("DIR", takes=takes, got=f"{place}, whose {FILE} {error.problem}") from error
    if sweep is None:
        known = None if place.exists() else sweep_folder(Path("outputs"), options.folder.name)
        got = f"{place.name}, the id of the sweep in {known}" if known else str(place)
        raise InputError.at("DIR", takes=takes, got=got)
    sweep = followed(sweep, place)
    if sweep.jobs is None:
        takes = "a sweep whose jobs were known when it began; a study is continued by its own command, given again"
        raise InputError.at("DIR", takes=takes, got=str(place))
    done = sum(row.state == jobs.FINISHED for row in rows(sweep, place))
    print(f"{done} of {len(sweep.jobs)} jobs are finished", flush=True)
    try:
        os.chdir(sweep.directory)
    except OSError as error:
        takes = f"a sweep whose command can be given again in {sweep.directory}"
        raise InputError.at("DIR", takes=takes, got=error.strerror) from error
    presets = Presets.of_command(sweep.command)
    if conf_digest(presets.main, *check_files(presets)) != sweep.conf:
        print("mnist-dream: files with settings have changed since; the rest follows today's", file=sys.stderr)
    sys.argv[1:] = [*sweep.command, f"{PLACE}{quoted(str(place))}"]
    return command()


main = Command(
    name="resume",
    about="finish an interrupted sweep",
    add_arguments=add_arguments,
    example="outputs/multirun/2026-01-31/12-00-00-000000",
    execute=execute,
)

if __name__ == "__main__":
    sys.exit(main.run())
