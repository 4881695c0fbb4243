"""Own what the values of a column are, decided on the train file alone.

The rules, in order: what is missing throughout has no kind; texts that are nearly all numbers are
numeric; true/false, yes/no and their letters are boolean (0 and 1 are numbers); what is a date
throughout is a date; texts that differ in nearly every row, or are many and long, are no
categories: identifiers and wide text; all others are categories.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.columnar import UNSUPPORTED
from iovalence.data.schema import Kind
from iovalence.data.values import (
    FALSE_WORDS,
    MAX_EXACT_INTEGER,
    TRUE_WORDS,
    have_zone,
    parse_numbers,
    parse_times,
)

# A column of texts is numeric when at most this share of its values is something else, and those
# are at most this many different texts: then they are slips of the pen, not codes.
MAX_ODD_SHARE = 0.05
MAX_ODD_VALUES = 10
# Fewer rows than this do not tell an identifier from a category.
MIN_ROWS_TO_JUDGE = 20
# Texts are wide when more than this share of them differ, or when they are more than this many
# and on average of this many words or characters.
MAX_DISTINCT_SHARE = 0.5
MIN_WIDE_VALUES = 50
MIN_WIDE_WORDS = 4.0
MIN_WIDE_CHARACTERS = 40.0
# Tried in this order after ISO 8601: where day and month cannot be told apart, month comes first.
TIME_FORMATS = (
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_DECIMAL_COMMA = r"^[+-]?[\d.]+,(\d{1,2}|\d{4,})$"
_BOOLEAN_WORDS = frozenset({*TRUE_WORDS, *FALSE_WORDS})
_MAX_SPELLINGS = 32
_IDENTIFIER_NAME = re.compile(
    r"(^|[_\W])(id|uid|uuid|guid|key|index|idx|row|nr|no|number)$", re.IGNORECASE
)
_CAMEL_IDENTIFIER_NAME = re.compile(r"[a-z](Id|ID|Key|No|Nr|Number|Index)$")


@dataclass(frozen=True)
class FoundKind:
    """Say what the values of a column are.

    Attributes:
        kind: The kind.
        left_out: Why such a column is no feature, or empty.
        note: What a person should know besides, or empty.
        time_format: Format of dates, None for ISO 8601.
        decimal_comma: Whether numbers are written as 1.234,5.
        odd_values: Texts that do not fit the kind and count as missing.
        whole: Whether all are whole numbers.
        overridable: Whether naming the column in `data.features` makes it a feature after all.
    """

    kind: Kind
    left_out: str = ""
    note: str = ""
    time_format: str | None = None
    decimal_comma: bool = False
    odd_values: tuple[str, ...] = ()
    whole: bool = False
    overridable: bool = False


def find_kind(values: pa.ChunkedArray, field: pa.Field) -> FoundKind:
    """Return what the values of a column are.

    Args:
        values: The plain values of the train file, (N,).
        field: Name, type and metadata of the column.
    """
    if field.metadata and UNSUPPORTED in field.metadata:
        dtype = field.metadata[UNSUPPORTED].decode()
        return FoundKind("unsupported", f"values of type {dtype} cannot be used")
    if values.null_count == len(values):
        return FoundKind("categorical", "all values are missing")
    if field.type == pa.bool_():
        return _with_constant(FoundKind("boolean"), values)
    if pa.types.is_timestamp(field.type):
        return _with_constant(FoundKind("datetime"), values)
    return _numeric(values, field.name) or _texts(values)


def _with_constant(found: FoundKind, values: pa.ChunkedArray) -> FoundKind:
    distinct = pc.count_distinct(values, mode="only_valid").as_py()
    constant = _constant(values) if distinct == 1 and not values.null_count else ""
    return replace(found, left_out=constant)


def _constant(values: pa.ChunkedArray) -> str:
    return f"always {str(values[0].as_py())[:30]!r}"


def _numeric(values: pa.ChunkedArray, name: str) -> FoundKind | None:
    """Return what numbers they are, or None when too many are none."""
    found = _numeric_as(values, name, decimal_comma=False)
    if found is None and _has_decimal_commas(values):
        return _numeric_as(values, name, decimal_comma=True)
    return found


def _numeric_as(values: pa.ChunkedArray, name: str, *, decimal_comma: bool) -> FoundKind | None:
    chunks = [parse_numbers(chunk, decimal_comma=decimal_comma) for chunk in values.chunks]
    numbers = pa.chunked_array(chunks, pa.float64())
    odd_values = _odd_values(values, numbers)
    if odd_values is None:
        return None
    found = _describe_numbers(numbers, name)
    note = "numbers are written with decimal commas" if decimal_comma else found.note
    return replace(found, note=note, decimal_comma=decimal_comma, odd_values=odd_values)


def _has_decimal_commas(values: pa.ChunkedArray) -> bool:
    """Return whether a text has a comma that cannot stand between thousands."""
    if values.type != pa.string():
        return False
    return bool(pc.any(pc.match_substring_regex(values, _DECIMAL_COMMA)).as_py())


def _odd_values(values: pa.ChunkedArray, numbers: pa.ChunkedArray) -> tuple[str, ...] | None:
    """Return the texts that are no numbers, or None when they are too many."""
    if numbers.null_count == values.null_count:
        return ()
    odd = values.filter(pc.and_(pc.is_valid(values), pc.is_null(numbers)))
    # The text `nan` is a missing number, not a slip.
    odd = odd.filter(pc.not_equal(pc.utf8_lower(odd), "nan"))
    distinct = pc.unique(odd)
    few = len(odd) <= MAX_ODD_SHARE * (len(values) - values.null_count)
    return tuple(distinct.to_pylist()) if few and len(distinct) <= MAX_ODD_VALUES else None


def _describe_numbers(numbers: pa.ChunkedArray, name: str) -> FoundKind:
    known = numbers.drop_null().to_numpy()
    if not len(known):
        return FoundKind("numeric", "all values are missing")
    whole = bool(np.all(known == np.floor(known)))
    if known.min() == known.max() and not numbers.null_count:
        return FoundKind("numeric", f"always {known[0]:g}", whole=whole)
    reason = _identifier_reason(known, name) if whole else ""
    note = _precision_note(known) if whole else ""
    return FoundKind("numeric", reason, note, whole=whole, overridable=bool(reason))


def _identifier_reason(known: NDArray[np.float64], name: str) -> str:
    """Return why whole numbers are an identifier, or an empty text."""
    num_rows = len(known)
    if num_rows < MIN_ROWS_TO_JUDGE:
        return ""
    is_run = known.max() - known.min() == num_rows - 1
    if not (is_run or names_identifier(name)) or len(np.unique(known)) < num_rows:
        return ""
    return "identifier: it counts the rows" if is_run else "identifier: no two values are the same"


def names_identifier(name: str) -> bool:
    """Return whether a column's name says that it identifies rows."""
    return bool(_IDENTIFIER_NAME.search(name) or _CAMEL_IDENTIFIER_NAME.search(name))


def _precision_note(known: NDArray[np.float64]) -> str:
    largest = np.abs(known).max()
    if MAX_EXACT_INTEGER < largest < np.inf:
        return f"whole numbers up to {largest:.0f} are kept to 15 digits only"
    return ""


def _texts(values: pa.ChunkedArray) -> FoundKind:
    texts = pc.unique(values.drop_null())
    if len(texts) <= _MAX_SPELLINGS and _BOOLEAN_WORDS.issuperset(pc.utf8_lower(texts).to_pylist()):
        return _with_constant(FoundKind("boolean"), values)
    times = _find_time_format(texts)
    if times is not None:
        return _with_constant(times, values)
    return _categories(values, texts)


def _find_time_format(texts: pa.Array) -> FoundKind | None:
    """Return the format in which all texts are dates, or None."""
    first = texts.slice(0, 20)
    formats = [None, *(day + clock for day in TIME_FORMATS for clock in CLOCKS)]
    fits = [form for form in formats if not parse_times(first, form).null_count]
    fits = [form for form in fits if not parse_times(texts, form).null_count]
    if not fits:
        return None
    note = ""
    if len(fits) > 1:
        note = f"dates could be {' or '.join(map(str, fits))}: read as {fits[0]}"
    zoned = pc.sum(have_zone(texts)).as_py() if fits[0] is None else 0
    if 0 < zoned < len(texts):
        note = f"of {len(texts)} different times {zoned} name a zone: the others are taken for UTC"
    return FoundKind("datetime", note=note, time_format=fits[0])


def _categories(values: pa.ChunkedArray, texts: pa.Array) -> FoundKind:
    known, distinct = len(values) - values.null_count, len(texts)
    if distinct == 1 and not values.null_count:
        return FoundKind("categorical", _constant(values))
    words = pc.mean(pc.add(pc.count_substring(texts, " "), 1)).as_py()
    is_wide = (
        words >= MIN_WIDE_WORDS or pc.mean(pc.utf8_length(texts)).as_py() >= MIN_WIDE_CHARACTERS
    )
    if known >= MIN_ROWS_TO_JUDGE and distinct == known and not is_wide:
        return FoundKind("identifier", "identifier: no two values are the same")
    many = known >= MIN_ROWS_TO_JUDGE and distinct > MAX_DISTINCT_SHARE * known
    if (many or is_wide) and distinct > MIN_WIDE_VALUES:
        return FoundKind("text", f"text: {distinct} different values in {known} rows")
    return FoundKind("categorical")
