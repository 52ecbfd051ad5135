"""The experiment of each stage, and what is found in it. All of it raises what MLflow raises."""

from typing import Any

from pipeline.tracking.addresses import file_uri
from pipeline.tracking.backend import Connection
from pipeline.tracking.charts import set_view

PAGE = 1000
ACTIVE = "active"


def experiment_name(experiment: str, stage: str) -> str:
    """Return the name of a stage's experiment."""
    return f"{experiment}/{stage}"


def experiment_id(connection: Connection, experiment: str, stage: str) -> str:
    """Return the id of a stage's experiment, with its view; it is made if it is not there.

    Raises:
        LookupError: it was deleted.
        FileNotFoundError: its files would be kept where an output folder was that has been moved away.
    """
    found = connection.client.get_experiment_by_name(experiment_name(experiment, stage))
    if found is None:
        found = _new_experiment(connection, experiment_name(experiment, stage), stage)
    elif found.lifecycle_stage != ACTIVE:
        restore = f"`mlflow experiments restore --experiment-id {found.experiment_id}` brings it back"
        raise LookupError(f"the experiment {found.name} was deleted; {restore}, tracking.experiment takes another name")
    connection.check_place(found.artifact_location)
    set_view(connection.client, found, stage)
    return found.experiment_id


def _new_experiment(connection: Connection, name: str, stage: str) -> Any:
    from mlflow.exceptions import MlflowException

    artifacts, client = connection.artifacts, connection.client
    try:
        made = client.create_experiment(name, file_uri(artifacts / stage) if artifacts else None)
    except MlflowException:
        # another process was faster
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            raise
        return experiment
    return client.get_experiment(made)


def experiments_of(connection: Connection, experiment: str) -> list[str]:
    """Return the ids of the experiments of all stages."""
    found = _all_pages(lambda **page: connection.client.search_experiments(max_results=PAGE, **page))
    return [one.experiment_id for one in found if one.name.startswith(f"{experiment}/")]


def names_of_experiments(connection: Connection) -> set[str]:
    """Return what stands before /STAGE in the names of all experiments."""
    found = _all_pages(lambda **page: connection.client.search_experiments(max_results=PAGE, **page))
    return {one.name.rpartition("/")[0] for one in found if "/" in one.name}


def finished_run(connection: Connection, experiment: str, stage: str, key: str) -> str | None:
    """Return the id of the newest run that finished `stage` with this key, None if there is none."""
    found = connection.client.get_experiment_by_name(experiment_name(experiment, stage))
    if found is None or found.lifecycle_stage != ACTIVE:
        return None
    query = f"tags.stage_key = '{key}' and attributes.status = 'FINISHED'"
    runs = connection.client.search_runs([found.experiment_id], query, max_results=1)
    return runs[0].info.run_id if runs else None


def runs_where(connection: Connection, experiment_ids: list[str], query: str) -> list[Any]:
    """Return all runs, none of them deleted, for which MLflow's `query` holds; the newest first.

    Args:
        experiment_ids: where they are looked for.
    """
    if not experiment_ids:
        return []
    search = connection.client.search_runs
    return _all_pages(lambda **page: search(experiment_ids, query, max_results=PAGE, **page))


def _all_pages(search: Any) -> list[Any]:
    found = search()
    entries = list(found)
    while found.token:
        found = search(page_token=found.token)
        entries += found
    return entries
