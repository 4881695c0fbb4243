"""What a run says of why, as it stands in its folder and on its page."""

from html import unescape

from iovalence.evaluation.mistakes import Mistakes
from iovalence.stages.explained import load_importance
from tests.stages.test_pipeline import CONFIG, make_table


def test_a_run_says_which_columns_it_leans_on_and_where_it_errs(project):
    run = project(make_table(400), CONFIG, "training.epochs=8").run
    importance = load_importance(run)
    assert importance.columns[0].name == "size"
    assert {column.name for column in importance.columns} == {"size", "colour"}
    mistakes = Mistakes.load(run.mistakes)
    assert [part.part for part in mistakes.parts] == ["validation", "test"]
    page = unescape(run.report.read_text())
    assert all(str(row) in page for row in mistakes.rows)
    assert "importance" in run.manifest().stages


def test_without_a_validation_part_the_run_and_its_page_say_so(project):
    run = project(make_table(), CONFIG, "data.validation_split=0", "data.test_size=0").run
    assert load_importance(run).columns == ()
    assert [part.part for part in Mistakes.load(run.mistakes).parts] == ["train"]
    assert "there is none: set data.validation_split" in run.report.read_text()
