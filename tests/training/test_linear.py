import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from iovalence.data.prepared import Prepared
from iovalence.data.preprocessing import Preprocessing
from iovalence.data.schema import Column, TableSchema
from iovalence.models.predictor import interpret
from iovalence.training.fit import Machine
from iovalence.training.linear import fit_linear


def make_prepared(task, num_rows=300):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(num_rows, 3))
    values = rows @ [1.0, -2.0, 0.5] + rng.normal(size=num_rows)
    target = (
        pa.array(values)
        if task == "regression"
        else pa.array(np.array(["low", "middle", "high"])[np.digitize(values, [-1, 1])])
    )
    columns = pa.table({name: rows[:, i] for i, name in enumerate("abc")})
    schema = TableSchema(
        columns=tuple(Column(name=name, kind="numeric", role="feature") for name in "abc"),
        target="y",
        task=task,
        task_reason="",
        num_rows=(num_rows, 0, 0),
        files=(),
    )
    preprocessing = Preprocessing.fit(columns, schema, target, None)
    encoded = preprocessing.transform(columns)
    return Prepared(
        preprocessing=preprocessing,
        features=encoded.features,
        codes=encoded.codes,
        target=preprocessing.encode_target(target),
        weight=None,
        part=np.zeros(num_rows, np.int8),
        table_index=np.arange(num_rows),
    )


def outputs(prepared):
    import torch

    network = fit_linear(prepared, Machine("cpu", 1))
    return network.forward(torch.from_numpy(prepared.features), None).detach().numpy()


def test_the_baseline_for_classes_is_logistic_regression():
    prepared = make_prepared("classification")
    reference = LogisticRegression(tol=1e-8, max_iter=1000)
    reference.fit(prepared.features, prepared.target)
    probs = interpret(outputs(prepared), prepared.preprocessing).probs
    assert probs == pytest.approx(reference.predict_proba(prepared.features), abs=2e-3)


def test_the_baseline_for_values_is_ridge_regression():
    prepared = make_prepared("regression")
    # Our loss is the mean of squares, scikit-learn's the sum: the penalty is half of alpha = 1.
    reference = Ridge(alpha=0.5).fit(prepared.features, prepared.target)
    expected = reference.predict(prepared.features)
    assert outputs(prepared)[:, 0] == pytest.approx(expected, abs=2e-3)


def test_classes_that_a_line_separates_have_a_finite_baseline():
    prepared = make_prepared("classification")
    prepared.features[:, 0] += 10 * prepared.target
    assert np.isfinite(outputs(prepared)).all()
    assert (outputs(prepared).argmax(axis=1) == prepared.target).mean() > 0.97
