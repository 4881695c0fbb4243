"""Own what holds of every cell before its column has a kind: blanks stripped, missing is null."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc


def clean_cells(batch: pa.RecordBatch, missing_values: Sequence[str]) -> pa.RecordBatch:
    """Strip blanks around texts, and make null what stands for a missing value.

    Args:
        batch: Rows in plain types.
        missing_values: Texts that stand for a missing value; those that are numbers also stand
            for it in columns of numbers.
    """
    texts = pa.array([text.strip() for text in missing_values], pa.string())
    numbers = pa.array(_numbers(missing_values), pa.float64())
    columns = [_clean(column, texts, numbers) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _numbers(texts: Sequence[str]) -> list[float]:
    found = []
    for text in texts:
        try:
            found.append(float(text))
        except ValueError:
            continue
    return [number for number in found if number == number]  # NaN is null already


def _clean(values: pa.Array, texts: pa.Array, numbers: pa.Array) -> pa.Array:
    if values.type == pa.string():
        values = pc.utf8_trim_whitespace(values)
        return _blank(values, pc.is_in(values, value_set=texts))
    if len(numbers) and _is_number(values.type):
        return _blank(values, pc.is_in(values.cast(pa.float64(), safe=False), value_set=numbers))
    return values


def _is_number(dtype: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(dtype) or types.is_floating(dtype) or types.is_decimal(dtype))


def _blank(values: pa.Array, hit: pa.Array) -> pa.Array:
    # Most batches hold nothing missing: looking first saves a copy.
    return pc.if_else(hit, None, values) if pc.any(hit).as_py() else values
