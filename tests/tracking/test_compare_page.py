"""What a person sees who compares two runs in MLflow's own pages: looked at in a real browser."""

import os
import shutil

import pytest

from iovalence.runs.folder import RunFolder
from iovalence.tracking.environment import default_uri
from iovalence.tracking.publish import publish
from iovalence.tracking.record import TrackingRecord
from tests.stages.conftest import run_stages

BROWSER = shutil.which("chromium")
# No sandbox in containers; nothing of the browser's own goes out.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 60_000
POINTS = """plots => plots.flatMap(plot => plot.data).filter(line => line.x && line.x.length)
    .map(line => [line.name, line.x.map(Number), line.y.map(Number)])"""
WIDTHS = """() => {
    const shown = [...document.querySelectorAll('img[src^=blob]')]
        .filter(picture => picture.clientWidth > 100);
    return shown.length === 3 && shown.map(picture => picture.naturalWidth);
}"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def compared(pattern, server):
    """Publish three runs, of which two differ, into the store that a real server shows."""
    address, workspace = server
    first = pattern.classification
    config = first.parents[2] / "members.yaml"
    second = run_stages(config, ("training.learning_rate=0.02", "training.epochs=5")).run.root
    copies = [workspace / "runs" / run.name for run in (first, second)]
    for run, copy in zip((first, second), copies, strict=True):
        shutil.copytree(run, copy)
    third = RunFolder(workspace / "runs" / "20200101-000000-0000")
    shutil.copytree(second, third.root)
    third.update(run_id=third.run_id)
    copies.append(third.root)
    published = [
        publish(copy, uri=default_uri(workspace), experiment="compared", final=True)
        for copy in copies
    ]
    return address, published[0].experiment_id, [RunFolder(copy) for copy in copies]


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None:
        told = "Chromium must be installed to look at MLflow's pages; `make test` installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    opened = browser.new_page(viewport={"width": 1600, "height": 1400})
    opened.set_default_timeout(WAIT_MS)
    yield opened
    opened.close()


def open_comparison(page, compared):
    """Click as a person does: all runs in the list, then Compare."""
    address, experiment_id, _ = compared
    page.goto(f"{address}/#/experiments/{experiment_id}/runs")
    # MLflow's assistant covers a part of the page.
    page.get_by_role("button", name="Close").click()
    page.get_by_label("Select all runs").check(force=True)
    page.get_by_role("button", name="Compare").click()
    page.get_by_text("Comparing 3 Runs").wait_for()


def read_lines(page, runs):
    """Return x and y of the drawn line of each run."""
    page.locator(".js-plotly-plot .scatterlayer path").first.wait_for(state="attached")
    lines = page.locator(".js-plotly-plot").evaluate_all(POINTS)
    return {run.run_id: next(line[1:] for line in lines if line[0] == run.run_id) for run in runs}


def test_parameters_of_all_runs_stand_side_by_side(page, compared):
    open_comparison(page, compared)
    row = page.get_by_role("row").filter(has_text="training.learning_rate")
    row.first.scroll_into_view_if_needed()
    assert {"0.001", "0.02"} <= set(row.first.inner_text().split())


def scroll_to(page, metric):
    """Return the link of a metric; of a long list the page has only what is in sight."""
    links = page.get_by_title("Plot chart")
    links.first.wait_for()
    link = links.filter(has_text=metric)
    for _ in range(50):
        if link.count():
            break
        links.last.scroll_into_view_if_needed()
        page.wait_for_timeout(100)
    return link


def test_a_metric_opens_the_curves_of_all_runs_by_epoch(page, compared):
    open_comparison(page, compared)
    scroll_to(page, "learning_rate").click()
    lines = read_lines(page, compared[2])
    assert [x for x, _ in lines.values()] == [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]
    assert [set(y) for _, y in lines.values()] == [{0.001}, {0.02}, {0.02}]


def test_a_picture_of_all_runs_stands_side_by_side(page, compared):
    open_comparison(page, compared)
    for name in ("confusion_matrix.png", "training_curves.png"):
        # With three columns the pictures lie over the names: the click is told to the name itself.
        page.get_by_text(name, exact=True).first.dispatch_event("click")
        # Asked in the page, at once: it draws the pictures anew now and then.
        assert min(page.wait_for_function(WIDTHS).json_value()) > 500


def test_the_charts_show_all_curves_of_all_runs_at_once(page, compared):
    address, experiment_id, runs = compared
    page.goto(f"{address}/#/experiments/{experiment_id}/runs?compareRunsMode=CHART")
    page.locator(".js-plotly-plot").first.wait_for()
    page.get_by_placeholder("Search metric charts").fill("val_loss")
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length === 1")
    lines = read_lines(page, runs)
    assert [len(x) for x, _ in lines.values()] == [6, 5, 5]
    assert all(len(set(y)) > 1 for _, y in lines.values())


def test_the_page_of_a_run_begins_with_its_note(page, compared):
    address, experiment_id, runs = compared
    record = TrackingRecord.load(runs[0].tracking)
    page.goto(f"{address}/#/experiments/{experiment_id}/runs/{record.mlflow_run_id}")
    page.get_by_text("test_accuracy").first.wait_for()
    page.get_by_text(runs[0].run_id).first.wait_for()
