"""The page of a comparison, and what is said in it."""

import re
from xml.etree import ElementTree

import pytest

from iovalence.comparison.compare import compare_runs
from iovalence.comparison.curves import color_class, draw_curve
from iovalence.comparison.page import render_comparison
from iovalence.comparison.wording import write_headline
from tests.tracking.test_compare_page import ARGUMENTS, BROWSER

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def found(trained):
    return compare_runs([trained[name] for name in ("first", "faster", "grown")])


def parse(svg):
    return ElementTree.fromstring(
        svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )


def test_the_page_needs_no_network_and_no_script(found):
    page = render_comparison(found)
    assert not re.search(r"<script|(?:src|href)=\"(?!data:)|@import|url\(", page)


def test_the_page_holds_the_figures_the_causes_and_the_curves_of_all_runs(found):
    page = render_comparison(found)
    assert "training.learning_rate" in page
    assert "faster" in page
    assert "matched by row number" in page
    assert "matched by content" in page
    assert page.count("<figure>") == 5
    assert page.count("<path") == 5 * 3


def test_the_headline_says_which_is_better_by_how_much_and_what_the_seed_does(found):
    headline = write_headline(found, found.pairs[0])
    assert headline.startswith(f"{found.pairs[0].run_id} is ")
    assert re.search(r"in accuracy \([+-][0-9.]+ points, 95 % interval [+-][0-9.]+ to", headline)
    assert "another seed alone" in headline


def test_names_of_runs_are_shown_and_never_executed(found):
    evil = found.runs[0].model_copy(update={"run_name": '<script>alert("1")</script>"🦊'})
    page = render_comparison(found.model_copy(update={"runs": (evil, *found.runs[1:])}))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "🦊" in page


def test_a_curve_has_a_line_for_each_run_and_gaps_where_a_figure_is_not_finite():
    history = [{"epoch": e, "val_loss": 1.0 / e} for e in range(1, 6)]
    broken = [*history[:2], {"epoch": 3, "val_loss": float("nan")}, *history[3:]]
    root = parse(draw_curve("val_loss", ["a", "b"], [history, broken]))
    whole, cut = (path.get("d") for path in root.iter(f"{SVG}path"))
    assert (whole.count("M"), cut.count("M")) == (1, 2)


def test_one_epoch_is_a_dot_and_no_epoch_is_nothing():
    one = draw_curve("val_loss", ["a", "b"], [[{"epoch": 1, "val_loss": 0.5}], []])
    assert len(list(parse(one).iter(f"{SVG}circle"))) == 1
    assert draw_curve("val_loss", ["a"], [[]]) == ""


def test_runs_beyond_the_colours_have_broken_lines():
    assert len({color_class(at) for at in range(12)}) == 12


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="Chromium must be installed to look at pages")
def test_the_page_fits_a_phone_and_its_browser_complains_of_nothing(found, tmp_path):
    from playwright.sync_api import sync_playwright

    path, told = tmp_path / "comparison.html", []
    path.write_text(render_comparison(found))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("console", lambda message: told.append(message.text))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("figure svg path").count() == 15
        browser.close()
    assert told == []
