import numpy as np
import pytest

from iovalence.quality.giveaways import check_target
from tests.quality.tables import build_table

ROWS = np.arange(300)


def strong(seed=0):
    """Return a table whose label follows one strong column, beside weak ones."""
    rng = np.random.default_rng(seed)
    size, weight = rng.normal(size=300), rng.normal(size=300)
    labels = np.where(size + 0.3 * weight + rng.normal(0, 0.2, 300) > 0, "yes", "no")
    return {"size": size, "weight": weight, "colour": rng.choice(["r", "g"], 300), "y": labels}


def check(columns, action="fail", rows=ROWS):
    table = build_table(columns)
    target = table.columns["y"].combine_chunks()
    return check_target(table, target, rows, table.schema.names("feature"), action)


def codes(columns):
    return (columns["y"] == "yes").astype(float)


def planted(kind, columns):
    rng, code = np.random.default_rng(1), codes(columns)
    noisy = np.where(rng.random(300) < 0.05, 1 - code, code)
    return {
        "copy": np.where(code > 0, "ja", "nein"),
        "noisy copy": np.where(noisy > 0, "ja", "nein"),
        "noisy code": noisy * 3.5 + 1,
        "jitter": code + rng.normal(0, 0.1, 300),
        "order": np.argsort(np.lexsort((rng.random(300), code))) * 7.5,
    }[kind]


@pytest.mark.parametrize("seed", range(5))
def test_a_strong_column_is_no_leak(seed):
    assert check(strong(seed)) == ((), ())


@pytest.mark.parametrize("kind", ["copy", "noisy copy", "noisy code", "jitter", "order"])
def test_a_column_that_gives_the_label_away_is_named_with_its_score(kind):
    columns = strong()
    ((finding,), left_out) = check({**columns, "leak": planted(kind, columns)}, "fix")
    assert finding.columns == ("leak",)
    assert left_out == ("leak",)
    assert finding.count == 1
    assert "found 'leak' with " in finding.message
    assert "the next best, 'size', has 0.892 (bal" in finding.message


@pytest.mark.parametrize("change", [np.exp, np.cbrt, lambda y: y + np.sin(ROWS) / 50])
def test_a_function_of_a_number_to_predict_is_found(change):
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=300), rng.normal(size=300)
    y = 2 * x + z + rng.normal(0, 0.3, 300)
    assert check({"x": x, "z": z, "y": y}) == ((), ())
    ((finding,), _) = check({"x": x, "z": z, "leak": change(y), "y": y})
    assert "'leak' with 0.9" in finding.message or "'leak' with 1.0" in finding.message
    assert "(R2 of a model of that column alone, on 300 rows of train)" in finding.message


def test_two_columns_that_give_the_target_away_hide_each_other_no_more():
    columns = strong()
    leaks = {"one": planted("jitter", columns), "two": planted("order", columns)}
    ((finding,), _) = check({**columns, **leaks})
    assert finding.count == 2


def test_two_honest_columns_that_tell_a_class_apart_are_no_leak():
    from sklearn.datasets import load_iris

    frame = load_iris(as_frame=True).frame
    labels = np.where(frame.pop("target") == 0, "setosa", "other")
    columns = {name: values.to_numpy() for name, values in frame.items()}
    assert check({**columns, "y": labels}, rows=np.arange(150)) == ((), ())


def test_a_column_without_rivals_is_not_judged():
    columns = strong()
    assert check({"x": planted("jitter", columns), "y": columns["y"]}) == ((), ())


def test_few_rows_and_off_are_not_judged():
    columns = strong()
    columns["leak"] = planted("copy", columns)
    assert check(columns, rows=ROWS[:40]) == ((), ())
    assert check(columns, "off") == ((), ())
    ((finding,), left_out) = check(columns, "warn")
    assert (finding.severity, left_out) == ("warning", ())
