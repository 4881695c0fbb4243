from iovalence.evaluation.importance import NO_VALIDATION, Importance
from iovalence.reporting.explanation import choose_columns, describe_importance, describe_mistakes
from tests.reporting.examples import describe_run, describe_whole, read, weigh_columns


def test_columns_without_effect_are_told_from_the_others():
    shown = describe_importance(weigh_columns(["a", "b", "c"]))
    assert [row["is_clear"] for row in shown["rows"]] == [True, True, True]
    shown = describe_importance(weigh_columns(["a"] * 12))
    assert shown["unclear"] == 2
    assert shown["rows"][0]["texts"] == ["0.0900 ± 0.0040", "9.0 ± 0.4 points"]


def test_without_a_validation_part_the_page_says_so(classification):
    text = read(describe_run(classification.result, importance=Importance(note=NO_VALIDATION))).text
    assert "Which columns matter is measured on a validation part, and there is none" in text


def test_a_row_is_shown_with_what_the_model_leans_on_first(classification):
    context = describe_whole(classification, 30, importance=weigh_columns(["f20", "f3"]))
    assert choose_columns(context)[:3] == ["f20", "f3", "f0"]
    shown = describe_mistakes(context)
    assert len(shown["columns"]) == 8
    # 30 features, one column left out and the target, which has a place of its own.
    assert shown["hidden"] == 32 - 8 - 1
