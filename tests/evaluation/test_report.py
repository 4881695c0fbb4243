from dataclasses import replace

import pytest

from iovalence.data.schema import Column, SourceFile, TableSchema
from iovalence.evaluation.effects import Effect, Effects
from iovalence.evaluation.paired import Change
from iovalence.evaluation.pictures import draw_pictures, save_pictures
from iovalence.evaluation.report import ReportContext, render_report, write_headline
from iovalence.evaluation.result import EvaluationResult, Figure, PartResult
from iovalence.quality.findings import Finding, RowNumber
from iovalence.runs.manifest import Manifest, Process, StageCost
from tests.evaluation.pages import Page

MANIFEST = Manifest(
    run_id="20261122-141500-4f2a",
    run_name="first try",
    experiment="cancer",
    status="FINISHED",
    started_at="2026-11-22T14:15:00.000+00:00",
    seconds=185.0,
    process=Process(host="here", pid=1, started=0.0),
    iovalence_version="0.1.0",
    versions={"python": "3.11.7"},
    git_commit="0123abcd",
    hardware={"cpu": "a fast one"},
    device="cpu",
    threads=1,
    seed=42,
    config_hash="c" * 64,
    data_hash="d" * 64,
    stages={"table": StageCost(seconds=0.2, reused=True), "train": StageCost(seconds=2)},
    comments={"learning_rate": "the page's value", "note": "a word & more"},
)
FINDING = Finding(
    check="duplicates.exact",
    severity="info",
    count=2,
    share=0.1,
    message="2 rows are copies",
    rows=(RowNumber(source="train", row=7),),
    done="the first was kept",
    advice="look at them",
)


def describe_table(num_columns=2):
    features = (Column(name=f"f{k}", kind="numeric", role="feature") for k in range(num_columns))
    left_out = Column(name="code", kind="identifier", role="left_out", reason="names the row")
    target = Column(name="diagnosis", kind="categorical", role="target")
    return TableSchema(
        columns=(*features, left_out, target),
        target="diagnosis",
        task="classification",
        task_reason="it holds text",
        num_rows=(569, 0, 0),
        files=(SourceFile(path="/x/data.csv", source="train", num_bytes=1234, sha256="a" * 64),),
        notes=("code: left out",),
    )


def describe_run(result, **changes):
    context = ReportContext(
        manifest=MANIFEST,
        schema=describe_table(),
        findings=(FINDING,),
        settings={
            "training": {"learning_rate": 0.001, "early_stopping": True, "layers": [64, 32]},
            "quality": {"labels": {"rare": "warn"}},
        },
        evaluation=result,
        given=frozenset({"training.layers"}),
        part_rows={"train": 400, "test": 167},
        removed_rows={"duplicates.exact": 2},
        history=({"epoch": 1, "epoch_seconds": 0.5}, {"epoch": 2, "epoch_seconds": 0.7}),
        kept_epoch=2,
        num_parameters=12345,
        num_features=30,
    )
    return replace(context, **changes)


def read(context):
    return Page(render_report(context))


def pictures_of(example, folder):
    figures = draw_pictures(example.result, example.history, 1, example.y_true, example.predictions)
    save_pictures(figures, folder)
    return {name: (folder / f"{name}.svg").read_text("utf-8") for name in figures}


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
        "90.0 % of 1,200 test rows are predicted right (95 % interval 88.0 to 92.0 %): better"
    )
    assert write_headline(judge(70616, 66816, 75366, 113299, "regression")).startswith(
        "On 1,200 test rows, predictions of price are off by 70,616 "
        "(95 % interval 66,816 to 75,366) in RMSE: better"
    )


def test_figures_of_the_train_part_alone_are_called_what_they_are(many_classes):
    assert "of the 600 train rows it has learned from are" in write_headline(
        describe_run(many_classes.result)
    )


def test_a_run_without_figures_says_why_it_ended():
    failed = MANIFEST.model_copy(
        update={"status": "FAILED", "failure": ("the loss is not finite",)}
    )
    page = read(describe_run(None, manifest=failed))
    assert "This run ended without a result: failed." in page.text
    assert "Why it ended the loss is not finite" in page.text


def test_the_page_shows_figures_findings_data_settings_and_origin(classification):
    text = read(describe_run(classification.result)).text
    for words in (
        "ROC AUC how well the classes are ranked",
        "duplicates.exact 2 rows are copies Done: the first was kept",
        "For example train row 7",
        "Train 400 rows, Test 167 rows. Left the data: 2 for duplicates.exact",
        "2 numeric columns: f0, f1",
        "code names the row",
        "data.csv train 1.2 kB aaaaaaaaaaaaaaaa…",
        "2 epochs in 1.20 s; the model is that of epoch 2; 12,345 parameters",
        "table 0.20 s (done before), train 2.00 s",
        "3 min 5 s",
        "iovalence predict 20261122-141500-4f2a new.csv -o predictions.csv",
        "by bootstrap over 1,000 resamples",
        "not met test_roc_auc > 1",
        "By slice size",
    ):
        assert words in text


def test_settings_that_were_given_come_first_with_their_reasons(classification):
    text = read(describe_run(classification.result)).text
    given, defaults = text.split("2 settings with their defaults")
    assert "training.learning_rate 0.001 the page's value training.layers [64, 32]" in given
    assert "note a word & more" in given
    assert defaults.startswith(" training.early_stopping true quality.labels.rare warn")


def test_only_the_metrics_asked_for_are_shown(classification):
    text = read(describe_run(classification.result, shown_metrics=("log_loss",))).text
    assert "Log loss how wrong" in text
    assert "Macro F1" not in text


def test_names_cannot_become_markup(strange_names, tmp_path):
    evil = "<script>alert('x')</script>"
    comments = {"training.layers": evil, evil: evil}
    context = describe_run(
        strange_names.result,
        manifest=MANIFEST.model_copy(update={"comments": comments, "run_name": evil}),
        schema=describe_table().model_copy(update={"target": evil, "notes": (evil,)}),
        findings=(FINDING.model_copy(update={"message": evil, "advice": evil}),),
        pictures=pictures_of(strange_names, tmp_path),
    )
    page = read(context)
    assert "script" not in page.tags
    assert "🚀 $x_1$ & \\frac{" in page.text
    assert page.text.count(evil) >= 10


def test_the_page_needs_no_network(classification, tmp_path):
    page = read(describe_run(classification.result, pictures=pictures_of(classification, tmp_path)))
    assert page.tags.count("svg") == 4
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert "script" not in page.tags


def test_the_page_of_the_checks_is_one_click_away(classification):
    page = read(describe_run(classification.result, findings_page="quality.html"))
    assert "quality.html" in page.links


def test_a_regression_has_a_page(regression, tmp_path):
    text = read(describe_run(regression.result, pictures=pictures_of(regression, tmp_path))).text
    assert "RMSE on the test part" in text
    assert "By class" not in text


def test_long_lists_are_cut_and_say_how_much_is_missing(many_classes):
    text = read(describe_run(many_classes.result, schema=describe_table(2000))).text
    assert "2,000 numeric columns: f0, f1" in text
    assert "f39 and 1,960 more" in text
    assert "The 30 that do worst, of 200." in text


def test_a_table_with_one_feature_and_no_findings_has_a_page(classification):
    text = read(describe_run(classification.result, schema=describe_table(1), findings=())).text
    assert "1 numeric column: f0" in text
    assert "What the checks found Nothing to report." in text


def describe_effect(num_classes=2):
    finding = FINDING.model_copy(update={"check": "balance.effect", "message": "recall rose"})
    metric = Change(name="pr_auc", num_rows=9, model=0.5, other=0.625, low=-0.25, high=0.001)
    recalls = tuple(
        Change(name=f"k{k}", num_rows=k + 1, model=0.75, other=0.5 + k / 1000)
        for k in range(num_classes)
    )
    return Effect(
        finding=finding,
        part="validation",
        other="without class weights",
        metrics=(metric,),
        recalls=recalls,
    )


def test_what_a_fix_changed_stands_beside_the_findings(classification):
    effects = Effects(effects=(describe_effect(),))
    text = read(describe_run(classification.result, effects=effects)).text
    for words in (
        "balance.effect recall rose On the validation part This model Without class weights",
        "PR AUC 0.500 0.625 -0.12 -0.25 to +0.001",
        "k0 1 75.0 % 50.0 % +0.25 k1 2 75.0 % 50.1 % +0.25",
    ):
        assert words in text


def test_of_many_classes_those_are_shown_whose_recall_changed_most(classification):
    effects = Effects(effects=(describe_effect(100),))
    text = read(describe_run(classification.result, effects=effects)).text
    assert "The 30 classes that changed most, of 100." in text
    assert "k29 30" in text
    assert "k30 31" not in text


def test_an_effect_that_cannot_be_told_has_no_table(classification):
    effect = describe_effect().model_copy(update={"metrics": (), "recalls": ()})
    text = read(describe_run(classification.result, effects=Effects(effects=(effect,)))).text
    assert "balance.effect recall rose Done: the first was kept" in text


@pytest.mark.browser
def test_the_page_fits_a_phone_and_asks_for_nothing(browser, strange_names, tmp_path):
    context = describe_run(
        strange_names.result,
        pictures=pictures_of(strange_names, tmp_path),
        schema=describe_table().model_copy(update={"target": "x" * 300}),
        effects=Effects(effects=(describe_effect(),)),
    )
    (tmp_path / "report.html").write_text(render_report(context), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"file://{tmp_path}/report.html")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert [url for url in asked if not url.startswith("data:")] == [page.url]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids)) > 0
