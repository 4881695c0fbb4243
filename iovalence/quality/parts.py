"""Own the checks of parts: what they found after the split, and what leaves because of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.checks import (
    CheckedRows,
    QualityReport,
    count_rows,
    load_reasons,
    save_reasons,
)


@dataclass(frozen=True)
class CheckedParts:
    """Hold what the checks of parts found in N rows, and which of these stay where.

    Attributes:
        report: Findings of the parts alone; counts of all rows, after all checks.
        part: Part of each row, int8 (N,): 0 train, 1 validation, 2 test, -1 removed.
        reason: Why each row left, before the split or after it; empty for one that stays; object
            (N,).
        leaked: Rows of the train part that are, or nearly are, in the validation part: under `fix`
            they left as `leakage.copies`, else they are there still; indices, int64 (L,).
    """

    report: QualityReport
    part: NDArray[np.int8]
    reason: NDArray[np.object_]
    leaked: NDArray[np.int64]

    def save(self, folder: Path) -> None:
        """Write findings.json, part.npy, leaked.npy and reason.arrow into `folder`."""
        self.report.save(folder / "findings.json")
        np.save(folder / "part.npy", self.part)
        np.save(folder / "leaked.npy", self.leaked)
        save_reasons(folder / "reason.arrow", self.reason)

    @classmethod
    def load(cls, folder: Path) -> "CheckedParts":
        """Read back what `save` wrote.

        Raises:
            StorageError: A file is missing or damaged.
        """
        from iovalence.data.prepared import open_array

        return cls(
            QualityReport.load(folder / "findings.json"),
            open_array(folder / "part.npy"),
            load_reasons(folder / "reason.arrow"),
            open_array(folder / "leaked.npy"),
        )


def check_parts(table: Table, checked: CheckedRows, part: NDArray[np.int8]) -> CheckedParts:
    """Check what the split made, and decide which rows and columns leave because of it.

    Args:
        table: N rows.
        checked: What the checks of rows decided.
        part: What the split decided, int8 (N,).
    """
    counts = count_rows(table, checked.reason)
    report = QualityReport(findings=(), counts=counts, balance_weights=False)
    return CheckedParts(report, part, checked.reason, np.empty(0, np.int64))
