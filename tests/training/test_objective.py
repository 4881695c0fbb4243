import math

import pytest
import torch
from sklearn.metrics import log_loss, r2_score, root_mean_squared_error

from iovalence.training.objective import Objective

CLASSES, VALUES = Objective("classification"), Objective("regression", target_scale=3.0)


def test_the_loss_is_the_mean_cross_entropy():
    outputs, target = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    probs = outputs.softmax(1).double().numpy()
    probs /= probs.sum(axis=1, keepdims=True)
    assert CLASSES.loss(outputs, target, None).item() == pytest.approx(
        log_loss(target, probs, labels=[0, 1, 2]), rel=1e-5
    )


@pytest.mark.parametrize("objective", [CLASSES, VALUES])
def test_a_weight_of_two_counts_as_the_row_twice(objective):
    outputs = torch.randn(3, 2 if objective is CLASSES else 1)
    target = torch.tensor([0, 1, 1]) if objective is CLASSES else torch.randn(3)
    weight = torch.tensor([1.0, 2.0, 0.0])
    twice = torch.tensor([0, 1, 1])
    repeated = objective.loss(outputs[twice], target[twice], None)
    torch.testing.assert_close(objective.loss(outputs, target, weight), repeated)
    weighted = objective.figures(objective.sums(outputs, target, weight, weight).tolist())
    plain = objective.figures(objective.sums(outputs[twice], target[twice], None, None).tolist())
    assert weighted == pytest.approx(plain, rel=1e-5)


def test_a_batch_of_weight_zero_has_a_finite_loss():
    loss = CLASSES.loss(torch.randn(2, 2), torch.tensor([0, 1]), torch.zeros(2))
    assert loss.item() == 0


def test_regression_figures_are_in_the_unit_of_the_target():
    outputs, target = torch.randn(50, 1), torch.randn(50)
    figures = VALUES.figures(VALUES.sums(outputs, target, None, None).tolist())
    predicted = outputs[:, 0].double().numpy()
    assert figures["rmse"] == pytest.approx(
        3.0 * root_mean_squared_error(target.double().numpy(), predicted), rel=1e-5
    )
    assert figures["r2"] == pytest.approx(r2_score(target.double().numpy(), predicted), rel=1e-4)


def test_figures_of_no_rows_are_not_numbers():
    assert all(math.isnan(value) for value in CLASSES.figures([0.0] * 6).values())
