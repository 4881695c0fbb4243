"""Own the typed table that all stages read; know nothing of the files it came from."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from iovalence.data.schema import TableSchema


@dataclass(frozen=True)
class Table:
    """Hold the rows of the train, validation and test file, in this order, typed.

    Attributes:
        schema: What the columns mean.
        columns: All N rows. Numeric columns are float64, boolean ones bool, dates and times
            timestamp[us], all others string; missing values are null.
    """

    schema: TableSchema
    columns: pa.Table

    @property
    def num_rows(self) -> int:
        """Return N, the rows of all files together."""
        return int(self.columns.num_rows)

    def source_of_rows(self) -> np.ndarray:
        """Return the file of each row, int8 (N,): 0 train, 1 validation, 2 test."""
        return np.repeat(np.arange(3, dtype=np.int8), self.schema.num_rows)

    def row_numbers(self) -> np.ndarray:
        """Return the number of each row in its file, int64 (N,), from 1."""
        return np.concatenate([np.arange(1, n + 1, dtype=np.int64) for n in self.schema.num_rows])
