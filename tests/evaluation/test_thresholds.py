import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from iovalence.evaluation.thresholds import choose_threshold

MEASURES = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "f1": lambda true, said: f1_score(true, said, zero_division=0),
    "macro_f1": lambda true, said: f1_score(true, said, average="macro", zero_division=0),
}


@pytest.mark.parametrize("metric", MEASURES)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), min_size=4, max_size=20))
def test_no_threshold_is_better_than_the_one_chosen(metric, rows):
    labels = np.array([0, 1] + [int(label) for label, _ in rows])
    scores = np.array([5, 5] + [score for _, score in rows]) / 10
    value, reached, at_half = choose_threshold(metric, labels, scores, np.ones(len(labels)))

    def measure(threshold):
        return MEASURES[metric](labels, (scores >= threshold).astype(int))

    tried = np.unique([*scores, *(scores + 1e-9), 0.0])
    assert reached == pytest.approx(measure(value))
    assert reached == pytest.approx(max(measure(one) for one in tried))
    assert at_half == pytest.approx(measure(0.5))


def test_of_equally_good_thresholds_the_nearest_to_a_half_is_taken():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.9, 0.95])
    assert choose_threshold("f1", labels, scores, np.ones(4))[0] == 0.5


def test_a_heavy_row_decides():
    labels, scores = np.array([1, 0, 0]), np.array([0.3, 0.4, 0.45])
    light = choose_threshold("accuracy", labels, scores, np.array([1.0, 1, 1]))
    heavy = choose_threshold("accuracy", labels, scores, np.array([9.0, 1, 1]))
    assert light[0] == 0.5
    assert heavy[0] < 0.3
