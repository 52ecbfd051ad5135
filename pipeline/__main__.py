"""The command line. The only place that knows Hydra: compose -> typed Config -> run()."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import CompactHydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from pipeline import schema
from pipeline.config import Config
from pipeline.errors import InputError

# conf/ beside the package in a checkout, inside it when installed
CONF = next(
    folder
    for folder in (Path(__file__).parent.parent / "conf", Path(__file__).parent / "conf")
    if (folder / "config.yaml").is_file()
)


def main() -> None:
    """`mnist-dream`, or `python -m pipeline`."""
    ConfigStore.instance().store(name="schema", node=Config)
    try:
        _check_overrides(sys.argv[1:])
    except InputError as error:
        sys.exit(_refused(error))
    hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")(_job)()


def _job(composed: DictConfig) -> None:
    """One composition: a run, or one job of a sweep."""
    hydra_config = HydraConfig.get()
    run_dir = Path(hydra_config.runtime.output_dir)
    try:
        config = schema.to_config(composed)

        from pipeline.run import run

        run(
            config,
            run_dir,
            composed=OmegaConf.to_yaml(composed, resolve=True),
            overrides=list(hydra_config.overrides.task),
        )
    except InputError as error:
        _remove_if_unused(run_dir)
        if hydra_config.mode is RunMode.MULTIRUN:
            # the other jobs go on; Hydra shows this as one line when they are done
            raise CompactHydraException(_line(error)) from None
        sys.exit(_refused(error))


def _check_overrides(arguments: Sequence[str]) -> None:
    """Refuse unknown keys and values of another type before Hydra does: it would advise `+key=value`, which adds a
    setting that nothing reads."""
    words = get_args_parser().parse_known_args(arguments)[0].overrides
    try:
        overrides = OverridesParser.create().parse_overrides(words)
    except OverrideParseException as error:
        raise InputError(f"{error.override}: {str(error).splitlines()[0]}") from error
    groups = {path.name for path in CONF.iterdir() if path.is_dir()}
    for override in overrides:
        key = override.key_or_group
        if key.startswith("hydra") or "/" in key or key in groups or override.package or override.is_delete():
            continue
        schema.check_key(key)
        values = override.sweep_iterator() if override.is_sweep_override() else [override.value()]
        for value in values:
            schema.check_value(key, value)


def _remove_if_unused(run_dir: Path) -> None:
    """Hydra makes the folder before the job looks at its settings; a refused job shall leave nothing behind."""
    if {path.name for path in run_dir.iterdir()} <= {".hydra", "mnist-dream.log"}:
        shutil.rmtree(run_dir)
        for parent in run_dir.parents[:3]:
            if any(parent.iterdir()):
                break
            parent.rmdir()


def _line(error: InputError) -> str:
    return f"mnist-dream: {error}"


def _refused(error: InputError) -> int:
    print(_line(error), file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
