"""Own how a delimited text file is laid out: delimiter, header, names of the columns."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iovalence.data.encoding import find_encoding
from iovalence.data.packing import unpacked
from iovalence.data.section import DataSection
from iovalence.errors import DataError

DELIMITERS = ("\t", ";", "|", ",")
_SAMPLE_BYTES = 1 << 18
_MIN_SAMPLE_LINES = 20
_SAMPLE_ROWS = 500
# A delimiter fits when this share of the rows has the same number of fields, above one.
_FITS = 0.9
_NUMERIC_COLUMN = 0.9
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
_NAMES = {"\t": "tab", ";": "';'", "|": "'|'", ",": "','"}

Rows = list[list[str]]


@dataclass(frozen=True)
class Dialect:
    """Say how a delimited text file is laid out.

    Attributes:
        encoding: As `find_encoding` names it.
        delimiter: Character between fields.
        has_header: Whether the first row holds the names.
        names: Names of the columns, without surrounding blanks.
    """

    encoding: str
    delimiter: str
    has_header: bool
    names: tuple[str, ...]


def find_dialect(path: Path, key: str, section: DataSection, *, target_needed: bool) -> Dialect:
    """Return how a delimited text file is laid out.

    Args:
        path: The file, packed or plain.
        key: The setting that named it, for messages.
        section: Stated delimiter and names.
        target_needed: Whether a file without a header must have the target among its columns.

    Raises:
        DataError: The file is no text, has no rows, or does not fit what is stated.
    """
    encoding = find_encoding(path, key)
    text = _sample(path, key, encoding)
    if not text.strip():
        raise DataError(f"{key} must hold rows, found only blanks ({path})")
    delimiter = _find_delimiter(text, section.delimiter, f"({path})")
    rows = _split(text, delimiter)
    if not rows:
        raise DataError(f"{key} must hold rows of fields, found a quote not closed ({path})")
    names, has_header = _find_names(rows, section, f"{key} ({path})", target_needed)
    _check_names(names, f"{key} ({path})")
    if has_header and len(rows) == 1:
        raise DataError(f"{key} must hold rows, found only a header ({path})")
    return Dialect(encoding, delimiter, has_header, names)


def _sample(path: Path, key: str, encoding: str) -> str:
    head, block = b"", b""
    with unpacked(path, key) as file:
        # A header of many thousand names is longer than a sample of usual rows.
        while len(head.splitlines()) < _MIN_SAMPLE_LINES and (block := file.read(_SAMPLE_BYTES)):
            head += block
    text = head.decode(encoding, errors="ignore").removeprefix("\ufeff")
    if not block:
        return text
    # The last line is cut somewhere: it would look ragged.
    whole = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    return whole or text


def _split(text: str, delimiter: str) -> Rows:
    """Return the first rows of a text, blanks around the fields stripped, empty lines left out."""
    rows: Rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                rows.append([field.strip() for field in row])
            if len(rows) == _SAMPLE_ROWS:
                break
    except csv.Error:
        # A field longer than the csv module takes: the rows before it tell enough.
        pass
    return rows


def _find_delimiter(text: str, stated: str | None, place: str) -> str:
    """Return the delimiter that splits most rows into the same number of fields."""
    fits = {delimiter: _fit(_split(text, delimiter)) for delimiter in DELIMITERS}
    found = max(fits, key=lambda delimiter: fits[delimiter])
    if fits[";"][0] >= _FITS and found == "," and _has_decimal_commas(_split(text, ";")):
        found = ";"
    if stated is None:
        return found if fits[found][1] > 1 else ","
    if _fit(_split(text, stated))[1] == 1 and fits[found][0] >= _FITS:
        raise DataError(
            f"data.delimiter must split the rows, found one field in each row with {stated!r} "
            f"and {fits[found][1]} with {_NAMES[found]} {place}; correct it or leave it out"
        )
    return stated


def _fit(rows: Rows) -> tuple[float, int]:
    """Return the share of rows with the commonest number of fields, and that number.

    The share is 0 where that number is one: such a delimiter splits nothing.
    """
    if not rows:
        return 0.0, 1
    num_fields, times = Counter(len(row) for row in rows).most_common(1)[0]
    return (times / len(rows) if num_fields > 1 else 0.0), num_fields


def _has_decimal_commas(rows: Rows) -> bool:
    fields = [field for row in rows[1:] for field in row if "," in field]
    return bool(fields) and all(_DECIMAL_COMMA.fullmatch(field) for field in fields)


def _find_names(
    rows: Rows, section: DataSection, place: str, target_needed: bool
) -> tuple[tuple[str, ...], bool]:
    """Return the names of the columns, and whether the first row holds them."""
    first, stated = rows[0], section.column_names
    if stated is None:
        if not _looks_like_header(rows, section.missing_values):
            raise DataError(
                f"a file without a header must come with data.column_names, found none for the "
                f"{len(first)} columns of {place}; its first row is {_quoted(first)}"
            )
        return tuple(first), True
    if set(first) <= set(stated):
        return tuple(first), True
    if _header_evidence(rows, section.missing_values):
        raise DataError(
            f"data.column_names must name the columns of a file without a header, found the "
            f"header {_quoted(first)} in {place}; leave data.column_names out"
        )
    return _stated_names(len(first), section, place, target_needed), False


def _stated_names(
    num_fields: int, section: DataSection, place: str, target_needed: bool
) -> tuple[str, ...]:
    stated = section.column_names or ()
    without_target = tuple(name for name in stated if name != section.target)
    if num_fields == len(without_target) and not target_needed:
        return without_target
    if num_fields != len(stated):
        raise DataError(
            f"data.column_names must name each column once, got {len(stated)} names for "
            f"{num_fields} columns in {place}"
        )
    return stated


def _looks_like_header(rows: Rows, missing: Sequence[str]) -> bool:
    first = rows[0]
    if _header_evidence(rows, missing):
        return True
    if any(_NUMBER.fullmatch(field) for field in first):
        return _counts_up(first)
    return not _recurs(first, rows[1:])


def _header_evidence(rows: Rows, missing: Sequence[str]) -> bool:
    """Return whether the first row has text above numbers, and no broken number."""
    first, others = rows[0], rows[1:]
    if any(_NUMBER.fullmatch(field) and not _INTEGER.fullmatch(field) for field in first):
        return False
    return any(
        field not in missing
        and not _NUMBER.fullmatch(field)
        and _is_numeric([row[i] for row in others if i < len(row)], missing)
        for i, field in enumerate(first)
    )


def _is_numeric(fields: Sequence[str], missing: Sequence[str]) -> bool:
    known = [field for field in fields if field not in missing]
    numbers = sum(bool(_NUMBER.fullmatch(field)) for field in known)
    return bool(known) and numbers >= _NUMERIC_COLUMN * len(known)


def _counts_up(fields: Sequence[str]) -> bool:
    """Return whether the fields are 0, 1, 2 ..., the names that pandas gives."""
    return len(fields) > 1 and list(fields) == [str(i) for i in range(len(fields))]


def _recurs(first: Sequence[str], others: Rows) -> bool:
    """Return whether at least half of the fields stand again further down their column."""
    below = [{row[i] for row in others if i < len(row)} for i in range(len(first))]
    times = sum(field in fields for field, fields in zip(first, below, strict=True))
    return times * 2 >= len(first)


def _check_names(names: Sequence[str], place: str) -> None:
    empty = [str(i) for i, name in enumerate(names, 1) if not name]
    if empty:
        raise DataError(
            f"every column must have a name, found none for column {', '.join(empty[:5])} "
            f"of {len(names)} in {place}; name it, or write the file without row index"
        )
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(
            f"names of columns must differ, found {_quoted(twice)} more than once in {place}"
        )


def _quoted(fields: Sequence[str]) -> str:
    shown = ", ".join(f"'{field[:30]}'" for field in fields[:5])
    return shown + (f", ... ({len(fields)} in all)" if len(fields) > 5 else "")
