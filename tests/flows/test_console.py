import pytest

from flows.commands.console import cut, fit_last, fold


def test_a_long_line_goes_on_below_its_text() -> None:
    line = "  test        Accuracy 98.8 % (96.5 to 100.0 %); always the most frequent class 62.4 %"
    assert fold(line, 60, 14).splitlines() == [
        "  test        Accuracy 98.8 % (96.5 to 100.0 %); always the",
        "              most frequent class 62.4 %",
    ]


@pytest.mark.parametrize(
    "line", [f"  report      /{'a/' * 40}report.html", "  next        iovalence report " + "x" * 90]
)
def test_a_path_or_a_command_stays_whole_to_be_copied(line: str) -> None:
    assert line.split()[-1] in fold(line, 60, 14).split()


def test_a_cell_is_one_line_of_bounded_length() -> None:
    assert cut("a\nb  c", 30) == "a b c"
    assert cut("word " * 20, 20) == "word word word w ..."


def test_the_last_column_is_cut_and_the_others_are_whole() -> None:
    rows = fit_last(("run", "result"), [("r" * 120, "x" * 300)])
    assert rows == [("r" * 120, "x" * 96 + " ...")]
