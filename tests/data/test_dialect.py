import pytest

from iovalence.data.dialect import Dialect, find_dialect
from iovalence.data.section import DataSection
from iovalence.errors import DataError

KEY = "data.train_file"


@pytest.fixture
def find(tmp_path):
    def find(text: str, *, target_needed: bool = True, **settings) -> Dialect:
        path = tmp_path / "a.csv"
        path.write_text(text, encoding="utf-8", newline="")
        section = DataSection(train_file="a.csv", **settings)
        return find_dialect(path, KEY, section, target_needed=target_needed)

    return find


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(find, delimiter):
    dialect = find("a,b c,label\n1.5,x y,0\n2.5,z w,1\n".replace(",", delimiter))
    assert dialect == Dialect("utf-8", delimiter, True, ("a", "b c", "label"))


def test_a_delimiter_inside_quotes_does_not_count(find):
    assert find('a;label\n"1,2,3";x\n"4,5,6";y\n').delimiter == ";"


def test_a_few_ragged_rows_do_not_hide_the_delimiter(find):
    assert find("a,b,label\n1,2,x\n1,2\n1,2,y\n1,2,z,w\n").delimiter == ","


def test_commas_between_digits_are_decimal_where_semicolons_fit(find):
    dialect = find("1,5;2,5;3,5\n2,5;3,5;4,5\n", column_names=["a", "b", "label"])
    assert dialect.delimiter == ";"


def test_a_stated_delimiter_that_does_not_split_is_refused(find):
    message = "found one field in each row with ';' and 3 with ',' .*correct it or leave it out"
    with pytest.raises(DataError, match=message):
        find("a,b,label\n1,2,x\n3,4,y\n", delimiter=";")


def test_any_stated_delimiter_that_splits_is_taken(find):
    assert find("a^b^label\n1^2^x\n", delimiter="^").names == ("a", "b", "label")


@pytest.mark.parametrize(
    "text",
    [
        "age,job,label\n39,clerk,x\n50,cook,y\n",
        "color,size,label\nred,big,x\nblue,small,y\n",
        "id,2019,2020,label\n1,2.5,3.5,x\n2,3.5,4.5,y\n",
        "0,1,2\n0.5,1.5,2.5\n3.5,4.5,5.5\n",
        "age,job,label\n1,a,x\n",
    ],
)
def test_a_header_is_found(find, text):
    assert find(text).has_header


@pytest.mark.parametrize(
    "text",
    [
        "39,clerk,x\n50,cook,y\n",
        "?,clerk,7.5\n39,cook,8.5\n50,cook,2.5\n",
        "red,big,x\nblue,small,y\nred,big,y\nblue,big,x\n",
        "1,2,x\n",
    ],
)
def test_a_missing_header_is_noticed_and_the_names_asked_for(find, text):
    message = "without a header must come with data.column_names, found none for the 3 columns"
    with pytest.raises(DataError, match=message):
        find(text)


def test_stated_names_go_to_the_columns_of_a_file_without_a_header(find):
    dialect = find("39,clerk,x\n50,cook,y\n", column_names=["age", "job", "label"])
    assert (dialect.names, dialect.has_header) == (("age", "job", "label"), False)


def test_a_first_row_of_the_stated_names_is_a_header(find):
    dialect = find("job,age\nclerk,39\n", column_names=["age", "job", "label"])
    assert (dialect.names, dialect.has_header) == (("job", "age"), True)


def test_a_header_of_other_names_than_the_stated_is_refused(find):
    message = "found the header 'age', 'job', 'label' .* leave data.column_names out"
    with pytest.raises(DataError, match=message):
        find("age,job,label\n39,clerk,x\n50,cook,y\n", column_names=["a", "b", "c"])


def test_the_number_of_stated_names_must_be_that_of_the_columns(find):
    with pytest.raises(DataError, match="got 2 names for 3 columns"):
        find("39,clerk,x\n50,cook,y\n", column_names=["age", "job"])


def test_rows_to_predict_may_lack_the_column_of_the_target(find):
    names = ["age", "job", "label"]
    text = "39,clerk\n50,cook\n"
    assert find(text, column_names=names, target="label", target_needed=False).names == (
        "age",
        "job",
    )
    with pytest.raises(DataError, match="got 3 names for 2 columns"):
        find(text, column_names=names, target="label")


def test_columns_without_a_name_are_refused(find):
    with pytest.raises(DataError, match=r"found none for column 1 of 3 .* without row index"):
        find(",a,label\n0,1,x\n1,2,y\n")


def test_columns_of_one_name_are_refused(find):
    with pytest.raises(DataError, match="names of columns must differ, found 'a' more than once"):
        find("a,a ,label\n0,1,x\n1,2,y\n")


def test_a_file_of_blanks_is_refused(find):
    with pytest.raises(DataError, match="must hold rows, found only blanks"):
        find("\n  \n")


def test_a_header_without_rows_is_refused(find):
    with pytest.raises(DataError, match="must hold rows, found only a header"):
        find("a,b,label\n")


def test_a_header_longer_than_any_sample_is_read_whole(find):
    names = [f"column_{i}" for i in range(40_000)]
    text = "\n".join([",".join(names), *[",".join(["1.5"] * len(names))] * 2])
    assert find(text).names == tuple(names)
