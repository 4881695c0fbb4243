"""Own the typed table of a run: its schema and all its rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.schema import TableSchema
from iovalence.data.values import unify_whole_numbers
from iovalence.data.written import WrittenCells


@dataclass(frozen=True)
class Table:
    """Hold the rows of the train, validation and test file, in this order.

    Attributes:
        schema: What the columns are.
        columns: All N rows: float64 for numbers, bool, timestamp("us") for dates, else string;
            null where a value is missing.
        written: The cells whose value there does not say what was written.
    """

    schema: TableSchema
    columns: pa.Table
    written: WrittenCells = field(default_factory=WrittenCells)

    @property
    def num_rows(self) -> int:
        """Return N."""
        return sum(self.schema.num_rows)

    def without_features(self, names: Sequence[str]) -> "Table":
        """Return the table with some features left out, as the checks decided."""
        return replace(self, schema=self.schema.without_features(names)) if names else self

    def group_of_rows(self) -> NDArray[np.int64] | None:
        """Return the number of each row's group, int64 (N,), -1 for none; None without groups.

        A whole number is one group however it is written: pandas writes 3 as 3.0 where a value of
        the column is missing. Codes with leading zeros are codes.
        """
        names = self.schema.names("group")
        if not names:
            return None
        encoded = self.columns[names[0]].dictionary_encode().combine_chunks()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        names_alike = unify_whole_numbers(encoded.dictionary).dictionary_encode().indices
        groups = np.append(names_alike.to_numpy().astype(np.int64), -1)
        return np.asarray(groups[codes])

    def with_written(self) -> dict[str, pa.ChunkedArray]:
        """Return what was written in the columns that have cells to say it of, (N,) each."""
        return {name: self.written.column(name, self.num_rows) for name in self.written.names}

    def source_of_rows(self) -> NDArray[np.int8]:
        """Return for each row the file it is from, int8 (N,): 0 train, 1 validation, 2 test."""
        return np.repeat(np.arange(3, dtype=np.int8), self.schema.num_rows)

    def row_numbers(self) -> NDArray[np.int64]:
        """Return for each row its number in its file, int64 (N,), from 1, no header counted."""
        counts = [np.arange(1, rows + 1, dtype=np.int64) for rows in self.schema.num_rows]
        return np.concatenate(counts)
