"""Own what a run leaves of the values that were left to it: in its manifest, files and log."""

from collections.abc import Callable
from dataclasses import asdict

from iovalence.config.load import LoadedConfig
from iovalence.data.prepared import Prepared
from iovalence.evaluation.pictures import save_pictures
from iovalence.evaluation.rate_picture import draw_rate_sweep
from iovalence.runs.choices import LEARNING_RATE
from iovalence.runs.folder import RunFolder
from iovalence.runs.journal import Journal
from iovalence.runs.manifest import Manifest
from iovalence.training.fit import ClassWeights, Machine
from iovalence.training.rate_finder import RateSweep
from iovalence.training.settling import Settled, settle

Say = Callable[[str], None]


def settle_run(
    loaded: LoadedConfig,
    run: RunFolder,
    prepared: Prepared,
    class_weights: ClassWeights,
    say: Say = lambda _: None,
) -> Settled:
    """Turn every `auto` of the training into a number, and note which, and why.

    What the run's manifest holds already is taken again: a run that is resumed, or made from
    another's record, trains with what was chosen then.

    Raises:
        ConfigError: `training.device` or a class weight does not fit.
        StorageError: The run cannot be written to.
    """
    config, manifest = loaded.config, run.manifest()
    settled = settle(
        config.training,
        config.run.threads,
        prepared,
        class_weights=class_weights,
        recorded=manifest.choices,
        machine=recorded_machine(manifest),
    )
    run.update(choices=settled.choices, **asdict(settled.machine))
    _tell(settled, run, say)
    if settled.sweep is not None:
        _keep_sweep(settled.sweep, run)
    return settled


def recorded_machine(manifest: Manifest) -> Machine | None:
    """Return where a run was trained before, or None."""
    if manifest.device is None or manifest.threads is None:
        return None
    return Machine(manifest.device, manifest.threads, bool(manifest.mixed_precision))


def _tell(settled: Settled, run: RunFolder, say: Say) -> None:
    if not settled.choices:
        return
    is_default = settled.sweep is not None and not settled.sweep.is_found
    for key, choice in settled.choices.items():
        warns = is_default and key == LEARNING_RATE
        say(f"{'warning: ' if warns else ''}{key}: auto is {choice.value:g}: {choice.reason}")
    choices = {key: choice.model_dump(mode="json") for key, choice in settled.choices.items()}
    Journal(run.journal).event("settled", choices=choices)


def _keep_sweep(sweep: RateSweep, run: RunFolder) -> None:
    sweep.save(run.rate_finder)
    save_pictures({"learning_rate": draw_rate_sweep(sweep)}, run.pictures)
