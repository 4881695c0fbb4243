"""Own the split by hash: a row's part follows from its group, else its id, else its content, alone.

No seed, no order and no other row has a say, so a row keeps its part as the table grows, also where
appended rows have a column read in another way: what counts is what was written, with different
spellings of one number, date or switch taken for one. No record of an earlier split is read. Copies
go where the first of them goes. The hash is fixed: changing it would move rows of every table that
was split before.
"""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.schema import Column
from iovalence.data.table import Table
from iovalence.data.values import (
    FALSE_WORDS,
    MAX_EXACT_INTEGER,
    TRUE_WORDS,
    parse_numbers,
    parse_times,
)
from iovalence.errors import DataError
from iovalence.quality.findings import list_rows, name_rows
from iovalence.splitting.units import TEST, TRAIN, VALIDATION, Shares

Codes = NDArray[np.uint64]
_NO_CONTENT = ("target", "id", "group", "weight")
_IS_ISO_DATE = r"^\d{4}-\d\d-\d\d"
_CLOCK = r"( ?\d{1,2}:\d{1,2}(:\d{1,2})?( ?[ap]m)?)?"
# Texts that `kinds.TIME_FORMATS` read, in lower case.
_IS_WRITTEN_DATE = (
    r"^(\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}[ -]?[a-z]{3,9}[ -]?\d{4}"
    rf"|[a-z]{{3,9}} ?\d{{1,2}}, ?\d{{4}}){_CLOCK}$"
)


# Blanks beside letters, the end of a month's name, and zeros before a digit say nothing; a digit
# whose neighbour had one added is found the second time.
_PAD = (r"(^|\D)(\d)(\D|$)", r"\10\2\3")
_UNIFYING = ((r" ?([a-z,]+) ?", r"\1"), (r"([a-z]{3})[a-z]+", r"\1"), _PAD, _PAD)


def assign_by_hash(keys: Codes, shares: Shares) -> NDArray[np.int8]:
    """Assign rows to train, validation and test by where their keys lie.

    The test takes the lowest keys and validation the highest, so that changing the share of one
    moves no row of the other.

    Args:
        keys: What `hash_units` returned for them, uint64 (N,).
        shares: Of all possible keys for validation and test.

    Returns:
        Part of each row, int8 (N,): 0 train, 1 validation, 2 test.
    """
    validation, test = (int(share * 2**64) for share in shares)
    part = np.full(len(keys), TRAIN, dtype=np.int8)
    if validation:
        part[keys >= np.uint64(2**64 - validation)] = VALIDATION
    part[keys < np.uint64(test)] = TEST
    return part


def hash_units(
    table: Table, first_copy: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Return the key of each of M rows, uint64 (M,), the same for rows that move together.

    Args:
        table: All rows.
        first_copy: Index of the first row that each equals, int64 (N,).
        rows: Indices of the M rows.

    Raises:
        DataError: A row has no group, no id and no content; one line, with the rows.
    """
    leaders, leader = np.unique(first_copy[rows], return_inverse=True)
    keys = np.zeros(len(leaders), dtype=np.uint64)
    open_rows = np.arange(len(leaders))
    for name in (*table.schema.names("group"), *table.schema.names("id")):
        codes, known = _encode(table.columns[name].take(pa.array(leaders[open_rows])))
        keys[open_rows[known]] = _mix(codes[known])
        open_rows = open_rows[~known]
    if len(open_rows):
        keys[open_rows] = _hash_content(table, leaders[open_rows])
    return np.asarray(keys[leader])


def _hash_content(table: Table, rows: NDArray[np.int64]) -> Codes:
    """Return a key of what each of M rows holds, uint64 (M,); names in order, not columns."""
    keys, empty = np.zeros(len(rows), dtype=np.uint64), np.ones(len(rows), dtype=bool)
    columns = [column for column in table.schema.columns if column.role not in _NO_CONTENT]
    index = pa.array(rows)
    written = table.with_written()
    for column in sorted(columns, key=lambda column: column.name):
        name = column.name
        values = _as_written(table.columns[name].take(index), column)
        codes, known = _encode(values)
        if name in written:
            texts = written[name].take(index)
            kept = texts.is_valid().to_numpy()
            codes, known = np.where(kept, _encode(texts)[0], codes), known | kept
        keys = _mix(keys ^ _mix(np.where(known, codes, np.uint64(0)) + _hash_text(name)))
        empty &= ~known
    if empty.any():
        examples = name_rows(table, rows[empty])
        count = int(empty.sum())
        raise DataError(
            "data.split: hash must find a group, an id or a value in every row, found none of "
            f"them in {count}{list_rows(examples, count)}; take these rows out, or give all rows "
            "a data.id"
        )
    return keys


def _as_written(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Return dates as they are written: which number is the month may be read anew."""
    if column.time_format is None or not pa.types.is_timestamp(values.type):
        return values
    seconds = values.cast(pa.timestamp("s"), safe=False)
    return pc.strftime(seconds, format=column.time_format)


def _encode(values: pa.ChunkedArray) -> tuple[Codes, NDArray[np.bool_]]:
    """Return a number for each value, uint64 (M,), and which are known, bool (M,)."""
    if pa.types.is_string(values.type):
        encoded = values.dictionary_encode().combine_chunks()
        codes, known = _encode_texts(encoded.dictionary)
        index = encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
        return np.append(codes, np.uint64(0))[index], np.append(known, np.False_)[index]
    known = values.is_valid().to_numpy()
    if pa.types.is_floating(values.type):
        return _encode_numbers(values.to_numpy()), known
    if pa.types.is_boolean(values.type):
        words = np.array([_hash_text("false"), _hash_text("true")])
        return words[values.fill_null(False).to_numpy().astype(np.int64)], known
    return _encode_times(values.fill_null(0)), known


def _encode_numbers(values: NDArray[np.float64]) -> Codes:
    return np.asarray(_mix((values + 0.0).view(np.uint64)))  # -0.0 becomes 0.0, which it equals


def _encode_times(values: pa.ChunkedArray | pa.Array) -> Codes:
    microseconds = values.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(_mix(microseconds.view(np.uint64) + _hash_text("time")))


def _encode_texts(texts: pa.Array) -> tuple[Codes, NDArray[np.bool_]]:
    """Return a number for each text: that of the number, date or word that it writes.

    A column of numbers becomes one of texts when rows of another kind are appended; its values
    keep their numbers.
    """
    unified = _unify_dates(texts).to_pylist()
    codes = np.array([_hash_text(text) for text in unified], dtype=np.uint64)
    numbers = _read_numbers(texts)
    exact = pc.less(pc.abs(numbers), float(MAX_EXACT_INTEGER))
    exact = pc.or_(exact, pc.match_substring_regex(texts, "(?i)e")).fill_null(False)
    codes[_as_mask(exact)] = _encode_numbers(numbers.filter(exact).to_numpy())
    dates = pc.match_substring_regex(texts, _IS_ISO_DATE)
    if pc.any(dates).as_py():
        times = parse_times(pc.if_else(dates, texts, None), None)
        codes[_as_mask(times.is_valid())] = _encode_times(times.drop_null())
    words = pc.utf8_lower(texts)
    for word, spellings in (("true", TRUE_WORDS), ("false", FALSE_WORDS)):
        is_word = pc.is_in(words, value_set=pa.array(spellings))
        codes[_as_mask(is_word)] = _hash_text(word)
    return codes, ~_as_mask(pc.equal(words, "nan"))


def _read_numbers(texts: pa.Array) -> pa.Array:
    """Return the numbers that texts are, float64 (N,): with a decimal point, else a comma."""
    numbers = parse_numbers(texts)
    commas = pc.if_else(pc.match_substring(texts, ","), texts, None)
    return pc.coalesce(numbers, parse_numbers(commas, decimal_comma=True))


def _unify_dates(texts: pa.Array) -> pa.Array:
    """Return texts with dates in one spelling: 1/2/2020 as 01/02/2020, January as jan."""
    lower = pc.replace_substring_regex(pc.utf8_lower(texts), r"\s+", " ")
    is_date = pc.match_substring_regex(lower, _IS_WRITTEN_DATE)
    if not pc.any(is_date).as_py():
        return texts
    dates = pc.if_else(is_date, lower, None)
    for pattern, by in _UNIFYING:
        dates = pc.replace_substring_regex(dates, pattern, by)
    return pc.coalesce(dates, texts)


def _as_mask(values: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=bool)


def _hash_text(text: str) -> np.uint64:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _mix(values: Codes) -> Codes:
    """Return numbers whose bits all depend on all bits of the given, one to one, uint64.

    Source: the finalizer of SplitMix64; Steele, Lea and Flood, Fast Splittable Pseudorandom Number
        Generators (2014), with the constants of Stafford's variant 13.
    """
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
