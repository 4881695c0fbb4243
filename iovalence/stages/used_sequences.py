"""Own what is true of sequences in other data: one label and one weight for each."""

import pyarrow as pa

from iovalence.data.sequences import find_sequences
from iovalence.data.table import Table
from iovalence.models.predictor import Predictor
from iovalence.quality.labels import respell
from iovalence.quality.sequences import join_labels, require_one_weight


def take_last_rows(predictor: Predictor, rows: pa.Table) -> pa.Table:
    """Return the last row of each sequence, in the order in which `Predictor.judge` has them.

    Args:
        predictor: A model of sequences.
        rows: N rows with the target, in one chunk.

    Returns:
        Rows as they are, but for the target: it is the sequence's, spelled as the class is.

    Raises:
        DataError: A sequence has two labels or weights, or a row no group or no time.
    """
    schema = predictor.schema
    table = Table(schema.model_copy(update={"num_rows": (rows.num_rows, 0, 0)}), rows)
    sequences = find_sequences(table)
    target = respell(rows[schema.target], predictor.preprocessing.classes)
    joined, _ = join_labels(table, target.combine_chunks(), sequences)
    require_one_weight(table, sequences)
    at = rows.schema.get_field_index(schema.target)
    return rows.set_column(at, schema.target, joined).take(pa.array(sequences.last))
