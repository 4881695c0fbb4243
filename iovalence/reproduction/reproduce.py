"""Own the whole of `iovalence reproduce`: what differs in what went in, then in what came out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from iovalence.config.load import LoadedConfig
from iovalence.errors import ExitStatus, IOValenceError
from iovalence.reproduction.again import Again, Audience, Order, make_again, scratch_beside
from iovalence.reproduction.comparison import compare_runs
from iovalence.reproduction.data import Located, locate_data
from iovalence.reproduction.difference import CAUSES, Difference, Reproduction
from iovalence.reproduction.environment import (
    compare_hardware,
    compare_threads,
    compare_versions,
    find_device,
)
from iovalence.reproduction.recorded import bases, finished_manifest, read_config
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Manifest
from iovalence.training.section import Device


def reproduce(run: RunFolder, audience: Audience) -> Reproduction:
    """Run a recorded run again from its own record, and compare all that came of it.

    What went in and is not as it was is named first: data, configuration, versions, hardware,
    device, threads. The run is made again all the same, unless its data or its configuration
    are gone.

    Args:
        run: The run.
        audience: Who is told how it goes.

    Raises:
        RunNotFoundError: The run did not finish.
        StorageError: The manifest cannot be read, or the workspace not be written to.
    """
    manifest = finished_manifest(run)
    loaded, differences = read_config(run, manifest)
    differences += compare_versions(manifest) + compare_hardware(manifest)
    if loaded is None:
        return _verdict(run, differences, None)
    located = locate_data(run, manifest, loaded, bases(run, manifest, loaded))
    differences += located.differences
    if located.section is None:
        return _verdict(run, differences, None, notes=located.notes)
    return _compare(
        run, manifest, _relocated(loaded, located), differences, located.notes, audience
    )


def _relocated(loaded: LoadedConfig, located: Located) -> LoadedConfig:
    config = loaded.config.model_copy(update={"data": located.section})
    return replace(loaded, config=config, base=located.base)


def _compare(
    run: RunFolder,
    manifest: Manifest,
    loaded: LoadedConfig,
    differences: tuple[Difference, ...],
    notes: Sequence[str],
    audience: Audience,
) -> Reproduction:
    device, elsewhere = find_device(cast("Device", manifest.device or "cpu"))
    differences += elsewhere
    order = Order(run.run_id, loaded, device, manifest.threads or 1)
    with scratch_beside(run.root.parents[1]) as scratch:
        try:
            again = make_again(order, scratch, audience)
        except IOValenceError as err:
            if err.status == ExitStatus.OUTSIDE:
                raise
            failed = Difference(
                cause="result", what="the run", then="finished", now=f"failed: {err.faults[0]}"
            )
            return _verdict(run, (*differences, failed), False, notes=notes)
        return _judge(run, manifest, again, differences, notes)


def _judge(
    run: RunFolder,
    manifest: Manifest,
    again: Again,
    differences: tuple[Difference, ...],
    notes: Sequence[str],
) -> Reproduction:
    differences += compare_threads(manifest.threads or 1, again.planned.threads)
    found = compare_runs(run, again.run, manifest)
    return _verdict(
        run,
        (*differences, *found.altered, *found.results),
        not found.results,
        compared=found.compared,
        notes=(*notes, *found.notes),
    )


def _verdict(
    run: RunFolder,
    differences: Sequence[Difference],
    has_equal_result: bool | None,
    *,
    compared: dict[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Reproduction:
    return Reproduction(
        run_id=run.run_id,
        differences=tuple(sorted(differences, key=lambda line: CAUSES.index(line.cause))),
        has_equal_result=has_equal_result,
        compared=compared or {},
        notes=tuple(notes),
    )
