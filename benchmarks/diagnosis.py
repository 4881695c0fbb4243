"""The rules of the diagnosis, judged by real runs that show each pattern, and by healthy ones.

    python benchmarks/diagnosis.py [--seeds 3] [--first-seed 3] [--half report|tune|both]
        [--pattern NAME] [--evidence FILE]

Each run is the real trainer on real data, by the library's stages. The table counts in how many
runs a pattern was named that shows it, and in how many healthy ones anything was. Thresholds were
chosen on the one half of the data sets (`--half tune --first-seed 0`); what is reported is the
other, and seeds that no threshold was chosen by. With
`--evidence` what was seen is kept in a file, and read from it the next time: then only the rules
are judged again.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml
from diagnosis_runs import HEALTHY, Case, list_cases

from iovalence.config.load import load_config
from iovalence.diagnosis.diagnose import diagnose
from iovalence.diagnosis.evidence import Evidence
from iovalence.errors import TrainingError
from iovalence.stages.diagnosed import gather_evidence, gather_failure
from iovalence.stages.evaluated import evaluate_stage
from iovalence.stages.opened import open_run
from iovalence.stages.rows import make_ready
from iovalence.stages.stored import ingest_stage
from iovalence.stages.trained import train_stage

QUALITY = {"labels": {"errors": "off", "rare": "fix"}, "leakage": {"copies": "fix"}}


def write_case(case: Case, folder: Path) -> Path:
    """Write the table and the configuration of a run; return where the latter is."""
    case.table().to_csv(folder / "table.csv", index=False)
    training = {"verbose": False, "save_checkpoint": False, "seed": case.seed, **case.training}
    config = {
        "data": {"train_file": "table.csv", "target": "label"},
        "quality": QUALITY,
        "training": training,
        "run": {"threads": 1},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder / "config.yaml"


def run_case(case: Case) -> Evidence:
    """Train a run and return what it shows."""
    with tempfile.TemporaryDirectory() as name:
        loaded = load_config(write_case(case, Path(name)))
        ingested = ingest_stage(loaded)
        run = open_run(loaded, ingested)
        stages = make_ready(loaded, ingested, run)
        try:
            train_stage(loaded, run, stages)
        except TrainingError as err:
            return gather_failure(loaded, run, stages, err)
        result = evaluate_stage(loaded, run, stages, with_pictures=False)
        return gather_evidence(loaded, run, stages, result)


def seen(cases: list[Case], kept: Path | None) -> Iterator[tuple[Case, Evidence]]:
    """Yield each run with what it shows, from the file where that is kept."""
    known = json.loads(kept.read_text()) if kept and kept.exists() else {}
    for case in cases:
        if case.name not in known:
            started = time.perf_counter()
            known[case.name] = json.loads(run_case(case).model_dump_json())
            print(f"{time.perf_counter() - started:5.1f} s  {case.name}", flush=True)
            if kept:
                kept.write_text(json.dumps(known))
        yield case, Evidence.model_validate(known[case.name])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=3)
    parser.add_argument("--evidence", type=Path)
    parser.add_argument("--half", choices=("report", "tune", "both"), default="report")
    parser.add_argument("--pattern", help="this one alone")
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    wanted = {"report": (False,), "tune": (True,), "both": (True, False)}[given.half]
    cases = [case for case in list_cases(seeds) if case.is_tuned_on in wanted]
    cases = [case for case in cases if given.pattern in (None, case.pattern)]
    hits, counts, said = Counter(), Counter(), Counter()
    for case, evidence in seen(cases, given.evidence):
        names = diagnose(evidence).names
        is_hit = case.pattern in names
        counts[case.pattern] += 1
        hits[case.pattern] += is_hit
        said.update((case.pattern, name) for name in names)
        if not is_hit:
            print(f"missed: {case.name}: {', '.join(names)}")
    for pattern, count in counts.items():
        others = {name: n for (of, name), n in said.items() if of == pattern and name != pattern}
        word = "silent" if pattern == HEALTHY else "named"
        print(f"{pattern:24} {word} in {hits[pattern]:3} of {count:3}; said besides: {others}")


if __name__ == "__main__":
    main()
