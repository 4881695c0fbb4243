"""What the checks of data find of faults that were planted into real tables, and what they cost.

    python benchmarks/quality.py [--seeds 5] [--only copies,labels,leaks,drift,speed] [--quick]

Each part is a benchmark of its own, run in turn in a process of its own; its `--help` says what it
plants and what its columns mean:

    copies  near copies with 1 % of noise                         planted_copies.py, seconds
    labels  wrong labels, beside cleanlab by hand                 planted_labels.py, an hour
    leaks   columns that give the target away                     planted_leaks.py, minutes
    drift   distributions that moved, and halves that did not     drift.py, minutes
    speed   a million rows, beside pyarrow's and pandas' reading  check_speed.py, minutes

`--quick` takes 6,000 of Adult's rows for the labels, and 200,000 rows for the speed.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def list_parts(seeds: int, *, quick: bool) -> dict[str, list[str]]:
    """Return the command line of each part."""
    return {
        "copies": ["planted_copies.py", f"--seeds={seeds}"],
        "labels": ["planted_labels.py", f"--seeds={seeds}", f"--adult-rows={6000 * quick}"],
        "leaks": ["planted_leaks.py", f"--seeds={seeds}"],
        "drift": ["drift.py"],
        "speed": ["check_speed.py", f"--rows={200_000 if quick else 1_000_000}"],
    }


def main() -> None:
    """Run the parts and say which failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", help="parts, with commas between them; all when not given")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    parts = list_parts(options.seeds, quick=options.quick)
    chosen = options.only.split(",") if options.only else list(parts)
    if unknown := [name for name in chosen if name not in parts]:
        parser.error(f"--only must name some of {', '.join(parts)}, got {', '.join(unknown)}")
    failed = []
    for name in chosen:
        print(f"\n{name}: {' '.join(parts[name])}", flush=True)
        command = [sys.executable, str(HERE / parts[name][0]), *parts[name][1:]]
        failed += [name] * (subprocess.run(command, check=False).returncode != 0)
    if failed:
        sys.exit(f"these parts must end well, but failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
