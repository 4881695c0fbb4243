"""Own how plain values become the values of a kind, and which of them cannot."""

import re
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from iovalence.data.schema import Column, Kind

# Whole numbers beyond this lose their last digits as float64.
MAX_EXACT_INTEGER = 2**53
TRUE_WORDS, FALSE_WORDS = ("true", "yes", "t", "y"), ("false", "no", "f", "n")
# What Arrow's own cast reads, so that a cast of what matches cannot fail.
_NUMBER = r"(?i)^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]?(inf|infinity|nan)$"
_COMMA_NUMBER = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?$"
_IS_NUMBER, _GLANCE = re.compile(_NUMBER, re.ASCII), 10
_LAST_EARLY_DAY = 3  # of March, which 31 February of a common year would be
_DATE_PARTS = {
    "%d": r"\s*(?P<day>\d{1,2})",
    "%m": r"\s*\d{1,2}",
    "%Y": r"\s*\d{4}",
    "%y": r"\s*\d{2}",
    "%b": r"\s*[A-Za-z]+",
    " ": r"\s*",
}
_ZONE = r"(?i):\d\d(\.\d+)?\s*(z|[+-]\d\d(:?\d\d)?)$"
_FIRST_TIME = pa.scalar(datetime(1000, 1, 1), pa.timestamp("us"))
_ISO_TYPES = (pa.timestamp("us"), pa.timestamp("us", "UTC"))
_TYPES: dict[Kind, pa.DataType] = {
    "numeric": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
}


def type_of(kind: Kind) -> pa.DataType:
    """Return the Arrow type that holds the values of a kind."""
    return _TYPES.get(kind, pa.string())


def convert(values: pa.Array, column: Column) -> pa.Array:
    """Return values as the kind of `column` holds them.

    Args:
        values: Plain values, (N,).
        column: Kind and, for dates, format.

    Returns:
        (N,) of `type_of(column.kind)`; null where the value is missing or does not fit.
    """
    if column.kind == "numeric":
        return parse_numbers(values, decimal_comma=column.decimal_comma)
    if column.kind == "datetime":
        return parse_times(values, column.time_format)
    return parse_booleans(values) if column.kind == "boolean" else as_text(values)


def as_text(values: pa.Array) -> pa.Array:
    """Return plain values as texts; whole numbers without a fraction, booleans in lower case."""
    if values.type == pa.string():
        return values
    texts = values.cast(pa.string())
    if pa.types.is_decimal(values.type):
        return pc.replace_substring_regex(texts, r"\.0+$|(\.\d*[1-9])0+$", r"\1")
    if values.type == pa.timestamp("ns"):
        # What has no more digits is written as from a file of microseconds.
        return pc.replace_substring_regex(texts, r"(\.\d{6})000$", r"\1")
    return texts


def parse_numbers(values: pa.Array, *, decimal_comma: bool = False) -> pa.Array:
    """Return plain values as float64, NaN and what is no number as null.

    Args:
        values: Plain values, (N,).
        decimal_comma: Whether texts are written as 1.234,5.
    """
    if not (values.type in (pa.string(), pa.bool_()) or pa.types.is_temporal(values.type)):
        return values.cast(pa.float64(), safe=False)
    texts = _with_decimal_point(values) if decimal_comma else as_text(values)
    numbers = _cast_numbers(texts)
    return pc.if_else(pc.is_nan(numbers), None, numbers)


def _cast_numbers(texts: pa.Array) -> pa.Array:
    # A cast that fails costs ten times one that does not: a glance tells most of them.
    first = texts[:_GLANCE].drop_null().to_pylist()
    if all(_IS_NUMBER.search(text) for text in first):
        try:
            return texts.cast(pa.float64())
        except pa.ArrowInvalid:
            pass
    fits = pc.match_substring_regex(texts, _NUMBER)
    return pc.if_else(fits, texts, None).cast(pa.float64())


def _with_decimal_point(values: pa.Array) -> pa.Array:
    texts = as_text(values)
    # Anything else, such as 1.5 among them, is left unreadable: it could mean fifteen.
    fits = pc.match_substring_regex(texts, _COMMA_NUMBER)
    without_dots = pc.replace_substring(pc.if_else(fits, texts, "no number"), ".", "")
    return pc.replace_substring(without_dots, ",", ".")


def unify_whole_numbers(texts: pa.Array) -> pa.Array:
    """Return texts, (N,), with whole numbers as 3 where they are written as 3.0 or 3e0."""
    written = pc.match_substring_regex(texts, r"(?i)^[+-]?(0|[1-9]\d*)(\.\d*)?(e[+-]?\d+)?$")
    numbers = parse_numbers(pc.if_else(written, texts, None))
    whole = pc.and_(
        pc.equal(numbers, pc.floor(numbers)), pc.less(pc.abs(numbers), float(MAX_EXACT_INTEGER))
    )
    as_whole = pc.if_else(whole, numbers, None).cast(pa.int64()).cast(pa.string())
    return pc.coalesce(as_whole, texts)


def parse_booleans(values: pa.Array) -> pa.Array:
    """Return plain values as bool, what is neither true nor false as null."""
    if values.type == pa.bool_():
        return values
    words = pc.utf8_lower(as_text(values))
    true = pc.is_in(words, value_set=pa.array(TRUE_WORDS))
    false = pc.is_in(words, value_set=pa.array(FALSE_WORDS))
    return pc.if_else(pc.or_(true, false), true, None)


def parse_times(values: pa.Array, time_format: str | None) -> pa.Array:
    """Return plain values as timestamp("us") in UTC, what is no time in this format as null.

    Args:
        values: Plain values, (N,).
        time_format: As `strptime` takes it; None for ISO 8601, with or without a zone.
    """
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.timestamp("us"), safe=False)
    texts = as_text(values)
    if time_format is not None:
        times = pc.strptime(texts, format=time_format, unit="us", error_is_null=True)
        times = _without_days_that_are_none(times, texts, time_format)
        # `strptime` takes the 20 of 1/2/20 for the year 20.
        return pc.if_else(pc.less(times, _FIRST_TIME), None, times)
    for dtype in _ISO_TYPES:
        try:
            return texts.cast(dtype).cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            continue
    return _parse_iso_one_by_one(texts)


def _without_days_that_are_none(times: pa.Array, texts: pa.Array, time_format: str) -> pa.Array:
    """Return times with null for 31 February, of which `strptime` makes 2 March."""
    # It goes on into the first days of a month, so that few dates have to be looked at.
    early = pc.less_equal(pc.day(times), _LAST_EARLY_DAY)
    if not pc.any(early).as_py():
        return times
    pattern = "".join(_DATE_PARTS.get(part, re.escape(part)) for part in _split_format(time_format))
    day = pc.struct_field(pc.extract_regex(pc.if_else(early, texts, None), pattern), "day")
    is_other = pc.not_equal(day.cast(pa.int64()), pc.day(times)).fill_null(False)
    return pc.if_else(is_other, None, times)


def _split_format(time_format: str) -> list[str]:
    """Return the pieces of the date in a format as `%d/%m/%Y %H:%M`, which the clock follows."""
    return re.findall("%.|[^%]", time_format.split(" %H")[0].split(" %I")[0])


def have_zone(texts: pa.Array) -> pa.Array:
    """Return which texts of ISO 8601 name a zone, as in `+02:00` or `Z`, bool (N,)."""
    return pc.match_substring_regex(texts, _ZONE)


def _parse_iso_one_by_one(texts: pa.Array) -> pa.Array:
    # Arrow's cast fails as a whole; distinct texts are few where dates are days.
    distinct = texts.dictionary_encode()
    times = [_parse_iso(text) for text in distinct.dictionary]
    return pa.array(times, pa.timestamp("us")).take(distinct.indices)


def _parse_iso(text: pa.StringScalar) -> pa.TimestampScalar | None:
    for dtype in _ISO_TYPES:
        try:
            return text.cast(dtype).cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            continue
    return None
