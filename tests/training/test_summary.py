import numpy as np

from iovalence.data.prepared import Prepared
from iovalence.data.sequences import Sequences
from iovalence.training.summary import summarise


def make_prepared(sequences):
    return Prepared(
        preprocessing=None,
        features=np.arange(10, dtype=np.float32).reshape(5, 2),
        codes=np.arange(5, dtype=np.int32)[:, None],
        target=np.array([0, 1]),
        weight=None,
        part=np.zeros(2, np.int8),
        table_index=np.arange(2),
        sequences=sequences,
    )


def test_a_sequence_is_summed_up_by_its_means_and_its_last_row():
    prepared = make_prepared(Sequences(np.array([4, 0, 1, 2, 3]), np.array([0, 2, 5])))
    plain = summarise(prepared)
    assert plain.features.tolist() == [[4, 5, 0, 1], [4, 5, 6, 7]]
    assert plain.codes.tolist() == [[0], [3]]
    assert plain.sequences is None


def test_rows_that_are_no_sequences_stay_as_they_are():
    prepared = make_prepared(None)
    assert summarise(prepared) is prepared
