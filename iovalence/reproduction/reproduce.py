"""Own the whole of `iovalence reproduce`: what differs in what went in, then in what came out."""

from dataclasses import dataclass, field, replace

from iovalence.atomic import scratch_folder
from iovalence.config.load import LoadedConfig
from iovalence.errors import ExitStatus, IOValenceError
from iovalence.reproduction.again import Again, Audience, Order, make_again
from iovalence.reproduction.comparison import compare_runs
from iovalence.reproduction.data import locate_data
from iovalence.reproduction.difference import CAUSES, Difference, Reproduction
from iovalence.reproduction.environment import (
    compare_hardware,
    compare_threads,
    compare_versions,
    find_machine,
)
from iovalence.reproduction.recorded import bases, finished_manifest, read_config
from iovalence.reproduction.review import locate_review
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Manifest


@dataclass
class _Proof:
    """Collect what is found of one run, cause by cause."""

    run: RunFolder
    manifest: Manifest
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    compared: dict[str, str] = field(default_factory=dict)

    def judge(self, *, has_equal_result: bool | None) -> Reproduction:
        order = sorted(self.differences, key=lambda line: CAUSES.index(line.cause))
        return Reproduction(
            run_id=self.run.run_id,
            differences=tuple(order),
            has_equal_result=has_equal_result,
            compared=self.compared,
            notes=tuple(self.notes),
        )


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
    proof = _Proof(run, finished_manifest(run))
    proof.differences += compare_versions(proof.manifest) + compare_hardware(proof.manifest)
    loaded = _find_input(proof)
    if loaded is None:
        return proof.judge(has_equal_result=None)
    machine, elsewhere = find_machine(proof.manifest)
    proof.differences += elsewhere
    order = Order(run.run_id, proof.manifest, loaded, machine)
    with scratch_folder(run.root.parents[1], "reproduce") as scratch:
        try:
            again = make_again(order, scratch, audience)
        except IOValenceError as err:
            if err.status == ExitStatus.OUTSIDE:
                raise
            proof.differences.append(_failure(err))
            return proof.judge(has_equal_result=False)
        return _compare(proof, again)


def _find_input(proof: _Proof) -> LoadedConfig | None:
    """Return the run's configuration with its data where they are now; None when they are gone."""
    loaded, altered = read_config(proof.run, proof.manifest)
    proof.differences += altered
    if loaded is None:
        return None
    places = bases(proof.run, proof.manifest, loaded)
    located = locate_data(proof.run, proof.manifest, loaded.config.data, places)
    proof.differences += located.differences
    proof.notes += located.notes
    if located.section is None:
        return None
    review = locate_review(
        proof.run, proof.manifest, loaded.config.quality, (located.base, *places)
    )
    proof.differences += review.differences
    proof.notes += review.notes
    if review.section is None:
        return None
    changes = {"data": located.section, "quality": review.section}
    return replace(loaded, config=loaded.config.model_copy(update=changes), base=located.base)


def _failure(err: IOValenceError) -> Difference:
    now = f"failed: {err.faults[0]}"
    return Difference(cause="result", what="the run", then="finished", now=now)


def _compare(proof: _Proof, again: Again) -> Reproduction:
    _note_threads(proof, again.planned.threads)
    found = compare_runs(proof.run, again.run, proof.manifest)
    proof.differences += [*found.altered, *found.results]
    proof.notes += found.notes
    proof.compared |= found.compared
    return proof.judge(has_equal_result=not found.results)


def _note_threads(proof: _Proof, planned: int) -> None:
    recorded = proof.manifest.threads or 1
    differences = compare_threads(recorded, planned)
    if differences:
        proof.differences += differences
        proof.notes.append(
            f"it was made again with the number of threads recorded, {recorded}; by its "
            f"configuration alone this machine would take {planned}"
        )
