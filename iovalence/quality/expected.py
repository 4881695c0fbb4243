"""Own the values that expectations look at: those of the user's file, not what is made of them.

Whole numbers are whole, codes with leading zeros are texts, and what is said of the text of a value
(a pattern, its length, a set of texts) is judged on the text in the file. Columns that no
expectation names are there, but hold nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iovalence.data.table import Table
from iovalence.data.values import MAX_EXACT_INTEGER, as_text

ReadPlain = Callable[[Sequence[str]], Mapping[str, pa.ChunkedArray]]
"""Returns columns of all files as they are there, (N,) each, in plain types."""

_OF_TEXT = ("regex", "like_pattern", "strftime", "value_lengths", "dateutil", "json")
_LEADING_ZERO = r"^[+-]?0\d"
_WHOLE = r"^[+-]?\d+$"
_NUMBER = r"^[+-]?(0|[1-9]\d*)(\.\d+)?$"


@dataclass(frozen=True)
class Look:
    """Say what one expectation looks at.

    Attributes:
        names: Columns.
        as_text: Whether at the texts in the file, rather than at the values.
    """

    names: tuple[str, ...]
    as_text: bool


def find_look(name: str, arguments: Mapping[str, Any], columns: Iterable[str]) -> Look:
    """Return what an expectation looks at, by its name and its arguments."""
    wanted = arguments.get("value_set") or ()
    as_text = any(word in name for word in _OF_TEXT) or any(isinstance(v, str) for v in wanted)
    if arguments.get("row_condition"):
        return Look(tuple(columns), False)  # it may name any of them, and compares values
    return Look(tuple(columns), as_text)


class ExpectedValues:
    """Give the values of a table as expectations look at them.

    Args:
        table: N rows.
        looks: All that will be looked at; the files are read once, for what typing changed.
        read_plain: Reads columns of the files; None to go by the table alone.
    """

    def __init__(
        self, table: Table, looks: Sequence[Look], read_plain: ReadPlain | None = None
    ) -> None:
        self._table = table
        needed = {name for look in looks for name in look.names if self._is_changed(name, look)}
        plain = read_plain(sorted(needed)) if read_plain is not None and needed else {}
        self._plain = dict(plain)

    def _is_changed(self, name: str, look: Look) -> bool:
        values = self._table.columns[name]
        if look.as_text:
            return bool(values.type != pa.string())
        return bool(values.type == pa.float64()) and _all_whole(values)

    def frame(self, names: Iterable[str], *, as_text: bool) -> Any:
        """Return a pandas frame of all N rows in which these columns hold what they hold."""
        import pandas as pd

        wanted = set(names)
        give = self._texts if as_text else self._values
        nothing = np.zeros(self._table.num_rows, np.int8)
        columns = {
            name: give(name) if name in wanted else nothing
            for name in self._table.columns.column_names
        }
        return pd.DataFrame(columns, copy=False)

    def _texts(self, name: str) -> Any:
        values = self._plain.get(name, self._table.columns[name])
        chunks = [as_text(chunk) for chunk in values.chunks]
        texts = pa.chunked_array(chunks, pa.string())
        return (_trim_times(texts) if pa.types.is_timestamp(values.type) else texts).to_pandas()

    def _values(self, name: str) -> Any:
        values, plain = self._table.columns[name], self._plain.get(name)
        if plain is not None and plain.type == pa.string():
            return _read_whole(values, plain)
        if plain is not None and pa.types.is_integer(plain.type):
            return plain.to_pandas(integer_object_nulls=_has_wide(values))
        if self._table.schema.column(name).role in ("id", "group", "target"):
            return _read_names(values)
        return values.to_pandas()


def _all_whole(values: pa.ChunkedArray) -> bool:
    whole = (pc.all(pc.equal(chunk, pc.floor(chunk))).as_py() for chunk in values.chunks)
    return all(one is not False for one in whole)


def _has_wide(values: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.greater_equal(pc.abs(values), float(MAX_EXACT_INTEGER))).as_py())


def _read_whole(values: pa.ChunkedArray, texts: pa.ChunkedArray) -> Any:
    """Return numbers that are whole, (N,), from their texts: codes as text, else whole numbers."""
    if pc.any(pc.match_substring_regex(texts, _LEADING_ZERO)).as_py():
        return texts.to_pandas()
    known = pc.if_else(values.is_valid(), texts, None)
    if pc.all(pc.match_substring_regex(known, _WHOLE)).as_py() is False:
        return values.to_pandas()  # written as 1.0, or 1e3
    try:
        whole = pc.utf8_ltrim(known, "+").cast(pa.int64())
    except pa.ArrowInvalid:
        return known.to_pandas().map(int, na_action="ignore")
    return whole.to_pandas(integer_object_nulls=_has_wide(values))


def _read_names(values: pa.ChunkedArray) -> Any:
    """Return ids, groups and classes, (N,): as numbers where all are written as such."""
    if values.type != pa.string() or not pc.all(pc.match_substring_regex(values, _NUMBER)).as_py():
        return values.to_pandas()
    for dtype in (pa.int64(), pa.float64()):
        try:
            return values.cast(dtype).to_pandas(integer_object_nulls=True)
        except pa.ArrowInvalid:
            continue
    return values.to_pandas()


def _trim_times(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return times without a clock that stands at midnight, or fractions that are 0, throughout."""
    for ending in (r" 00:00:00\.0+$", r"\.0+$"):
        if pc.all(pc.match_substring_regex(texts, ending)).as_py():
            return pc.replace_substring_regex(texts, ending, "")
    return texts
