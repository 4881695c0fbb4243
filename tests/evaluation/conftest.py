"""Evaluated runs on real data that the tests of pictures and of the report share."""

import shutil
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from iovalence.evaluation.evaluate import evaluate_part, majority_predictions, mean_predictions
from iovalence.evaluation.result import EvaluationResult
from iovalence.models.predictions import Predictions


@dataclass(frozen=True)
class Example:
    """Hold an evaluation and the rows of its main part."""

    result: EvaluationResult
    y_true: np.ndarray
    predictions: Predictions
    history: tuple[dict[str, float], ...]


def make_history(*names):
    return tuple(
        {"epoch": epoch, "epoch_seconds": 0.1}
        | {
            f"{part}_{name}": 1 / (epoch + at)
            for at, part in enumerate(("train", "val"))
            for name in names
        }
        for epoch in range(1, 6)
    )


def judge_classes(names, train, test, *, parts=("train", "test"), slices=None):
    """Fit a linear model on `train` and evaluate it; each is features and class indices."""
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(*train)
    shares = np.bincount(train[1]) / len(train[1])
    found = []
    for part, (features, labels) in zip(
        ("train", "validation", "test"), (train, test, test), strict=True
    ):
        if part not in parts:
            continue
        predictions = Predictions(model.predict_proba(features), None, names)
        baseline = majority_predictions(dict(zip(names, shares, strict=True)), len(labels))
        found.append(
            evaluate_part(
                part,
                labels,
                predictions,
                loss=0.1,
                positive_index=1,
                seed=1,
                baselines={"majority": baseline},
                slices={} if slices is None else {"size": slices(features)},
            )
        )
    result = EvaluationResult(
        task="classification",
        target="diagnosis",
        classes=names,
        positive_class=names[1],
        parts=tuple(found),
        require={"test_accuracy": ">= 0.5", "test_roc_auc": "> 1"},
        unmet=("test_roc_auc must be > 1, got 0.99 (evaluation.require)",),
    )
    return Example(result, labels, predictions, make_history("loss", "accuracy"))


def cancer_rows():
    features, labels = load_breast_cancer(return_X_y=True)
    return (features[:400], labels[:400]), (features[400:], labels[400:])


@pytest.fixture(scope="session")
def classification():
    """Return a linear model of breast cancer, on the train and test part."""

    def size(features):
        return np.where(features[:, 0] > 14, "large", "small")

    return judge_classes(("malignant", "benign"), *cancer_rows(), slices=size)


@pytest.fixture(scope="session")
def strange_names():
    """Return the same with names that are no words, and no test part."""
    names = ("<script>alert('x')</script>", "🚀 $x_1$ & \\frac{")
    return judge_classes(names, *cancer_rows(), parts=("train", "validation"))


@pytest.fixture(scope="session")
def regression():
    """Return a linear model of diabetes, on the train and test part."""
    features, values = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(features[:300], values[:300])
    y_true = values[300:]
    predictions = Predictions(None, model.predict(features[300:]), None)
    part = evaluate_part(
        "test",
        y_true,
        predictions,
        loss=0.5,
        seed=1,
        baselines={"mean": mean_predictions(values[:300].mean(), len(y_true))},
    )
    result = EvaluationResult(
        task="regression", target="progression", classes=None, positive_class=None, parts=(part,)
    )
    return Example(result, y_true, predictions, make_history("loss", "rmse"))


@pytest.fixture(scope="session")
def many_classes():
    """Return a guess at 200 classes, on the train part alone."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(200), rng.integers(0, 200, 400)])
    scores = rng.random((600, 200))
    scores[np.arange(600), labels] += 1
    names = tuple(f"class {k}" for k in range(200))
    predictions = Predictions(scores / scores.sum(axis=1, keepdims=True), None, names)
    part = evaluate_part("train", labels, predictions, with_intervals=False)
    result = EvaluationResult(
        task="classification", target="kind", classes=names, positive_class=None, parts=(part,)
    )
    return Example(result, labels, predictions, ())


@pytest.fixture
def browser():
    """Return a real browser, or skip with a reason."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
