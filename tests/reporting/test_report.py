from iovalence.evaluation.effects import Effect, Effects
from iovalence.evaluation.paired import Change
from iovalence.reporting.pages import without_values
from iovalence.reporting.report import render_report
from tests.reporting.examples import (
    EVIL,
    FINDING,
    MANIFEST,
    describe_run,
    describe_table,
    describe_whole,
    read,
    weigh_columns,
)


def test_the_page_shows_figures_findings_data_settings_and_origin(classification):
    text = read(describe_run(classification.result)).text
    for words in (
        "ROC AUC how well the classes are ranked",
        "done duplicates.exact 2 rows are copies ; the first was kept",
        "Train 400 rows, Test 167 rows. Left the data: 2 for duplicates.exact",
        "2 numeric columns: f0, f1",
        "code names the row",
        "data.csv train 1.2 kB aaaaaaaaaaaaaaaa…",
        "2 epochs in 1.20 s; the model is that of epoch 2; 12,345 parameters",
        "table 0.20 s (done before), train 2.00 s",
        "3 min 5 s",
        "iovalence reproduce 20261122-141500-4f2a",
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


def test_names_cannot_become_markup(strange_names):
    comments = {"training.layers": EVIL, EVIL: EVIL}
    context = describe_whole(
        strange_names,
        manifest=MANIFEST.model_copy(update={"comments": comments, "run_name": EVIL}),
        schema=describe_table().model_copy(update={"target": EVIL, "notes": (EVIL,)}),
        findings=(FINDING.model_copy(update={"message": EVIL, "done": EVIL}),),
        importance=weigh_columns([EVIL]),
    )
    page = read(context)
    assert not {"script", "img"} & set(page.tags)
    assert "🚀 $x_1$ & \\frac{" in page.text
    assert page.text.count("window.hacked = 1") >= 10


def test_the_page_needs_no_network_and_no_script(classification):
    page = read(describe_whole(classification))
    assert all(link.startswith(("#", "data:")) for link in page.links if link != "quality.html")
    assert "script" not in page.tags


def test_all_charts_of_a_classification_are_there(classification):
    text = read(describe_whole(classification)).text
    for words in (
        "Loss by epoch",
        "Accuracy by epoch",
        "kept epoch 2",
        "Confusion matrix true below, predicted right malignant benign",
        "ROC curve",
        "Precision and recall",
        "Calibration in figures Probability Rows Mean Right 95 % interval",
    ):
        assert words in text


def test_columns_that_matter_are_told_with_what_chance_moves(classification):
    text = read(describe_whole(classification)).text
    assert "f0 0.0900 ± 0.0040 9.0 ± 0.4 points" in text
    assert "on 2,000 rows of the validation part" in text
    assert "The 20 that matter most, of 30." in read(describe_whole(classification, 30)).text


def test_mistakes_stand_with_their_rows_and_leave_with_their_numbers_alone(classification):
    html = render_report(describe_whole(classification))
    row = describe_whole(classification).mistakes.parts[0].mistakes[0].row
    assert f"f0 of {row}" in html
    assert f"f0 of {row}" not in without_values(html)
    assert str(row) in without_values(html)
    assert "are in the run's folder alone" in without_values(html)


def test_the_page_of_the_checks_is_one_click_away(classification):
    page = read(describe_run(classification.result, findings_page="quality.html"))
    assert "quality.html" in page.links


def test_a_regression_has_a_page(regression):
    text = read(describe_whole(regression, importance=weigh_columns(["f0"], ("rmse",)))).text
    for words in ("RMSE on the test part", "Predicted against true", "Residuals", "Rows furthest"):
        assert words.lower() in text.lower()
    assert "By class" not in text
    assert "ROC" not in text


def test_long_lists_are_cut_and_say_how_much_is_missing(many_classes):
    text = read(describe_run(many_classes.result, schema=describe_table(2000))).text
    assert "2,000 numeric columns: f0, f1" in text
    assert "f39 and 1,960 more" in text
    assert "The 30 that do worst, of 200." in text


def test_a_table_with_one_feature_and_no_findings_has_a_page(classification):
    text = read(describe_whole(classification, 1, findings=())).text
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
        "k0 1 75.0 % 50.0 % +25.0 points k1 2 75.0 % 50.1 % +24.9 points",
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
