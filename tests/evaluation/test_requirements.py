import re

import pytest

from iovalence.errors import ConfigError
from iovalence.evaluation.requirements import (
    check_requirements,
    expected_metrics,
    validate_metrics,
    validate_requirements,
)


def test_requirements_that_are_met_give_no_line():
    flat = {"test_accuracy": 0.85, "test_loss": 0.1}
    assert check_requirements({"test_accuracy": ">= 0.85", "test_loss": "<1e-0"}, flat) == ()


def test_a_requirement_that_is_not_met_says_what_was_found():
    lines = check_requirements({"test_accuracy": "> 0.85"}, {"test_accuracy": 0.85})
    assert lines == (
        "test_accuracy must be > 0.85, got 0.85 (evaluation.require); "
        "the report shows where it is lost",
    )


def test_a_figure_that_is_not_finite_meets_no_requirement():
    assert len(check_requirements({"test_loss": "< 1"}, {"test_loss": float("nan")})) == 1


def test_a_requirement_on_a_metric_that_the_run_lacks_is_refused_with_the_nearest_name():
    line = (
        "evaluation.require.test_acuracy must name a metric of this run, got 'test_acuracy'; "
        "did you mean 'test_accuracy'?"
    )
    with pytest.raises(ConfigError, match=re.escape(line)):
        check_requirements({"test_acuracy": ">= 0.85"}, {"test_accuracy": 0.9})


def test_a_requirement_without_a_number_is_refused():
    with pytest.raises(ConfigError, match="must be a comparison and a number, got '>= 1e'"):
        validate_requirements({"test_accuracy": ">= 1e"}, ["test_accuracy"])


def test_metrics_that_a_run_will_have_are_known_before_it_is_trained():
    names = expected_metrics("regression", ["train", "test"])
    assert names == (
        *("train_final_loss", "train_final_rmse", "train_final_mae", "train_final_r2"),
        *("test_loss", "test_rmse", "test_mae", "test_r2"),
    )
    with pytest.raises(ConfigError, match=r"require\.val_rmse must name a metric of this run"):
        validate_requirements({"val_rmse": "< 1"}, names)


def test_metrics_to_show_must_be_those_of_the_task():
    validate_metrics(["accuracy", "loss"], "classification")
    with pytest.raises(ConfigError, match="must name metrics of regression, got 'accuracy'"):
        validate_metrics(["accuracy"], "regression")
