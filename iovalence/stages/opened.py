"""Own how a run begins, and what it records of the stages before training."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from iovalence import __version__
from iovalence.atomic import copy_file, write_bytes, write_text
from iovalence.config.load import LoadedConfig, config_hash, resolved_yaml
from iovalence.data.schema import SourceFile, TableSchema
from iovalence.errors import ConfigError
from iovalence.evaluation.requirements import (
    expected_metrics,
    validate_metrics,
    validate_requirements,
)
from iovalence.names import nearest
from iovalence.quality.review_file import hash_review
from iovalence.runs.folder import RunFolder, create_folder
from iovalence.runs.journal import Journal
from iovalence.runs.manifest import Manifest, Process, StageCost, now
from iovalence.runs.provenance import describe_hardware, git_commit, package_versions
from iovalence.runs.store import StageOutput, hash_of
from iovalence.stages.stored import asked_parts, review_file


def open_run(
    loaded: LoadedConfig,
    ingested: StageOutput,
    *,
    run_name: str | None = None,
    flow_run_id: str | None = None,
    sweep_id: str | None = None,
    advised_for: str | None = None,
) -> RunFolder:
    """Make the run's folder and note what went in.

    Raises:
        ConfigError: `evaluation` names a metric or a column that this run does not have.
        DataError: The review file is missing.
        StorageError: The workspace cannot be written to.
    """
    config = loaded.config
    schema = TableSchema.load(ingested.folder / "schema.json")
    validate_evaluation(loaded, schema)
    run = create_folder(loaded.workspace)
    manifest = Manifest(
        run_id=run.run_id,
        run_name=run_name or config.tracking.run_name,
        experiment=config.tracking.experiment or loaded.path.stem,
        started_at=now(),
        process=Process.this(),
        iovalence_version=__version__,
        versions=package_versions(),
        git_commit=git_commit(loaded.base),
        hardware=describe_hardware(),
        seed=config.training.seed,
        config_path=str(loaded.path.resolve()),
        config_hash=config_hash(config),
        data_hash=hash_of_data(schema),
        review_hash=hash_of_review(loaded),
        flow_run_id=flow_run_id,
        sweep_id=sweep_id,
        advised_for=advised_for,
        comments=config.comments,
    )
    write_bytes(run.config, loaded.text)
    write_text(run.config_resolved, resolved_yaml(config))
    if config.run.keep_data == "copy":
        _copy_data(schema, run)
        _copy_review(loaded, run)
    # With its manifest the folder is a run, which others list and resume: all else is there first.
    manifest.save(run.manifest_path)
    Journal(run.journal).event("started")
    note_stage(run, ingested)
    return run


def hash_of_data(schema: TableSchema) -> str:
    """Return the hash over all files that were read."""
    return hash_of_files(schema.files)


def hash_of_review(loaded: LoadedConfig) -> str | None:
    """Return the hash of the review file that is applied, or None.

    Raises:
        DataError: It is missing or cannot be read.
    """
    review = review_file(loaded)
    return None if review is None else hash_review(review)


def hash_of_files(files: Iterable[SourceFile]) -> str:
    """Return the hash over files, in their order."""
    return hash_of({"files": [file.sha256 for file in files]})


def validate_evaluation(loaded: LoadedConfig, schema: TableSchema) -> None:
    """Refuse what can only fail after training.

    Raises:
        ConfigError: `evaluation` names a metric or a column that this run does not have.
    """
    section = loaded.config.evaluation
    validate_requirements(section.require, expected_metrics(schema.task, asked_parts(loaded)))
    validate_metrics(section.metrics or (), schema.task)
    names = [column.name for column in schema.columns]
    faults = [
        f"evaluation.slices must name columns of the table, got '{name}'{nearest(name, names)}"
        for name in section.slices
        if name not in names
    ]
    if faults:
        raise ConfigError(faults)


def _copy_data(schema: TableSchema, run: RunFolder) -> None:
    for number, file in enumerate(schema.files):
        target = run.data / file.source / f"{number:04d}-{Path(file.path).name}"
        copy_file(Path(file.path), target)


def _copy_review(loaded: LoadedConfig, run: RunFolder) -> None:
    review = review_file(loaded)
    if review is not None:
        copy_file(review, run.review_copy / review.name)


@contextmanager
def timing(run: RunFolder, stage: str) -> Iterator[None]:
    """Note in the manifest what a stage that is done in every run cost."""
    started = time.perf_counter()
    yield
    cost = StageCost(seconds=time.perf_counter() - started)
    run.update(stages=run.manifest().stages | {stage: cost})


def note_stage(run: RunFolder, output: StageOutput) -> None:
    """Note in the manifest what a stage cost."""
    cost = StageCost(seconds=output.seconds, reused=output.reused, key=output.key)
    run.update(stages=run.manifest().stages | {output.stage: cost})
