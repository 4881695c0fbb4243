"""Own how advice is tried, change by change: what helped is kept, and the next one begins there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iovalence.advice.outcome import Outcome, Outcomes
from iovalence.advice.trained import Bench, train_beside
from iovalence.data.prepared import load_prepared
from iovalence.diagnosis.paired import Difference, compare_losses
from iovalence.diagnosis.verdict import Advice, Diagnosis, Verdict
from iovalence.errors import ConfigError, TrainingError
from iovalence.runs.folder import RunFolder
from iovalence.stages.diagnosed import load_diagnosis, measure_rows

NUM_SEEDS = 3
CLASS_WEIGHTS = "training.class_weights"


@dataclass
class Standing:
    """Hold the best that is known, from which the next change begins.

    Attributes:
        settings: Changes that helped.
        runs: For each seed, the run with them; None where its training failed.
        diagnosis: Of the run of the own seed.
        tried: Changes that were tried from here, each as its overrides.
    """

    settings: Mapping[str, Any]
    runs: dict[int, RunFolder | None]
    diagnosis: Diagnosis
    tried: set[tuple[str, ...]] = field(default_factory=set)


def try_advice(
    bench: Bench, *, num_rounds: int = 1, num_seeds: int = NUM_SEEDS
) -> tuple[Outcomes, tuple[RunFolder, ...]]:
    """Try what a run's diagnosis advises, and say whether it helped.

    Args:
        bench: The run, with its rows.
        num_rounds: How many changes at most, one after the other.
        num_seeds: Pairs of trainings for each change.

    Returns:
        What came of it, which is in the run's folder too, and the runs that were trained.

    Raises:
        ConfigError: The run has no diagnosis, or nothing in it is a setting of training.
    """
    standing, made = _begin(bench, num_seeds), []
    rounds: list[Outcome] = []
    notes: list[str] = []
    while len(rounds) < num_rounds:
        chosen = choose_change(standing)
        if chosen is None:
            notes.append("no advice is left that a setting of training carries out")
            break
        outcome, runs = _try_one(bench, standing, *chosen)
        made += runs
        rounds.append(outcome)
        bench.tell(outcome.line)
    if not rounds:
        raise ConfigError(
            f"the diagnosis of run {bench.run.run_id} must advise a setting of training to try, "
            f"but it says: {standing.diagnosis.headline}"
        )
    best = standing.runs[bench.seed] or bench.run
    outcomes = Outcomes(
        run_id=bench.run.run_id,
        rounds=tuple(rounds),
        best_run_id=best.run_id,
        settings=dict(standing.settings),
        notes=tuple(notes),
    )
    outcomes.save(bench.run.advice)
    return outcomes, tuple(made)


def _begin(bench: Bench, num_seeds: int) -> Standing:
    diagnosis = load_diagnosis(bench.run)
    if diagnosis is None:
        raise ConfigError(
            f"run {bench.run.run_id} must have a diagnosis, but it has none: it ended before, or "
            "an earlier version made it; train it anew"
        )
    own = bench.run if (bench.run.model / "model.json").is_file() else None
    seeds = range(bench.seed, bench.seed + num_seeds)
    return Standing({}, dict.fromkeys(seeds) | {bench.seed: own}, diagnosis)


def choose_change(standing: Standing) -> tuple[Verdict, Advice] | None:
    """Return the first advice that settings of training carry out and that was not tried yet.

    Settings of other sections change which rows are compared.
    """
    for verdict in standing.diagnosis.verdicts:
        for advice in verdict.advice:
            is_of_training = all(key.startswith("training.") for key in advice.change)
            if advice.change and is_of_training and advice.overrides not in standing.tried:
                return verdict, advice
    return None


def _try_one(
    bench: Bench, standing: Standing, verdict: Verdict, advice: Advice
) -> tuple[Outcome, list[RunFolder]]:
    """Try one change by all seeds; where it helped, the standing is changed to it."""
    standing.tried.add(advice.overrides)
    settings = {**standing.settings, **advice.change}
    made: list[RunFolder] = []
    for seed, run in standing.runs.items():
        # The own seed was trained by the run itself, whether well or not.
        if run is None and seed != bench.seed:
            standing.runs[seed] = _train(bench, standing.settings, seed, made)
    after = {seed: _train(bench, settings, seed, made) for seed in standing.runs}
    outcome = judge(bench, standing.runs, after, verdict, advice, settings)
    if outcome.says == "helped":
        own = after[bench.seed]
        standing.settings, standing.runs, standing.tried = settings, after, set()
        if own is not None:
            standing.diagnosis = load_diagnosis(own) or standing.diagnosis
    return outcome, made


def _train(
    bench: Bench, settings: Mapping[str, Any], seed: int, made: list[RunFolder]
) -> RunFolder | None:
    words = ", ".join(f"{key} {value}" for key, value in settings.items()) or "unchanged"
    bench.tell(f"training with seed {seed}: {words}")
    try:
        run = train_beside(bench, settings, seed)
    except TrainingError as err:
        bench.tell(f"warning: {err.faults[0]}")
        return None
    made.append(run)
    return run


def judge(
    bench: Bench,
    before: Mapping[int, RunFolder | None],
    after: Mapping[int, RunFolder | None],
    verdict: Verdict,
    advice: Advice,
    settings: Mapping[str, Any],
) -> Outcome:
    """Say what a change did, from the runs of each seed without and with it."""
    is_weighed = CLASS_WEIGHTS in advice.change
    said: dict[str, Any] = {
        "verdict": verdict.name,
        "text": advice.text,
        "change": advice.change,
        "settings": settings,
        "seeds": tuple(before),
        "before": tuple(run and run.run_id for run in before.values()),
        "after": tuple(run and run.run_id for run in after.values()),
        "judged_by": "balanced_loss" if is_weighed else "loss",
    }
    failed_after = [seed for seed, run in after.items() if run is None]
    failed_before = [seed for seed, run in before.items() if run is None]
    if failed_after:
        failure = f"training failed with seed {failed_after[0]}"
        return Outcome(**said, says="hurt", failure=failure)
    if failed_before:
        failure = f"training no longer fails, as it did with seed {failed_before[0]}"
        return Outcome(**said, says="helped", failure=failure)
    difference = _compare(bench, before, after, is_weighed=is_weighed)
    return Outcome(**said, difference=difference, says=difference.says)


def _compare(
    bench: Bench,
    before: Mapping[int, RunFolder | None],
    after: Mapping[int, RunFolder | None],
    *,
    is_weighed: bool,
) -> Difference:
    prepared = load_prepared(bench.stages.prepared.folder)

    def losses(runs: Sequence[RunFolder | None]) -> NDArray[np.float64]:
        return np.stack([measure_rows(run, prepared).losses for run in runs if run is not None])

    rows = measure_rows(next(run for run in before.values() if run is not None), prepared)
    weight = rows.weight * balance(rows.classes) if is_weighed else rows.weight
    return compare_losses(losses([*before.values()]), losses([*after.values()]), weight, bench.seed)


def balance(classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights that give each class the same total, float64 (N,).

    Args:
        classes: Class of each row, int64 (N,).
    """
    counts = np.bincount(classes)
    return len(classes) / (np.count_nonzero(counts) * counts[classes])
