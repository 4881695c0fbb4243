"""Own which configurations of a sweep one process trains together."""

from collections.abc import Hashable, Iterator, Sequence

from iovalence.data.prepared import load_prepared
from iovalence.runs.sweep import Workers
from iovalence.sweeps.messages import Group, Job
from iovalence.sweeps.opened import ReadySweep
from iovalence.training.fit import architecture
from iovalence.training.joint import MOST_TOGETHER, pays
from iovalence.training.settling import plan


def group_jobs(ready: ReadySweep, jobs: Sequence[Job], workers: Workers) -> list[Group]:
    """Return the jobs in groups, in the order of their numbers.

    Those whose networks have one shape, on the same rows and in batches of one size, take their
    steps together where that is faster; every process gets its share of them.
    """
    most = min(MOST_TOGETHER, -(-len(jobs) // workers.number))
    alike: dict[Hashable, list[Job]] = {}
    for job in jobs:
        alike.setdefault(_shape(ready, job) or job.number, []).append(job)
    groups = [group for some in alike.values() for group in _share_out(some, most)]
    return sorted(
        (_with_threads(ready, group) for group in groups), key=lambda group: group.jobs[0].number
    )


def _share_out(jobs: Sequence[Job], most: int) -> Iterator[list[Job]]:
    """Yield the jobs in as few groups as `most` allows, of about the same size."""
    number = -(-len(jobs) // most)
    for at in range(number):
        yield list(jobs[at::number])


def _shape(ready: ReadySweep, job: Job) -> Hashable:
    """Return what has to be the same for steps to be taken together; None where it does not pay."""
    config = ready.space.candidates[job.number - 1].loaded.config
    prepared = load_prepared(job.stages.prepared.folder)
    planned = plan(config.training, config.run.threads, prepared)
    spec = architecture(config.training, prepared)
    if not pays(spec.num_parameters, planned.batch_size, planned.machine.device):
        return None
    has_dropout = config.training.dropout > 0
    return job.stages.prepared.key, spec, planned.batch_size, planned.machine.threads, has_dropout


def _with_threads(ready: ReadySweep, jobs: Sequence[Job]) -> Group:
    if len(jobs) == 1:
        return Group(jobs=tuple(jobs))
    config = ready.space.candidates[jobs[0].number - 1].loaded.config
    prepared = load_prepared(jobs[0].stages.prepared.folder)
    planned = plan(config.training, config.run.threads, prepared)
    return Group(jobs=tuple(jobs), threads=planned.machine.threads)
