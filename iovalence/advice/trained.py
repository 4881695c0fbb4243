"""Own how a changed configuration is trained beside a run: on its split, the test part unseen."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from iovalence.config.load import LoadedConfig, load_config
from iovalence.data.schema import TableSchema
from iovalence.errors import ConfigError, DataError, TrainingError
from iovalence.reproduction.recorded import bases
from iovalence.runs.folder import RunFolder, ending, holding
from iovalence.runs.manifest import hash_file
from iovalence.stages.diagnosed import diagnose_failure, diagnose_stage
from iovalence.stages.evaluated import CANDIDATE_PARTS, evaluate_stage
from iovalence.stages.opened import hash_of_data, open_run
from iovalence.stages.rows import RowStages, make_ready, record_rows
from iovalence.stages.stored import data_seed, ingest_stage
from iovalence.stages.trained import Observe, train_stage

Tell = Callable[[str], None]
Show = Callable[[LoadedConfig], AbstractContextManager[Observe | None]]


def keep_silent(_text: str) -> None:
    """Tell nobody."""


def show_nothing(_loaded: LoadedConfig) -> AbstractContextManager[Observe | None]:
    """Show no epoch."""
    return nullcontext()


@dataclass(frozen=True)
class Bench:
    """Hold what all trainings beside one run share.

    Attributes:
        run: The run that is advised.
        loaded: Its configuration.
        stages: Its rows, split as they were.
        tell: Takes a line for people.
        show: Gives, for a block, what is to be called after each epoch.
    """

    run: RunFolder
    loaded: LoadedConfig
    stages: RowStages
    tell: Tell = keep_silent
    show: Show = show_nothing

    @property
    def seed(self) -> int:
        """Return the run's own seed."""
        return self.loaded.config.training.seed


def open_bench(run: RunFolder, tell: Tell = keep_silent, show: Show = show_nothing) -> Bench:
    """Make the rows of a run ready again, and prove that they are the same ones.

    Raises:
        ConfigError: It has no validation part, or the data or the split is not what it was.
        StorageError: A file of the run is gone.
    """
    loaded = _load_recorded(run)
    ingested = ingest_stage(loaded)
    then = run.manifest().data_hash
    now = hash_of_data(TableSchema.load(ingested.folder / "schema.json"))
    if now != then:
        raise ConfigError(
            f"the data must be what run {run.run_id} was trained on, but a file has changed since; "
            f"train it anew: iovalence train {run.manifest().config_path}"
        )
    stages = make_ready(loaded, ingested)
    if hash_file(stages.parted.folder / "split.parquet") != hash_file(run.split):
        raise ConfigError(
            f"the split must be that of run {run.run_id}, but this version splits the rows "
            f"otherwise; train it anew: iovalence train {run.manifest().config_path}"
        )
    return Bench(run, loaded, stages, tell, show)


def _load_recorded(run: RunFolder, varied: tuple[str, ...] = ()) -> LoadedConfig:
    """Return the run's resolved configuration, changed, with paths relative to what they were."""
    loaded = load_config(run.config_resolved, varied=varied)
    manifest = run.manifest()
    return replace(
        loaded,
        path=Path(manifest.config_path or run.config_resolved),
        base=bases(run, manifest, loaded)[0],
        text=run.config.read_bytes(),
        workspace=run.root.parents[1],
    )


def train_beside(bench: Bench, settings: Mapping[str, Any], seed: int) -> RunFolder:
    """Train the run's configuration with other settings or another seed, as a run of its own.

    The model is measured on the train and the validation part alone.

    Raises:
        TrainingError: The loss is not finite.
        ConfigError: A setting does not fit.
    """
    given = {**settings, "training.seed": seed, "data.split_seed": data_seed(bench.loaded)}
    varied = tuple(f"{key}={json.dumps(value)}" for key, value in given.items())
    loaded = _load_recorded(bench.run, varied)
    run = open_run(
        loaded,
        bench.stages.ingested,
        run_name=_name(settings, seed),
        advised_for=bench.run.run_id,
    )
    with holding(run), ending(run):
        record_rows(loaded, run, bench.stages)
        with bench.show(loaded) as observe:
            _train(loaded, run, bench.stages, observe)
        result = evaluate_stage(loaded, run, bench.stages, CANDIDATE_PARTS, with_baselines=True)
        diagnose_stage(loaded, run, bench.stages, result)
        run.close("FINISHED")
    return run


def _train(
    loaded: LoadedConfig, run: RunFolder, stages: RowStages, observe: Observe | None
) -> None:
    try:
        train_stage(loaded, run, stages, observe)
    except TrainingError as err:
        diagnose_failure(loaded, run, stages, err)
        raise


def _name(settings: Mapping[str, Any], seed: int) -> str:
    changed = [f"{key.rpartition('.')[2]}={json.dumps(value)}" for key, value in settings.items()]
    return ", ".join([*(changed or ["unchanged"]), f"seed={seed}"])


def check_advisable(run: RunFolder) -> None:
    """Refuse a run whose advice cannot be tried.

    Raises:
        ConfigError: It has no validation part to judge by, or is itself a trial.
        DataError: It did not come as far as training.
    """
    manifest = run.manifest()
    if manifest.advised_for is not None:
        raise ConfigError(
            f"the run must be one of your own, but {run.run_id} tries an advice for "
            f"{manifest.advised_for}; use that one, with --rounds to go on from what helped"
        )
    if not run.split.is_file():
        raise DataError(
            f"run {run.run_id} must have come as far as training, but it did not (its state is "
            f"{manifest.state()}); `iovalence runs` shows why"
        )
