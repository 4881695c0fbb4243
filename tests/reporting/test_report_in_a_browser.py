"""The report as people see it: in a real browser, on a phone, in the dark, on paper."""

import shutil
from itertools import pairwise

import pytest

from iovalence.reporting.context import Step, Verdict
from iovalence.reporting.report import render_report
from tests.reporting.examples import (
    EVIL,
    MANIFEST,
    describe_run,
    describe_table,
    describe_whole,
    weigh_columns,
)

pytestmark = pytest.mark.browser

# For each text that is seen: its contrast with what is painted behind it.
CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const paint = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const behind = (e) => { for (; e; e = e.parentElement) {
    const found = paint(getComputedStyle(e).backgroundColor); if (found[3] > 250) return found; }
    return [255, 255, 255, 255]; };
  return [...document.querySelectorAll('body *')].filter(e => e.getClientRects().length &&
    e.localName !== 'title' &&
    [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).map(e => {
    const style = getComputedStyle(e);
    const ink = light(paint(e.ownerSVGElement ? style.fill : style.color));
    const paper = light(behind(e));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    return [ratio, e.textContent.trim().slice(0, 40)]; });
}"""


@pytest.fixture(scope="module")
def browser():
    """Return a real browser for all tests here, or skip with a reason."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def show(browser, tmp_path_factory):
    """Return a function that opens a page, and notes what it asked for and complained of."""

    def open_page(context, width=375, **options):
        path = tmp_path_factory.mktemp("page") / "report.html"
        path.write_text(render_report(context), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 800}, **options)
        page.noted = []
        page.on("request", lambda request: page.noted.append(request.url))
        page.on("console", lambda message: page.noted.append(message.text))
        page.on("pageerror", lambda error: page.noted.append(str(error)))
        page.goto(f"file://{path}")
        return page

    return open_page


def many_columns(example):
    return describe_whole(example, 2000)


def one_column(example):
    return describe_whole(example, 1, importance=None, mistakes=None)


def evil_names(example):
    schema = describe_table(1).model_copy(update={"target": EVIL + "x" * 300, "notes": (EVIL,)})
    manifest = MANIFEST.model_copy(update={"comments": {EVIL: EVIL}, "run_name": EVIL})
    return describe_whole(
        example, schema=schema, manifest=manifest, importance=weigh_columns([EVIL, "y" * 300])
    )


def diagnosed(example):
    step = Step(text="more dropout", change=f"training: {{dropout: 0.5}}  # {'long ' * 40}")
    verdict = Verdict(
        title="Overfitting", sentence="It overfits.", evidence=(EVIL,), advice=(step,)
    )
    return describe_whole(example, diagnosis=(verdict,))


def without_result(_):
    return describe_run(None, manifest=MANIFEST.model_copy(update={"status": "FAILED"}))


CASES = [
    ("classification", describe_whole),
    ("classification", many_columns),
    ("classification", one_column),
    ("classification", diagnosed),
    ("classification", without_result),
    ("strange_names", evil_names),
    ("many_classes", describe_whole),
    ("regression", describe_whole),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1].__name__}")
def phone(request, show):
    """Return each kind of report in turn, open on a phone."""
    example, describe = request.param
    return show(describe(request.getfixturevalue(example)))


def test_every_report_fits_a_phone_and_runs_and_asks_for_nothing(phone):
    assert phone.evaluate("document.documentElement.scrollWidth") == 375
    assert [one for one in phone.noted if not one.startswith("data:")] == [phone.url]
    assert phone.evaluate("window.hacked === undefined && document.scripts.length === 0")


def test_every_report_can_be_read_aloud_and_by_keyboard(phone):
    levels = phone.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(e => +e.localName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))
    assert count(phone, "svg", "!e.ariaLabel && !e.ariaHidden") == 0
    assert count(phone, ".scroll", "e.tabIndex || !e.ariaLabel") == 0
    lost = "!document.querySelector(e.getAttribute('href'))"
    assert count(phone, "a[href^='#']", lost) == 0
    ids = phone.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def count(page, selector, condition):
    """Return how many of these elements, each called `e`, meet a condition."""
    found = f'[...document.querySelectorAll("{selector}")].filter(e => {condition})'
    return page.evaluate(f"{found}.length")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("example", ["classification", "many_classes", "regression"])
def test_every_text_stands_out_from_its_paper(show, request, example, scheme):
    page = show(diagnosed(request.getfixturevalue(example)), 1000, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 200
    assert [one for one in contrasts if one[0] < 4.5] == []


def test_the_dark_mode_turns_paper_and_ink_around(show, classification):
    def brightness(scheme):
        page = show(describe_whole(classification), color_scheme=scheme)
        style = page.evaluate_handle("getComputedStyle(document.body)")
        found = style.evaluate("e => [e.backgroundColor, e.color]")
        return [sum(map(int, color[4:-1].split(","))) for color in found]

    paper, ink = brightness("light")
    dark_paper, light_ink = brightness("dark")
    assert paper > 700 > 300 > ink
    assert dark_paper < 100 < 600 < light_ink


def test_paper_gets_all_of_it_in_light_colours(show, classification):
    page = show(describe_whole(classification), 1000, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 35, 40)"
    assert not page.locator("nav").is_visible()
    assert page.get_by_text("Calibration in figures").is_visible()
    height = page.locator("details table").first.evaluate("e => e.getBoundingClientRect().height")
    assert height > 50
    assert page.pdf().startswith(b"%PDF")


def test_the_keyboard_reaches_links_and_wide_tables_and_shows_where_it_is(show, classification):
    page = show(describe_whole(classification))
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "[document.activeElement.localName, "
                "getComputedStyle(document.activeElement).outlineStyle]"
            )
        )
    assert {"a", "div"} <= {name for name, _ in reached}
    assert {outline for _, outline in reached} == {"solid"}


def test_what_a_mark_means_is_its_tooltip_and_no_script(show, classification):
    page = show(describe_whole(classification))
    titles = page.evaluate("[...document.querySelectorAll('svg title')].map(e => e.textContent)")
    assert "epoch 2: validation 0.333, the kept epoch" in titles
    assert any("rows: " in title and "% sure" in title for title in titles)
