"""Own what a column must hold to say when a row was made: dates or numbers, in every row."""

import pyarrow as pa
import pyarrow.compute as pc

from iovalence.data.kinds import CLOCKS, TIME_FORMATS, FoundKind
from iovalence.data.values import as_text, have_zone, parse_numbers, parse_times
from iovalence.errors import DataError

_MAX_EXAMPLES = 5
_GLANCE = 1000


def check_times(name: str, values: pa.ChunkedArray, found: FoundKind) -> None:
    """Refuse a column of times some of which are none.

    Args:
        name: Of the column.
        values: Its plain values in the train file, (N,).
        found: What they are.

    Raises:
        DataError: The column holds neither dates nor numbers throughout; one line, with the rows.
    """
    if found.kind == "datetime" and found.time_format is None and values.type == pa.string():
        _check_zones(name, values)
    if found.kind in ("datetime", "numeric") and not found.odd_values:
        return
    if values.null_count == len(values):
        raise DataError(f"data.time must have values, found '{name}' missing in every row")
    plain = as_text(pa.concat_arrays(values.chunks))
    times, what = _read_most(plain)
    wrong = pc.indices_nonzero(pc.and_(pc.is_valid(plain), pc.is_null(times)))
    raise DataError(
        f"data.time must name a column of dates or of numbers, found {len(wrong)} of "
        f"{len(plain) - plain.null_count} values of '{name}' that are no {what}: "
        f"{_list_values(plain, wrong)}; correct them, or list what stands for none in "
        "data.missing_values"
    )


def _check_zones(name: str, values: pa.ChunkedArray) -> None:
    """Refuse times some of which name a zone: nobody knows how far the others are off."""
    plain = pa.concat_arrays(values.chunks)
    zoned, known = have_zone(plain), pc.is_valid(plain)
    without = pc.indices_nonzero(pc.and_not(known, zoned.fill_null(False)))
    num_known = len(plain) - plain.null_count
    if not 0 < len(without) < num_known:
        return
    is_few = 2 * len(without) <= num_known
    rows, what = (without, "without") if is_few else (pc.indices_nonzero(zoned), "with")
    raise DataError(
        f"data.time must have a zone in every value of '{name}' or in none, found {len(rows)} of "
        f"{num_known} {what} one: {_list_values(plain, rows)}; write them in one way"
    )


def _list_values(plain: pa.Array, rows: pa.Array) -> str:
    shown = [f"'{plain[row].as_py()[:30]}' (row {row + 1})" for row in rows[:5].to_pylist()]
    more = f" and {len(rows) - _MAX_EXAMPLES} more" if len(rows) > _MAX_EXAMPLES else ""
    return ", ".join(shown) + more


def _read_most(texts: pa.Array) -> tuple[pa.Array, str]:
    """Return the values as what most of them are, null where they are not, and its name."""
    first = texts.drop_null()[:_GLANCE]
    formats = [None, *(day + clock for day in TIME_FORMATS for clock in CLOCKS)]
    fits = {form: first.null_count + parse_times(first, form).null_count for form in formats}
    best = min(formats, key=lambda form: fits[form])
    numbers = parse_numbers(first)
    if numbers.null_count < fits[best]:
        return parse_numbers(texts), "numbers"
    return parse_times(texts, best), "dates" if best is None else f"dates as {best}"
