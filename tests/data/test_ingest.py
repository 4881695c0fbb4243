import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iovalence.data.ingest import load_table, read_rows
from iovalence.data.section import DataSection
from iovalence.errors import DataError, StorageError
from tests.data.conftest import ADULT_NAMES, WINE_NAMES, rows_of

TRAIN = rows_of(40, x=lambda i: i / 8, color=lambda i: "rgb"[i % 3])


@pytest.fixture
def read_parts(tmp_path, read_table):
    """Return a function that ingests texts as the train, validation and test file."""

    def read(train: str, validation: str | None = None, test: str | None = None, **settings):
        for name, text in (("train", train), ("validation", validation), ("test", test)):
            if text is not None:
                (tmp_path / f"{name}.csv").write_text(text)
                settings[f"{name}_file"] = f"{name}.csv"
        return read_table(**settings)

    return read


def test_the_rows_of_all_files_follow_each_other_with_their_own_numbers(read_parts):
    test = "color,label,x,more\nq,2,9.5,1\nr,1,,2\n"
    table = read_parts(TRAIN, validation="x,color,label\n7.5,g,0\n", test=test)
    assert (table.schema.num_rows, table.num_rows) == ((40, 1, 2), 43)
    assert table.source_of_rows().tolist() == [0] * 40 + [1, 2, 2]
    assert table.row_numbers().tolist() == [*range(1, 41), 1, 1, 2]
    assert table.columns.slice(40).to_pydict() == {
        "x": [7.5, 9.5, None],
        "color": ["g", "q", "r"],
        "label": ["0", "2", "1"],
    }
    assert "data.test_file has columns that data.train_file lacks: 'more'" in table.schema.notes


def test_every_column_of_the_file_is_in_the_table_typed_by_its_kind(read_text):
    columns = read_text(
        rows_of(
            40,
            x=lambda i: i,
            yes=lambda i: ["yes", "no", ""][i % 3],
            day=lambda i: "2020-01-02",
            key=lambda i: f"k{i}",
            off=lambda i: i / 3,
        ),
        exclude=["off"],
    ).columns
    assert columns.schema == pa.schema(
        [
            ("x", pa.float64()),
            ("yes", pa.bool_()),
            ("day", pa.timestamp("us")),
            ("key", pa.string()),
            ("off", pa.float64()),
            ("label", pa.string()),
        ]
    )
    assert columns["yes"].to_pylist()[:3] == [True, False, None]


def test_a_table_of_one_row_is_refused(read_text):
    with pytest.raises(DataError, match=r"must hold two rows at least, found 1 \(.*train.csv\)"):
        read_text("a,label\n1,x\n")


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e999"])
def test_infinity_is_refused_with_column_and_row(read_text, text):
    content = TRAIN.replace("\n0.25,", f"\n{text},")
    message = r"column 'x' must hold finite numbers, found -?inf in row 3 of data\.train_file"
    with pytest.raises(DataError, match=message):
        read_text(content)
    assert read_text(content, exclude=["x"]).num_rows == 40


@pytest.mark.parametrize(("weight", "found"), [("-1", "-1.0"), ("", "none"), ("x", "'x'")])
def test_a_weight_that_is_none_is_refused_with_its_row(read_text, weight, found):
    content = rows_of(30, x=lambda i: i / 8, w=lambda i: weight if i == 4 else 1 + i % 2)
    message = f"column 'w' must hold a weight of 0 or more in every row, found {found} in row 5"
    with pytest.raises(DataError, match=message):
        read_text(content, weight="w")


def test_odd_texts_of_the_train_file_are_missing_everywhere_and_noted(read_parts):
    table = read_parts(
        TRAIN.replace("\n0.25,", "\nlost,"),
        test="x,color,label\nlost,r,1\n1.5,r,0\n",
    )
    column = table.columns["x"].to_pylist()
    assert (column[2], column[40], column[41]) == (None, None, 1.5)
    assert table.schema.column("x").odd_values == ("lost",)
    assert (
        "column 'x': 1 of 40 values in data.train_file that are not numeric: 'lost' (row 3) and "
        "count as missing; correct them or list them in data.missing_values"
    ) in table.schema.notes


def test_a_given_file_with_many_values_of_another_kind_is_refused(read_parts):
    message = (
        r"column 'x' must be numeric as in the file trained on, found 2 of 3 values in "
        r"data\.test_file that are not numeric: 'a' \(row 1\), 'b' \(row 2\)"
    )
    with pytest.raises(DataError, match=message):
        read_parts(TRAIN, test="x,color,label\na,r,1\nb,r,0\n1.5,g,0\n")


def test_kinds_are_decided_on_the_train_file_alone(read_parts):
    test = rows_of(40, x=lambda i: 7, color=lambda i: f"c{i}")
    with_test = read_parts(TRAIN, test=test).schema
    assert with_test.columns == read_parts(TRAIN).schema.columns


def test_a_given_file_must_have_every_column_that_is_used(read_parts):
    message = "data.test_file must have the columns of the file trained on, found none called"
    with pytest.raises(DataError, match=message + r" 'color', 'label'; it has 2: 'x', 'y'"):
        read_parts(TRAIN, test="x,y\n1.5,2\n")


def test_one_file_cannot_be_two_parts(tmp_path, read_table):
    (tmp_path / "test.csv").write_text(TRAIN)
    with pytest.raises(DataError, match=r"data\.test_file must not share a file with data\.train"):
        read_table("*.csv", test_file="test.csv")


def test_a_damaged_table_is_an_error_of_storage(tmp_path, read_text):
    read_text(TRAIN)
    path = tmp_path / "out-1" / "table.arrow"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(StorageError, match=r"table.arrow must be whole"):
        load_table(tmp_path / "out-1")


class TestOtherRows:
    """Rows read by the schema of a known table."""

    @pytest.fixture
    def read(self, tmp_path, read_text):
        schema = read_text(TRAIN).schema
        section = DataSection(train_file="train.csv")

        def read(text: str, *, need_target: bool = False) -> pa.Table:
            (tmp_path / "new.csv").write_text(text)
            return read_rows("new.csv", tmp_path, section, schema, need_target=need_target)

        return read

    def test_keep_their_order_and_number(self, read):
        rows = read("color,x\nq,1.5\n,\nr,NA\n")
        assert rows.to_pydict() == {
            "x": [1.5, None, None],
            "color": ["q", None, "r"],
            "label": [None, None, None],
        }

    def test_have_a_target_only_where_it_is_needed(self, read):
        text = "color,x,label\nr,1.5,yes\n"
        assert read(text, need_target=True)["label"].to_pylist() == ["yes"]
        assert read(text)["label"].to_pylist() == [None]
        with pytest.raises(DataError, match="found none called 'label'"):
            read("color,x\nr,1.5\n", need_target=True)

    def test_must_have_every_feature(self, read):
        with pytest.raises(DataError, match="found none called 'x'; it has 1: 'color'"):
            read("color\nr\n")

    def test_must_fit_the_kind_of_their_column(self, read):
        with pytest.raises(DataError, match=r"1 of 2 values .* not numeric: 'cheap' \(row 2\)"):
            read("color,x\nr,1.5\ng,cheap\n")

    def test_may_come_from_a_file_of_another_format(self, tmp_path, read_text):
        schema = read_text(TRAIN).schema
        frame = pa.table({"x": pa.array([1, 2], pa.int8()), "color": ["r", "z"]})
        pq.write_table(frame, tmp_path / "new.parquet")
        rows = read_rows(
            "new.parquet",
            tmp_path,
            DataSection(train_file="train.csv"),
            schema,
            need_target=False,
        )
        assert rows["x"].to_pylist() == [1.0, 2.0]


@pytest.mark.shared_data
class TestRealData:
    """Public data sets, as published."""

    def test_adult_is_read_with_its_test_file(self, shared_data, read_table):
        table = read_table(
            str(shared_data / "adult-train.csv"),
            test_file=str(shared_data / "adult-test.csv"),
            column_names=ADULT_NAMES,
            target="income",
        )
        assert table.schema.num_rows == (32561, 0, 16281)
        assert table.schema.task == "classification"
        assert len(table.schema.names("feature")) == 14
        assert table.columns["workclass"].null_count == 1836 + 963
        assert table.columns["native_country"][0].as_py() == "United-States"
        assert set(table.columns["income"].to_pylist()) == {"<=50K", ">50K", "<=50K.", ">50K."}
        assert table.columns["age"].slice(32561, 3).to_pylist() == [25, 38, 28]

    def test_penguins_are_read_with_their_missing_values(self, shared_data, read_table):
        table = read_table(str(shared_data / "penguins.csv"), target="species")
        kinds = {column.name: column.kind for column in table.schema.columns}
        assert kinds["body_mass_g"] == "numeric"
        assert kinds["sex"] == "categorical"
        assert table.columns["body_mass_g"].null_count == 2
        assert table.schema.names("left_out") == ()

    @pytest.mark.parametrize(("name", "rows"), [("red", 1599), ("white", 4898)])
    def test_wine_is_read_with_stated_names(self, shared_data, read_table, name, rows):
        table = read_table(
            str(shared_data / f"winequality-{name}.csv"), target="quality", column_names=WINE_NAMES
        )
        assert table.schema.num_rows == (rows, 0, 0)
        assert table.schema.task == "classification"
        assert {c.kind for c in table.schema.columns if c.role == "feature"} == {"numeric"}

    def test_mammography_keeps_its_quoted_labels(self, shared_data, read_table):
        names = [f"x{i}" for i in range(6)] + ["class"]
        table = read_table(str(shared_data / "mammography.csv"), column_names=names)
        labels, counts = np.unique(table.columns["class"].to_numpy(), return_counts=True)
        assert dict(zip(labels, counts.tolist(), strict=True)) == {"'-1'": 10923, "'1'": 260}

    def test_california_is_a_regression(self, shared_data, read_table):
        path = str(shared_data / "california_housing.csv")
        table = read_table(path, target="median_house_value")
        assert table.schema.task == "regression"
        assert table.columns["total_bedrooms"].null_count == 207
        assert table.schema.column("ocean_proximity").kind == "categorical"
