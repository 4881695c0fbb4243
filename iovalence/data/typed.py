"""Own how plain rows become rows of a known schema, and what does not fit on the way."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from iovalence.data.kinds import MAX_ODD_SHARE
from iovalence.data.schema import Column, Role
from iovalence.data.values import as_text, convert, type_of
from iovalence.data.written import find_lost
from iovalence.errors import DataError

_MAX_EXAMPLES = 5
_Keep = Callable[[int, pa.Array, pa.Array], None]
_USED = ("feature", "target", "time", "weight")


@dataclass
class _Misfits:
    """Count the values of one column that do not fit its kind."""

    count: int = 0
    known: int = 0
    examples: list[str] = field(default_factory=list)


class RowTyper:
    """Turn batches of plain rows into batches of a schema, and remember what did not fit.

    Args:
        columns: The columns to make, in order.
        place: What the rows are from, for messages, as in `data.test_file`.
        ignore: Names of columns to leave null throughout.
        gather: Whether infinite numbers and wrong weights are kept for `check_fits`, where all
            faults are named together, and not raised at once.
        keep: Told of cells whose values do not say what was written: position of the column, rows
            from 0, int64, and texts; None to let them go.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        place: str,
        ignore: Collection[str] = (),
        *,
        gather: bool = False,
        keep: _Keep | None = None,
    ) -> None:
        self.columns = columns
        self.num_rows = 0
        self._keep = keep
        self._place, self._ignore = place, ignore
        self._misfits = {column.name: _Misfits() for column in columns}
        self._gather = gather
        self._refused: dict[str, str] = {}

    @property
    def has_faults(self) -> bool:
        """Say whether anything so far did not fit."""
        return bool(self._refused) or any(one.count for one in self._misfits.values())

    def type_batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield batches of the schema; a column that the rows lack is null throughout.

        Raises:
            DataError: A number that is used is infinite, or a weight is missing or negative.
        """
        schema = arrow_schema(self.columns)
        for batch in batches:
            present = set(batch.schema.names).difference(self._ignore)
            arrays = [
                self._convert(batch.column(column.name), at)
                if column.name in present
                else pa.nulls(batch.num_rows, type_of(column.kind))
                for at, column in enumerate(self.columns)
            ]
            self.num_rows += batch.num_rows
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _convert(self, plain: pa.Array, at: int) -> pa.Array:
        column = self.columns[at]
        values = convert(plain, column)
        if self._keep is not None and (lost := find_lost(plain, values, column)) is not None:
            rows = pc.indices_nonzero(lost)
            texts = as_text(plain.take(rows))
            self._keep(at, pc.add(rows.cast(pa.int64()), self.num_rows), texts)
        if column.role not in _USED:
            return values
        if values.null_count > plain.null_count:
            self._note_misfits(plain, values, column)
        self._misfits[column.name].known += len(plain) - plain.null_count
        if column.kind == "numeric":
            self._check_finite(plain, values, column)
        if column.role == "weight":
            self._check_weight(plain, values, column)
        return values

    def _note_misfits(self, plain: pa.Array, values: pa.Array, column: Column) -> None:
        lost = pc.and_(pc.is_valid(plain), pc.is_null(values))
        texts = as_text(plain)
        lost = pc.and_(lost, pc.not_equal(pc.utf8_lower(texts), "nan"))
        lost = pc.and_not(lost, pc.is_in(texts, value_set=pa.array(column.odd_values, pa.string())))
        misfits = self._misfits[column.name]
        rows = pc.indices_nonzero(lost)
        misfits.count += len(rows)
        for row in rows[: max(0, _MAX_EXAMPLES - len(misfits.examples))].to_pylist():
            number = self.num_rows + row + 1
            misfits.examples.append(f"'{texts[row].as_py()[:30]}' (row {number})")

    def _check_finite(self, plain: pa.Array, values: pa.Array, column: Column) -> None:
        infinite = pc.fill_null(pc.is_inf(values), False)
        if pc.any(infinite).as_py():
            self._refuse(infinite, plain, values, column, "finite numbers")

    def _check_weight(self, plain: pa.Array, values: pa.Array, column: Column) -> None:
        wrong = pc.fill_null(pc.less(values, 0.0), True)
        if pc.any(wrong).as_py():
            self._refuse(wrong, plain, values, column, "a weight of 0 or more in every row")

    def _refuse(
        self, wrong: pa.Array, plain: pa.Array, values: pa.Array, column: Column, must: str
    ) -> None:
        row = pc.index(wrong, True).as_py()
        value, written = values[row].as_py(), plain[row].as_py()
        if value is None and written is not None:
            value = f"'{str(written)[:30]}'"
        fault = (
            f"column '{column.name}' must hold {must}, found "
            f"{'none' if value is None else value} in row {self.num_rows + row + 1} of "
            f"{self._place}; correct it, exclude the column, or list it in data.missing_values"
        )
        if not self._gather:
            raise DataError(fault)
        self._refused.setdefault(column.name, fault)

    def notes(self) -> tuple[str, ...]:
        """Return a line for each column with values that do not fit and count as missing."""
        return tuple(
            f"column '{column.name}': {self._describe(column)} and count as missing; correct "
            "them or list them in data.missing_values"
            for column in self.columns
            if self._misfits[column.name].count
        )

    def check_fits(self, max_share: float = MAX_ODD_SHARE, others: Sequence[str] = ()) -> None:
        """Refuse columns with more values that do not fit than a slip of the pen explains.

        Args:
            max_share: Largest share of a column's values that may not fit, in [0, 1].
            others: Faults of the same rows that are known already, a line each.

        Raises:
            DataError: One line for each such column, after the other faults.
        """
        faults = [
            *others,
            *self._refused.values(),
        ]
        faults += [
            f"column '{column.name}' must be {column.kind} as in the file trained on, "
            f"found {self._describe(column)}; correct them"
            for column in self.columns
            if self._is_too_much(column, max_share)
        ]
        if faults:
            raise DataError(faults)

    def _is_too_much(self, column: Column, max_share: float) -> bool:
        misfits = self._misfits[column.name]
        return misfits.count > max_share * misfits.known

    def _describe(self, column: Column) -> str:
        misfits = self._misfits[column.name]
        more = f" and {misfits.count - _MAX_EXAMPLES} more" * (misfits.count > _MAX_EXAMPLES)
        return (
            f"{misfits.count} of {misfits.known} values in {self._place} that are not "
            f"{column.kind}: {', '.join(misfits.examples)}{more}"
        )


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema that holds these columns."""
    return pa.schema([(column.name, type_of(column.kind)) for column in columns])


def check_columns(
    schema: pa.Schema, columns: Sequence[Column], place: str, *, need_target: bool
) -> None:
    """Refuse rows that lack a column which is used.

    Raises:
        DataError: One line naming every column that is missing.
    """
    faults = list_missing_columns(schema, columns, place, need_target=need_target)
    if faults:
        raise DataError(faults)


def list_missing_columns(
    schema: pa.Schema,
    columns: Sequence[Column],
    place: str,
    *,
    need_target: bool,
    need_order: bool = False,
) -> list[str]:
    """Return one line naming every column that is used and missing; none where none is.

    Args:
        schema: Of the rows.
        columns: Of the table that they are to be rows of.
        place: What the rows are from, for messages.
        need_target: Whether target and weight are used.
        need_order: Whether group and time are.
    """
    used: set[Role] = {"feature", "target", "weight"} if need_target else {"feature"}
    used |= {"group", "time"} if need_order else set()
    present = set(schema.names)
    missing = [c.name for c in columns if c.role in used and c.name not in present]
    if not missing:
        return []
    return [
        f"{place} must have the columns of the file trained on, found none called "
        f"{', '.join(repr(name) for name in missing)}; it has {len(present)}: "
        f"{', '.join(repr(name) for name in schema.names[:10])}"
    ]
