import numpy as np

from iovalence.quality.comparison import DriftFigures
from iovalence.quality.drift import Measure
from iovalence.quality.findings import Finding
from iovalence.quality.profile import Categories, ColumnProfile, Profile
from iovalence.quality.sketch import build_sketch
from iovalence.reporting.drift_table import Move, describe_moves
from iovalence.reporting.findings_page import render_findings
from iovalence.reporting.pages import without_values
from tests.reporting.pages import Page
from tests.reporting.test_findings_page import describe


def profile(start, counts):
    def column(name, **about):
        return ColumnProfile(name=name, kind="numeric", role="feature", num_missing=0, **about)

    return Profile(
        num_rows=100,
        target="y",
        task="classification",
        columns=(
            column("size", sketch=build_sketch(np.arange(start, start + 101.0))),
            column("colour", categories=Categories(counts=counts)),
        ),
    )


def make_move():
    psi = Measure(column="size", statistic="PSI", value=0.31, limit=0.2, p_value=0.0)
    figures = DriftFigures(compared_with="run-1", alpha=0.01, measures=(psi,))
    return Move(
        figures, profile(1000, {"red": 90, "blue": 10}), profile(0, {"red": 50, "blue": 50})
    )


def test_a_moved_column_stands_with_before_and_now():
    table = describe_moves(("size", "colour"), make_move())
    size, colour = table["lines"]
    assert table["run"] == "run-1"
    assert size["measures"] == "PSI 0.31"
    assert size["pairs"][1] == ("median", "50", "1,050")
    assert colour["pairs"][0] == ("red", "50.0 %", "90.0 %")


def test_many_moved_columns_are_counted():
    assert describe_moves(("size",) * 25, make_move())["more"] == 5


def test_the_page_shows_the_move_and_without_values_the_measures_alone():
    drift = Finding(
        check="drift", severity="warning", count=1, share=0.5, message="moved", columns=("size",)
    )
    html = render_findings(describe(drift, move=make_move()))
    assert "Before, in run run-1 , and now" in Page(html).text.replace("run-1,", "run-1 ,")
    assert "1,050" in html
    short = without_values(html)
    assert "1,050" not in short
    assert "PSI 0.31" in short
