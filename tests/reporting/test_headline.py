from dataclasses import replace

import pytest

from iovalence.evaluation.result import EvaluationResult, Figure, PartResult
from iovalence.reporting.context import Step, Verdict
from iovalence.reporting.headline import write_headline, write_verdict
from tests.reporting.examples import MANIFEST, describe_run, read


def judge(value, low, high, baseline, task="classification"):
    """Return a run whose headline is about these figures."""
    name = "accuracy" if task == "classification" else "rmse"
    part = PartResult(
        part="test",
        num_rows=1200,
        metrics={name: Figure(value=value, low=low, high=high)},
        baselines={"majority" if task == "classification" else "mean": {name: baseline}},
    )
    result = EvaluationResult(
        task=task, target="price", classes=None, positive_class=None, parts=(part,)
    )
    return describe_run(result)


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ((0.9, 0.88, 0.92, 0.6), "better than always the most frequent class (60.0 %)"),
        ((0.9, 0.88, 0.92, 0.89), "not clearly different from always the most frequent class"),
        ((0.5, 0.48, 0.52, 0.6), "worse than always the most frequent class"),
        ((0.5, 0.48, 0.52, 0.6, "regression"), "better than always the mean (0.600)"),
        ((0.7, 0.68, 0.72, 0.6, "regression"), "worse than always the mean (0.600)"),
    ],
)
def test_the_headline_says_whether_the_model_beats_a_simple_rule(figures, verdict):
    assert verdict in write_headline(judge(*figures))


def test_the_headline_holds_the_main_figure_and_its_interval():
    assert write_headline(judge(0.9, 0.88, 0.92, 0.6)).startswith(
        "Accuracy on 1,200 unseen rows is 90.0 % (95 % interval 88.0 to 92.0 %), better than"
    )
    assert write_headline(judge(70616, 66816, 75366, 113299, "regression")).startswith(
        "RMSE of price on 1,200 unseen rows is 70,616 (95 % interval 66,816 to 75,366), better"
    )


@pytest.mark.parametrize(
    ("margin", "judgement"),
    [((0.002, 0.02), "better than"), ((-0.01, 0.02), "not clearly different from")],
)
def test_the_difference_on_the_same_rows_decides_where_it_is_known(margin, judgement):
    context = judge(0.9, 0.88, 0.92, 0.89)
    low, high = margin
    part = context.evaluation.main_part.model_copy(
        update={"margins": {"majority": Figure(value=0.01, low=low, high=high)}}
    )
    result = context.evaluation.model_copy(update={"parts": (part,)})
    assert judgement in write_headline(replace(context, evaluation=result))


def test_figures_of_the_train_part_alone_are_called_what_they_are(many_classes):
    assert "Accuracy on the 600 rows it has learned from is" in write_headline(
        describe_run(many_classes.result)
    )


VERDICT = Verdict(
    title="Overfitting",
    sentence="It overfits from epoch 3 on.",
    evidence=("val_loss rises",),
    advice=(Step(text="more dropout", change="training: {dropout: 0.5}"),),
)


def test_a_diagnosis_is_the_verdict_and_the_figures_come_after_it():
    context = replace(judge(0.9, 0.88, 0.92, 0.6), diagnosis=(VERDICT,))
    assert write_verdict(context) == "It overfits from epoch 3 on."
    text = read(context).text
    assert text.index("It overfits") < text.index("Accuracy on 1,200") < text.index("To try:")
    assert "val_loss rises To try: more dropout training: {dropout: 0.5}" in text


def test_what_hardly_matters_is_no_verdict():
    context = replace(judge(0.9, 0.88, 0.92, 0.6), diagnosis=(replace(VERDICT, severity="info"),))
    assert write_verdict(context) == write_headline(context)
    assert "It overfits from epoch 3 on." in read(context).text


def test_a_run_without_figures_says_why_it_ended():
    failed = MANIFEST.model_copy(
        update={"status": "FAILED", "failure": ("the loss is not finite",)}
    )
    page = read(describe_run(None, manifest=failed))
    assert "This run ended without a result: failed." in page.text
    assert "Why it ended the loss is not finite" in page.text
