"""Whether what is advised helps: each verdict's first change, tried on real runs that show it.

    python benchmarks/remedies.py [--seed 3] [--pairs 2] [--half report|tune|both]

Each run is one of `benchmarks/diagnosis_runs.py` in which its pattern is named; its first change
is trained beside it as `iovalence advise --apply` does, with pairs of equal seeds, and judged on
the validation part. Counted is in how many the loss was lower, and in how many the interval of the
difference says so.
"""

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

from diagnosis import write_case
from diagnosis_runs import HEALTHY, Case, list_cases

from iovalence.advice.outcome import Outcome
from iovalence.advice.trained import open_bench
from iovalence.advice.tried import try_advice
from iovalence.config.load import load_config
from iovalence.errors import TrainingError
from iovalence.runs.folder import RunFolder
from iovalence.stages.diagnosed import diagnose_failure, diagnose_stage, load_diagnosis
from iovalence.stages.evaluated import evaluate_stage
from iovalence.stages.opened import open_run
from iovalence.stages.rows import make_ready
from iovalence.stages.stored import ingest_stage
from iovalence.stages.trained import train_stage


def train(config: Path) -> RunFolder:
    """Train a run and diagnose it."""
    loaded = load_config(config)
    ingested = ingest_stage(loaded)
    run = open_run(loaded, ingested)
    stages = make_ready(loaded, ingested, run)
    try:
        train_stage(loaded, run, stages)
    except TrainingError as err:
        diagnose_failure(loaded, run, stages, err)
        return run
    result = evaluate_stage(loaded, run, stages, with_pictures=False)
    diagnose_stage(loaded, run, stages, result)
    run.close("FINISHED")
    return run


def try_case(case: Case, num_pairs: int) -> Outcome | None:
    """Return what the first change did, or None where it is not the pattern's own."""
    with tempfile.TemporaryDirectory() as name:
        run = train(write_case(case, Path(name)))
        diagnosis = load_diagnosis(run)
        first = next((one for one in diagnosis.verdicts if one.first_change), None)
        if first is None or first.name != case.pattern:
            return None
        return try_advice(open_bench(run), num_seeds=num_pairs)[0].rounds[0]


def main() -> None:
    """Print what each change did, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--half", choices=("report", "tune", "both"), default="report")
    given = parser.parse_args()
    wanted = {"report": (False,), "tune": (True,), "both": (True, False)}[given.half]
    found: dict[str, list[Outcome]] = defaultdict(list)
    for case in list_cases([given.seed]):
        if case.pattern == HEALTHY or case.is_tuned_on not in wanted:
            continue
        outcome = try_case(case, given.pairs)
        if outcome is not None:
            found[case.pattern].append(outcome)
            print(f"{case.pattern} {case.data} {case.num_rows}: {outcome.line}", flush=True)
    for pattern, outcomes in found.items():
        said = [outcome.says for outcome in outcomes]
        lower = sum(one.difference is not None and one.difference.mean < 0 for one in outcomes)
        print(
            f"{pattern:24} {len(said):3} runs: lower in {lower}; helped {said.count('helped')}, "
            f"no difference {said.count('no_difference')}, hurt {said.count('hurt')}"
        )


if __name__ == "__main__":
    main()
