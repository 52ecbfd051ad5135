"""The command line of the store: python -m pipeline.store list | verify | prune."""

import argparse
import sys
import time
from pathlib import Path

from pipeline.commands.command import Command
from pipeline.commands.options import days, folder
from pipeline.data.pixels import FOLDER as PIXELS
from pipeline.data.pixels import leftover_files, stored_files
from pipeline.engine.entries import Entry, entries
from pipeline.engine.store import Store, is_being_computed
from pipeline.runtime.errors import InputError
from pipeline.stages.registry import STAGES

OUTPUT_DIR = Path("outputs")
DAY_S = 24 * 3600
SHORT = 12
PRUNE = "prune"
WHAT = {
    "list": "what is in the store, the least recently used first",
    "verify": "whether every array is what it was when it was saved",
    PRUNE: "remove what killed processes left, and what is asked for",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is to be done with the store, and where it is."""
    parser.add_argument("command", choices=WHAT, metavar=" | ".join(WHAT), help="; ".join(map(": ".join, WHAT.items())))
    parser.add_argument("--output-dir", type=folder, default=OUTPUT_DIR, help="default: %(default)s")
    prune = parser.add_argument_group(PRUNE, "also remove")
    prune.add_argument("--broken", action="store_true", help="results that `verify` complains of")
    prune.add_argument("--outdated", action="store_true", help="results of other sources or versions than today's")
    prune.add_argument("--unused-for", type=days, metavar="DAYS", help="results not made or reused for so long")
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")


def execute(options: argparse.Namespace) -> int:
    """List, verify or prune the store; return 1 if a result is not as it was saved."""
    if options.command != PRUNE:
        given = [
            name
            for name in ("broken", "outdated", "unused_for", "dry_run")
            if getattr(options, name) not in (None, False)
        ]
        if given:
            raise InputError(f"--{given[0].replace('_', '-')}: goes with {PRUNE}, not with {options.command}")
    root = options.output_dir / "store"
    if not root.is_dir():
        raise InputError(f"nothing is stored in {options.output_dir.resolve()} yet")
    match options.command:
        case "list":
            return _list(Store(root, STAGES))
        case "verify":
            return _verify(Store(root, STAGES))
        case _:
            return _prune(Store(root, STAGES), options)


def _list(store: Store) -> int:
    found = entries(store)
    for entry in found:
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        print(f"{entry.stage:<12} {entry.key[:SHORT]}  {day}  {_mebibytes(entry.size)}  {entry.name}")
    pictures = stored_files(store.root / PIXELS)
    if pictures:
        size = sum(file.stat().st_size for file in pictures)
        print(f"{len(pictures)} folders of pictures that were read, {_mebibytes(size).strip()}")
    print(f"{len(found)} results, {_mebibytes(sum(entry.size for entry in found)).strip()}")
    return 0


def _verify(store: Store) -> int:
    found = entries(store)
    problems = [(entry, problem) for entry in found if (problem := entry.problem()) is not None]
    for entry, problem in problems:
        print(f"{entry.stage:<12} {entry.key[:SHORT]}  {problem}")
    print(f"{len(found) - len(problems)} of {len(found)} results are as they were saved")
    return 1 if problems else 0


def _prune(store: Store, options: argparse.Namespace) -> int:
    drafts = leftover_files(store.root / PIXELS)
    gone = [(path, "left by a killed process") for path in (*store.leftovers(), *drafts)]
    for entry in entries(store):
        if reason := _why_prune(entry, options):
            gone.append((entry.place, reason))
    for file in stored_files(store.root / PIXELS):
        if reason := _why_unused(file.stat().st_mtime, options):
            gone.append((file, reason))
    if not options.dry_run:
        store.remove_locks()
    for path, reason in gone:
        if not options.dry_run and path.is_dir():
            store.remove(path)
        elif not options.dry_run:
            path.unlink(missing_ok=True)
        print(f"{'would remove' if options.dry_run else 'removed'} {path}: {reason}")
    print(f"{len(gone)} {'would go' if options.dry_run else 'removed'}, {len(entries(store))} results in the store")
    return 0


def _why_prune(entry: Entry, options: argparse.Namespace) -> str | None:
    if is_being_computed(entry.place):
        return None
    if reason := _why_unused(entry.used, options):
        return reason
    if options.outdated and entry.is_outdated(STAGES[entry.stage]):
        return "made by other sources or versions"
    if options.broken and (problem := entry.problem()):
        return problem
    return None


def _why_unused(used: float, options: argparse.Namespace) -> str | None:
    if options.unused_for is not None and time.time() - used > options.unused_for * DAY_S:
        return f"unused for {(time.time() - used) / DAY_S:.0f} days"
    return None


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:8.1f} MiB"


main = Command(
    name="store",
    about="the store of results",
    add_arguments=add_arguments,
    example="prune --unused-for 30 --dry-run",
    execute=execute,
)

if __name__ == "__main__":
    sys.exit(main.run())
