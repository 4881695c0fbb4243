import numpy as np
import pytest

from iovalence.quality.inferred import check_inferred
from iovalence.quality.profile import build_profile
from tests.quality.tables import build_table

BETWEEN = "expectations.inferred.expect_column_values_to_be_between"
IN_SET = "expectations.inferred.expect_column_values_to_be_in_set"
NOT_NULL = "expectations.inferred.expect_column_values_to_not_be_null"


def make_rows(seed=0, num_rows=200):
    generator = np.random.default_rng(seed)
    return {
        "age": generator.integers(18, 80, num_rows).astype(float),
        "colour": generator.choice(["red", "blue"], num_rows).tolist(),
        "y": generator.choice(["yes", "no"], num_rows).tolist(),
    }


def check(now, before, action="warn", **options):
    table = build_table(now, **options)
    before = build_profile(build_table(before))
    return check_inferred(table, build_profile(table), before, "r1", action)


def only(now, before, name, **options):
    findings = check(now, before, **options)
    (found,) = (finding for finding in findings if finding.check == name)
    return found


def test_the_same_table_is_as_expected():
    assert check(make_rows(), make_rows()) == ()


@pytest.mark.parametrize("seed", range(20))
def test_rows_of_the_same_kind_give_no_warning(seed):
    appended = {
        name: [*values, *make_rows(100 + seed, 50)[name]]
        for name, values in make_rows(seed).items()
    }
    for now in (appended, make_rows(200 + seed)):
        assert all(finding.severity == "info" for finding in check(now, make_rows(seed)))


def test_missing_and_new_columns_are_named():
    now = make_rows()
    now["shoe"] = now.pop("age")
    (finding,) = check(now, make_rows())
    assert finding.check == "expectations.inferred.expect_table_columns_to_match_set"
    assert (finding.count, finding.share) == (2, 0.5)
    assert finding.message == (
        "columns must be those of run r1, found 1 missing ('age') and 1 new ('shoe')"
    )


def test_a_column_of_another_kind_is_named_with_both():
    now = make_rows()
    now["age"] = [f"{age:.0f} years" for age in now["age"]]
    (finding,) = check(now, make_rows())
    assert finding.check == "expectations.inferred.expect_column_values_to_be_of_type"
    assert finding.message == (
        "columns must be of the kind they were in run r1, found 1 otherwise: "
        "'age' categorical, was numeric"
    )


def test_a_column_without_values_is_of_no_other_kind():
    now = make_rows()
    now["age"] = build_table({"y": [None, "a"]}).columns["y"].slice(0, 1).to_pylist() * 200
    now["age"][0] = None
    now["age"] = np.array(now["age"], dtype=float)
    finding = only(now, make_rows(), NOT_NULL)
    assert (finding.count, finding.share) == (200, 1.0)
    assert len(check(now, make_rows())) == 1


def test_numbers_outside_the_accepted_range_are_counted_with_rows_and_values():
    now = make_rows()
    now["age"][5:35] = 100.0
    finding = only(now, make_rows(), BETWEEN)
    assert (finding.severity, finding.count, finding.share) == ("warning", 30, 0.15)
    assert finding.message == (
        "'age' must be between 18 and 79 as in run r1, found 30 of 200 rows otherwise (15.0 %): "
        "100 (train row 6, train row 7, train row 8, train row 9, train row 10 and 25 more)"
    )


def test_a_number_a_little_above_all_others_is_reported_and_no_warning():
    now = make_rows()
    now["age"][3] = 85.0
    finding = only(now, make_rows(), BETWEEN)
    assert finding.severity == "info"
    assert finding.message == (
        "columns must hold what they did in run r1, found 1 otherwise, no more rows than chance "
        "explains: 'age' in 1 rows"
    )


def test_a_single_number_that_is_far_out_is_a_warning():
    now = make_rows()
    now["age"][3] = 999.0
    finding = only(now, make_rows(), BETWEEN)
    assert (finding.severity, finding.count) == ("warning", 1)
    assert finding.message.endswith("(0.5 %): 999 (train row 4)")


def test_a_category_never_seen_is_counted_with_examples():
    now = make_rows()
    now["colour"][10:40] = ["green"] * 30
    finding = only(now, make_rows(), IN_SET)
    assert (finding.count, finding.rows[0].row) == (30, 11)
    assert "'colour' must be one of 2 known values as in run r1" in finding.message
    assert "(15.0 %): 'green' (train row 11" in finding.message


def test_rare_categories_that_chance_brings_are_reported_and_no_warning():
    now, before = make_rows(), make_rows()
    before["colour"][:3] = ["x1", "x2", "x3"]
    now["colour"][:3] = ["z1", "z2", "z3"]
    assert only(now, before, IN_SET).severity == "info"


def test_another_spelling_of_a_label_is_no_new_label():
    now = make_rows()
    now["y"] = [label.upper() for label in now["y"]]
    assert check(now, make_rows()) == ()
    now["y"][:20] = ["maybe"] * 20
    assert "'maybe'" in only(now, make_rows(), IN_SET).message


def test_categories_are_not_judged_by_a_run_that_kept_only_the_frequent_ones():
    now, before = make_rows(num_rows=1500), make_rows(num_rows=1500)
    before["colour"] = [f"c{at}" for at in range(1500)]
    now["colour"] = [f"d{at}" for at in range(1500)]
    assert check(now, before) == ()
    assert only(now, make_rows(num_rows=1500), IN_SET).count == 1500


def test_a_missing_share_that_rose_is_said_before_and_after():
    now, before = make_rows(), make_rows()
    before["age"][:10], now["age"][20:70] = np.nan, np.nan
    finding = only(now, before, NOT_NULL)
    assert (finding.count, finding.rows[0].row) == (50, 21)
    assert finding.message.startswith(
        "'age' must be missing in 5.0 % of the rows at most as in run r1, found 50 of 200 rows "
        "otherwise (25.0 %) (train row 21"
    )


def test_a_missing_share_that_fell_or_rose_a_little_is_as_expected():
    now, before = make_rows(), make_rows()
    before["age"][:20], now["age"][:27] = np.nan, np.nan
    assert check(now, before) == ()
    assert check(make_rows(), before) == ()


def test_of_many_columns_five_have_a_finding_and_the_others_a_line():
    before = {f"n{at}": np.arange(100.0) for at in range(8)} | {"y": ["a", "b"] * 50}
    now = {name: values + 90 if name != "y" else values for name, values in before.items()}
    findings = [finding for finding in check(now, before) if finding.check == BETWEEN]
    assert len(findings) == 6
    assert findings[5].message.startswith(
        "columns must hold what they did in run r1, found 3 more otherwise: 'n5' in 90 rows"
    )


def test_only_the_train_file_is_judged():
    now = make_rows()
    now["age"][150:] = 500.0
    assert check(now, make_rows(), num_rows=(150, 0, 50)) == ()


def test_a_column_that_the_user_excluded_may_be_what_it_likes():
    table, before = build_table(make_rows()), build_profile(build_table(make_rows()))
    columns = tuple(
        column.model_copy(update={"role": "excluded"}) if column.name == "age" else column
        for column in before.columns
    )
    before = before.model_copy(update={"columns": columns})
    now = make_rows()
    now["age"] = now["age"] + 1000
    table = build_table(now)
    assert check_inferred(table, build_profile(table), before, "r1", "warn") == ()


def test_fail_makes_failures():
    now = make_rows()
    now["age"] = now["age"] + 1000
    (finding,) = check(now, make_rows(), action="fail")
    assert finding.severity == "failure"
