import pytest

from iovalence.errors import DataError


def target_column(values) -> str:
    return "\n".join(["a,label", *(f"{i / 3:.3f},{value}" for i, value in enumerate(values))])


@pytest.mark.parametrize("name", ["label", "Target", "CLASS", "y"])
def test_the_one_column_of_a_usual_name_is_the_target(read_text, name):
    schema = read_text(f"a,{name}\n1.5,x\n2.5,y\n").schema
    assert schema.target == name
    assert f"target: '{name}', by its name" in schema.notes


def test_no_column_of_a_usual_name_is_refused_with_the_columns(read_text):
    with pytest.raises(DataError, match="found no column of such a name; the columns are 'a', 'b'"):
        read_text("a,b\n1,x\n2,y\n")


def test_two_columns_of_usual_names_are_refused(read_text):
    with pytest.raises(DataError, match="found 'label', 'y'; the columns are 'a', 'label', 'y'"):
        read_text("a,label,y\n1,x,2\n2,y,3\n")


def test_a_target_that_is_not_there_is_refused_with_the_nearest(read_text):
    with pytest.raises(DataError, match=r"got 'incme'; did you mean 'income'\?; the columns are"):
        read_text("a,income\n1,x\n2,y\n", target="incme")


@pytest.mark.parametrize(
    ("task", "reason", "values"),
    [
        ("classification", "it holds texts", ["cat", "dog"] * 20),
        ("classification", "it holds booleans", ["yes", "no"] * 20),
        ("classification", "2 different whole numbers in 40 rows", ["0", "1"] * 20),
        ("classification", "2 different whole numbers in 40 rows", ["1.0", "2.0"] * 20),
        ("classification", "7 different whole numbers", [str(3 + i % 7) for i in range(40)]),
        ("classification", "2 different whole numbers in 2 rows", ["4", "5"]),
        ("regression", "40 different whole numbers", [str(100 + i) for i in range(40)]),
        ("regression", "4 different whole numbers in 8 rows", ["1", "2", "3", "4"] * 2),
        ("regression", "it holds numbers with fractions", ["0.5", "1"] * 20),
    ],
)
def test_the_task_is_found_and_the_reason_stated(read_text, task, reason, values):
    schema = read_text(target_column(values)).schema
    assert schema.task == task
    assert reason in schema.task_reason
    assert any(note.startswith(f"task: {task} of 'label': ") for note in schema.notes)


def test_a_stated_task_is_kept(read_text):
    table = read_text(target_column(["0", "1"] * 20), task="regression")
    assert table.schema.task == "regression"
    assert table.columns["label"].to_pylist()[:2] == [0.0, 1.0]


def test_labels_stay_as_they_are_spelled(read_text):
    table = read_text(target_column(["1", "1.0", " 01 ", "x."] * 5), task="classification")
    assert table.columns["label"].to_pylist()[:4] == ["1", "1.0", "01", "x."]


def test_regression_of_texts_is_refused(read_text):
    with pytest.raises(
        DataError, match=r"must be numeric for data\.task: regression, found 'label'"
    ):
        read_text(target_column(["cat", "dog"] * 20), task="regression")


def test_a_target_of_dates_is_refused(read_text):
    with pytest.raises(DataError, match="must hold classes or numbers, found dates in 'label'"):
        read_text(target_column(["2020-01-01", "2020-01-02"] * 20))


def test_a_target_that_is_all_missing_is_refused(read_text):
    with pytest.raises(DataError, match="found 'label' missing in all 10 rows"):
        read_text(target_column(["", "NA"] * 5))


def test_a_target_of_one_value_is_refused(read_text):
    message = "must have two values at least, found only 'x' in 'label' in 5 rows"
    with pytest.raises(DataError, match=message):
        read_text(target_column(["x", ""] * 5))


def test_an_odd_text_in_a_target_of_numbers_is_a_missing_label(read_text):
    table = read_text(target_column([*(f"{i}.5" for i in range(40)), "lost"]))
    assert table.columns["label"][-1].as_py() is None
    assert any("'lost' (row 41)" in note for note in table.schema.notes)
