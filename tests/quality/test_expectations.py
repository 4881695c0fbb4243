import subprocess
import sys
from functools import partial

import pyarrow as pa
import pytest

from iovalence.data.ingest import ingest, load_table, read_plain
from iovalence.data.section import DataSection
from iovalence.errors import ConfigError
from iovalence.quality.expectations import check_expectations
from iovalence.quality.section import ExpectationChecks
from tests.quality.tables import build_table


@pytest.fixture
def table():
    columns = {"age": [1.0, None, -3.0, -4.0], "s": ["x", "y", None, "z"], "y": ["a", "b"] * 2}
    return build_table(columns, num_rows=(3, 0, 1))


def judge(table, name, action="fail", **arguments):
    declared = ExpectationChecks(action=action, declared=[{name: arguments}])
    return check_expectations(table, declared)


def refuse(table, *declared):
    with pytest.raises(ConfigError) as caught:
        check_expectations(table, ExpectationChecks(declared=declared))
    return caught.value.faults


def test_an_unmet_expectation_fails_with_what_was_found_and_where(table):
    (finding,) = judge(table, "expect_column_values_to_be_between", column="age", min_value=0)
    assert finding.check == "expectations.expect_column_values_to_be_between"
    assert (finding.severity, finding.count, finding.share) == ("failure", 2, 0.5)
    assert finding.message == (
        "column: age, min_value: 0.0 must hold, got 2 of 4 rows otherwise: -3.0, -4.0 "
        "(train row 3, test row 1)"
    )


def test_an_unmet_expectation_of_the_whole_column_shows_the_value(table):
    (finding,) = judge(table, "expect_column_max_to_be_between", column="age", min_value=9)
    assert finding.message == "column: age, min_value: 9.0 must hold, got 1.0"


def test_an_unmet_expectation_of_the_table_counts_all_files(table):
    (finding,) = judge(table, "expect_table_row_count_to_equal", value=3)
    assert finding.message == "value: 3 must hold, got 4"


def test_a_column_may_be_expected_that_is_not_there(table):
    (finding,) = judge(table, "expect_column_to_exist", column="z")
    assert finding.message == "column: z must hold, and does not"


def test_an_expectation_that_does_not_fit_its_column_is_refused(table):
    (fault,) = refuse(
        table, {"expect_column_values_to_be_between": {"column": "s", "min_value": 0}}
    )
    assert fault.startswith(
        "quality.expectations: expect_column_values_to_be_between must fit its columns ('s' is "
        "categorical), got: Column values, min_value, and max_value must"
    )


def test_unmet_expectations_are_reported_in_the_order_of_their_declaration(table):
    declared = [
        {"expect_column_values_to_not_be_null": {"column": "s"}},
        {"expect_table_row_count_to_equal": {"value": 3}},
        {"expect_column_values_to_not_be_null": {"column": "age"}},
        {"expect_table_row_count_to_equal": {"value": 3}},
    ]
    findings = check_expectations(table, ExpectationChecks(declared=declared))
    assert [finding.message.split(" must")[0] for finding in findings] == [
        "column: s",
        "value: 3",
        "column: age",
        "value: 3",
    ]


def test_warn_makes_a_warning(table):
    (finding,) = judge(table, "expect_column_to_exist", action="warn", column="z")
    assert finding.severity == "warning"


def test_expectations_that_hold_are_said_to_hold(table):
    (finding,) = judge(table, "expect_column_values_to_be_in_set", column="y", value_set=["a", "b"])
    assert finding.severity == "info"
    assert finding.message == "the declared expectations must hold, and all 1 do"


def test_off_judges_nothing(table):
    assert judge(table, "expect_column_to_exist", action="off", column="z") == ()


def test_nothing_is_printed_or_logged(table, capfd, caplog):
    refuse(table, {"expect_column_values_to_be_between": {"column": "s", "min_value": 0}})
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_all_faults_of_the_declaration_come_at_once(table):
    between = "expect_column_values_to_be_between"
    faults = refuse(
        table,
        {"expect_column_values_to_be_betwen": {"column": "age"}},
        {between: {"column": "agee", "min_value": 0}},
        {between: {"column": "age", "min_valu": 0}},
        {between: {"min_value": 0}},
        {between: {"column": "age", "mostly": 2, "min_value": 0}},
        {between: {"column": "age"}},
        {"expect_compound_columns_to_be_unique": {"column_list": ["age", "t"]}},
        {"unexpected_rows_expectation": {}},
    )
    start = "quality.expectations: "
    assert faults == (
        f"{start}an expectation must be one of Great Expectations', "
        f"got 'expect_column_values_to_be_betwen'; did you mean '{between}'?",
        f"{start}{between}.column must name columns of the table, got 'agee'; did you mean 'age'?",
        f"{start}{between} must have arguments that it knows, got 'min_valu'; "
        "did you mean 'min_value'?",
        f"{start}{between}.column must be valid, got none: field required",
        f"{start}{between}.mostly must be valid, got 2: "
        "ensure this value is less than or equal to 1.0",
        f"{start}{between} must be valid, got none: min_value and max_value cannot both be None",
        f"{start}expect_compound_columns_to_be_unique.column_list must name columns of the table, "
        "got 't'",
        f"{start}'unexpected_rows_expectation' must not be declared: "
        "it needs a database, and this is a table",
    )


ROWS = [f"{at + 100},{['yes', 'no'][at % 2]},0{at % 3},{at % 3},{at},2020-01-{at + 1:02d},{at}.0"
        for at in range(28)]  # fmt: skip
WIDE = ["128,yes,00,1,1234567890123456789,2020-02-01,0.0", "129,yes,00,1,1234567890123456790,,0.0"]


@pytest.fixture
def judge_file(tmp_path):
    """Return a function that judges one expectation on a file, as its check would."""
    text = "\n".join(
        [
            "key,yn,code,k,long,day,f,y",
            *[f"{row},{'ab'[at % 2]}" for at, row in enumerate(ROWS + WIDE)],
            "",
        ]
    )
    (tmp_path / "t.csv").write_text(text)
    section = DataSection(train_file="t.csv", target="y", id="key")

    def judge_one(name, **arguments):
        ingest(section, tmp_path, tmp_path)
        declared = ExpectationChecks(declared=[{name: arguments}])
        read = partial(read_plain, section, tmp_path)
        (found,) = check_expectations(load_table(tmp_path), declared, read)
        return found.severity == "info"

    return judge_one


IN_SET, UNIQUE = "expect_column_values_to_be_in_set", "expect_column_values_to_be_unique"
OF_TYPE, BETWEEN = "expect_column_values_to_be_of_type", "expect_column_values_to_be_between"


@pytest.mark.parametrize(
    ("name", "column", "arguments", "holds"),
    [
        (IN_SET, "yn", {"value_set": ["yes", "no"]}, True),
        (IN_SET, "yn", {"value_set": ["yes"]}, False),
        (IN_SET, "code", {"value_set": ["00", "01", "02"]}, True),
        (IN_SET, "k", {"value_set": [0, 1, 2]}, True),
        (IN_SET, "k", {"value_set": ["0", "1", "2"]}, True),
        ("expect_column_values_to_match_regex", "code", {"regex": "^0.$"}, True),
        ("expect_column_value_lengths_to_equal", "code", {"value": 2}, True),
        ("expect_column_values_to_match_strftime_format", "day", {"strftime_format": "%Y-%m-%d"},
         True),
        (OF_TYPE, "k", {"type_": "int64"}, True),
        (OF_TYPE, "f", {"type_": "float64"}, True),
        (OF_TYPE, "code", {"type_": "str"}, True),
        (UNIQUE, "long", {}, True),
        (UNIQUE, "k", {}, False),
        ("expect_column_values_to_be_increasing", "key", {}, True),
        (BETWEEN, "key", {"min_value": 100, "max_value": 129}, True),
        (BETWEEN, "day", {"min_value": "2020-01-01", "max_value": "2020-02-01"}, True),
        (BETWEEN, "day", {"min_value": "2020-01-02T00:00:00+00:00"}, False),
    ],
)  # fmt: skip
def test_values_are_judged_as_the_file_has_them(judge_file, name, column, arguments, holds):
    assert judge_file(name, column=column, **arguments) == holds


def test_arguments_that_make_no_sense_are_refused_in_one_line_each():
    days = pa.array([0, 10**15], pa.timestamp("us"))
    table = build_table({"x": [1.0, 2.0], "day": days, "y": ["a", "b"]})
    faults = refuse(
        table,
        {BETWEEN: {"column": "x", "min_value": 5, "max_value": 1}},
        {BETWEEN: {"column": "day", "min_value": "soon"}},
        {"expect_column_values_to_match_regex": {"column": "y", "regex": "[("}},
        {BETWEEN: {"column": "x", "minimum": 5}},
    )
    start = f"quality.expectations: {BETWEEN}"
    assert faults == (
        f"{start}.min_value must be at most max_value, got 5 and 1",
        f"{start}.min_value must be a date as 2020-01-31, got 'soon'",
        "quality.expectations: expect_column_values_to_match_regex must have a regular expression, "
        "got '[(': unterminated character set at position 0",
        f"{start} must have arguments that it knows, got 'minimum'; it knows column, max_value, "
        "min_value, mostly, row_condition, strict_max, strict_min",
    )


def test_great_expectations_is_not_imported_when_none_is_declared():
    program = (
        "import sys\n"
        "from iovalence.quality.checks import check_rows\n"
        "from iovalence.quality.section import QualitySection\n"
        "from tests.quality.tables import build_table\n"
        "table = build_table({'y': ['a', 'b']})\n"
        "check_rows(table, QualitySection(), num_parts_split=1, class_weights_given=False)\n"
        "print('great_expectations' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("False\n", "")
