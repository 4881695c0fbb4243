import math

import pytest

from iovalence.reporting.svg import Axis, Panel, draw_svg, fit_axis, share_axis, write_ticks


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((0.28, 0.353), ["0.28", "0.30", "0.32", "0.34", "0.36"]),
        ((0, 120_000), ["0", "50,000", "100,000", "150,000"]),
        ((-1, 1), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        ((1e-9, 4e-9), ["1e-09", "2e-09", "3e-09", "4e-09"]),
    ],
)
def test_ticks_are_round_and_as_long_as_tells_them_apart(values, ticks):
    assert write_ticks(fit_axis(values, "")) == ticks


def test_epochs_are_whole():
    assert write_ticks(fit_axis([1, 2, 3], "", whole=True)) == ["1", "2", "3"]
    assert write_ticks(fit_axis(range(1, 101), "", whole=True)) == ["20", "40", "60", "80", "100"]


@pytest.mark.parametrize(
    "values", [[], [5.0], [0.0, 0.0], [math.nan, 3], [-1e308, 1e308], [math.inf], [1e300, 2e300]]
)
def test_any_values_have_an_axis_that_holds_them(values):
    axis = fit_axis(values, "")
    places = [axis.place(value) for value in values if math.isfinite(value)]
    assert all(-1 <= place <= 2 for place in places)
    assert axis.high > axis.low


def test_a_line_is_broken_where_a_value_is_not_finite():
    panel = Panel(Axis(0, 4), Axis(0, 1))
    panel.line([(0, 0), (1, 1), (2, math.nan), (3, 1), (4, 0)], "c1")
    assert str(panel.marks[0]).count("M") == 2
    assert "nan" not in str(panel.marks[0])


def test_a_picture_is_named_and_its_texts_are_escaped():
    panel = Panel(share_axis("<b>"), share_axis("&"))
    panel.dot(0.5, 0.5, "c1", "<script>")
    panel.text(0.5, 0.5, "<i>")
    svg = str(draw_svg([panel], 'a "picture" <of>'))
    assert svg.startswith('<svg class="chart" viewBox="0 0 360 ')
    assert 'aria-label="a &#34;picture&#34; &lt;of&gt;"' in svg
    assert "<script>" not in svg
    assert "<i>" not in svg
