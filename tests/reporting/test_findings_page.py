from dataclasses import replace

import pytest

from iovalence.data.schema import Column, SourceFile, TableSchema
from iovalence.evaluation.wording import format_share
from iovalence.quality.actions import list_settings
from iovalence.quality.checks import QualityReport, SourceCounts
from iovalence.quality.findings import Finding, RowNumber, list_rows
from iovalence.quality.profile import Categories, ColumnProfile, Profile, Range
from iovalence.quality.section import QualitySection
from iovalence.quality.spread import ClassCounts, TargetSpread
from iovalence.reporting.findings_page import (
    FindingsContext,
    render_findings,
    write_verdict,
)
from iovalence.reporting.pages import without_values
from tests.reporting.pages import Page

COPY, FIRST = RowNumber(source="train", row=7), RowNumber(source="train", row=2)
EVIL = "</td><script>alert('x')</script> \"&<!--/values--> \u202eold 🚀"
COUNTS = (
    SourceCounts(source="train", num_rows=90, kept=80, removed={"duplicates.exact": 10}),
    SourceCounts(source="test", num_rows=10, kept=10, removed={}),
)
COPIES = Finding(
    check="duplicates.exact",
    severity="warning",
    count=10,
    share=10 / 90,
    message="rows must differ, found 10 of 90 to be copies" + list_rows((COPY,), 10),
    rows=(COPY,),
    partners=(FIRST,),
    done="kept",
    advice="remove the copies",
)
RARE = Finding(check="labels.rare", severity="failure", count=1, share=0.01, message="too rare")
SEEN = Finding(check="balance", severity="info", count=4, share=0.4, message="a (6), b (4)")
SPELLED = SEEN.model_copy(update={"check": "labels.spelling", "done": "merged"})


def describe(
    *findings, section=None, task="classification", counts=COUNTS, names=("f", "y"), **more
):
    columns = [Column(name=name, kind="numeric", role="feature") for name in names[:-1]]
    columns.append(Column(name=names[-1], kind="categorical", role="target"))
    file = SourceFile(path="/data/a.csv", source="train", num_bytes=1, sha256="a" * 64)
    schema = TableSchema(
        columns=tuple(columns),
        target=names[-1],
        task=task,
        task_reason="",
        num_rows=(90, 0, 10),
        files=(file,),
    )
    parts = {"train": 60, "validation": 20, "test": 10}
    return FindingsContext(
        schema=schema,
        report=QualityReport(findings=findings, counts=counts),
        settings=list_settings(section or QualitySection(labels={"missing": "off"})),
        **{"part_rows": parts, **more},
    )


def read(context):
    return Page(render_findings(context))


def test_the_page_says_where_the_rows_of_each_file_and_part_went():
    text = read(describe()).text
    for words in (
        "All is well: nothing was found.",
        "rows read 100 kept 90 left out 10 kept 90.0 %",
        "duplicates.exact train 10 10 10.0 %",
        "Train file 90 80 10 Test file 10 10 0",
        "Train 60 (66.7 %) Validation 20 (22.2 %) Test 10 (11.1 %)",
    ):
        assert words in text


def test_findings_come_in_groups_the_gravest_first_each_with_what_to_do():
    text = read(describe(SEEN, SPELLED, COPIES, RARE)).text
    assert "1 check failed, so nothing is trained; 1 thing to look at, 1 put right." in text
    places = [text.index(word) for word in ("Failed", "To look at", "Put right", "found fine")]
    assert places == sorted(places)
    assert "To have it put right: quality: {labels: {rare: fix}}" in text
    assert "To train nevertheless: quality: {labels: {rare: warn}}" in text
    assert "quality: {duplicates" not in text, "this one is set to fix already"
    assert "found 10 of 90 to be copies 10 · 11.1 % Done: kept To do: remove the copies" in text


def test_what_was_changed_has_the_line_that_undoes_it_and_the_rest_is_good_to_know():
    kept = COPIES.model_copy(update={"severity": "info"})
    page = read(describe(COPIES.model_copy(update={"severity": "info", "done": "removed 10"})))
    assert "1 put right." in page.text
    assert "done duplicates.exact" in page.text
    assert "To leave it as it was: --set quality.duplicates.exact=warn" in page.text
    text = read(describe(kept)).text
    assert "No check failed: 1 good to know." in text
    assert "Good to know note duplicates.exact" in text
    assert "--set" not in text


def test_a_check_that_never_ran_is_not_called_fine():
    unseen = {"drift": "there is none yet", "labels.errors": "a check before it failed"}
    fine, passed = read(describe(SEEN, unseen=unseen)).text.split("Not looked at")
    assert "drift what moved since the last accepted run there is none yet" in passed
    assert "labels.errors" not in fine
    assert "a check before it failed" in passed
    assert "leakage.group" not in fine, "no column names a group"


def test_each_column_is_told_and_without_values_its_range_is_not():
    profile = Profile(
        num_rows=90,
        target="y",
        task="classification",
        columns=(
            ColumnProfile(
                name="f",
                kind="numeric",
                role="feature",
                num_missing=9,
                numbers=Range(minimum=1.5, maximum=777.25, num_known=81),
            ),
        ),
    )
    whole = render_findings(
        describe(COPIES.model_copy(update={"columns": ("f",)}), profile=profile)
    )
    assert "f numeric, feature 10.0 % – 1.500 to 777.2 duplicates.exact" in Page(whole).text
    short = Page(without_values(whole)).text
    assert "777" not in short
    assert "f numeric, feature 10.0 % – duplicates.exact" in short


def test_doubtful_rows_stand_with_suggestion_and_score_and_decided_ones_with_the_decision():
    doubt = COPIES.model_copy(update={"check": "labels.errors", "partners": ()})
    decided = doubt.model_copy(
        update={
            "severity": "info",
            "rows": (),
            "done": "kept 0, left out 1, changed the label of 0",
        }
    )
    rows = {row: {"f": "1", "y": "a"} for row in (COPY, FIRST)}
    context = describe(
        doubt, decided, rows=rows, doubts={COPY: ("b", "0.020")}, decided={FIRST: "left out"}
    )
    html = render_findings(context)
    text = Page(html).text
    assert "Row Suggested Score of the label y f train row 7 b 0.020 a 1" in text
    assert "Row Decision y f train row 2 left out a 1" in text
    assert "To do without these decisions: --set quality.labels.review_file=null" in text
    assert "0.020" not in without_values(html)


def test_parts_that_follow_one_another_have_their_times():
    html = render_findings(describe(periods={"train": ("2024-01-01", "2024-06-30")}))
    assert "Train 60 (66.7 %) 2024-01-01 to 2024-06-30" in Page(html).text
    assert "2024-06-30" not in without_values(html)


def test_notes_of_the_report_are_shown():
    context = describe()
    noted = context.report.model_copy(update={"notes": (f"a note {EVIL}",)})
    assert f"Notes a note {EVIL}" in read(replace(context, report=noted)).text


def test_checks_without_a_finding_are_fine_or_say_why_they_did_not_look():
    fine, passed = read(describe(SEEN)).text.split("Not looked at")
    assert "duplicates.exact copies of a whole row fix" in fine
    assert "balance how unequal the classes are a (6), b (4) warn" in fine
    assert "labels.missing rows without a label off" in passed
    assert "expectations what must hold of the table none are declared" in passed


def test_what_is_for_classes_alone_is_not_called_fine_for_numbers():
    _, passed = read(describe(task="regression")).text.split("Not looked at")
    assert "balance how unequal the classes are is for classes, and the target is a" in passed


def test_parts_are_not_shown_where_a_check_of_rows_ended_it():
    assert "By part" not in read(describe(RARE, part_rows=None)).text


@pytest.mark.parametrize("other", [{"f": "1", "y": "a"}, {"f": "2", "y": "a"}])
def test_an_example_row_stands_beside_the_row_that_it_copies(other):
    page = read(describe(COPIES, rows={COPY: {"f": "1", "y": None}, FIRST: other | {"y": None}}))
    same = "train row 7 equals train row 2 missing 1"
    differing = "train row 7 1 missing beside train row 2 2 missing"
    assert (same if other["f"] == "1" else differing) in page.text


def test_without_values_the_page_keeps_row_numbers_and_says_so():
    names = [EVIL, "secret column"]
    rows = {row: {EVIL: "secret 1", "secret column": EVIL, "y": "a"} for row in (COPY, FIRST)}
    whole = render_findings(describe(COPIES, names=(*names, "y"), rows=rows))
    short = without_values(whole)
    assert "secret" in whole
    assert "secret" not in short
    text = Page(short).text
    assert "Row train row 7 equals train row 2 The values of single rows are" in text


def test_classes_stand_before_and_after_and_many_are_gathered():
    classes = [ClassCounts(f"c{at}", 50 - at, 40 - at, (30, 10, 0)) for at in range(15)]
    text = read(describe(spread=TargetSpread(classes=tuple(classes)))).text
    assert "Train part Validation part c0" in text
    assert "c0 7.8 % 50 8.1 % 40 6.7 % 6.7 %" in text
    assert "c11" in text
    assert "3 more" in text
    assert "c12" not in text


def test_numbers_have_a_histogram():
    spread = TargetSpread(histogram=(-1.5, 20000.0, [3, 0, 9], [3, 0, 6]))
    page = read(describe(task="regression", spread=spread))
    assert "Values of the target" in page.text
    assert "-1.500 20,000" in page.text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50.0 %"), (0.0051, "0.51 %"), (1e-9, "< 0.01 %")],
)
def test_a_share_keeps_the_digits_that_matter(share, text):
    assert format_share(share) == text
    assert format_share(1 - 1e-9) == "> 99.99 %"


def test_a_verdict_is_one_sentence():
    report = QualityReport(findings=(COPIES, COPIES, SEEN), counts=COUNTS)
    assert write_verdict(report) == "No check failed: 2 things to look at."


def hostile():
    """Return a page in which every name, label, value and message wants to be markup."""
    names = (EVIL, "x" * 400, *(f"{EVIL}{at}" for at in range(20)), EVIL + "y")
    rows = {row: dict.fromkeys(names, f"{EVIL} {'w' * 300}") for row in (COPY, FIRST)}
    rows[FIRST] = rows[FIRST] | {EVIL: None}
    finding = COPIES.model_copy(
        update={"message": EVIL * 9, "done": EVIL, "advice": "a" * 500, "columns": (EVIL,)}
    )
    grave = finding.model_copy(update={"severity": "failure", "check": EVIL})
    reasons = SourceCounts(source="train", num_rows=90, kept=1, removed={"r" * 200: 80, EVIL: 9})
    classes = [ClassCounts(EVIL * 20, 5, 5, (3, 1, 1)), ClassCounts("", 1, 0, (0, 0, 0))]
    spread = TargetSpread(classes=tuple(classes))
    shown = {
        "rows": rows,
        "counts": (reasons,),
        "spread": spread,
        "profile": strange_profile(names),
    }
    return describe(finding, grave, SEEN, names=names, **shown)


def strange_profile(names):
    columns = [
        ColumnProfile(
            name=name,
            kind="categorical",
            role="feature",
            num_missing=0,
            categories=Categories(counts={EVIL * 9: 9}),
        )
        for name in names
    ]
    return Profile(num_rows=90, target="y", task="classification", columns=tuple(columns))


def test_names_and_values_cannot_become_markup():
    html = render_findings(hostile())
    page = Page(html)
    assert "script" not in page.tags
    assert page.text.count("<script>alert('x')</script>") >= 20
    assert page.links == ["data:,"]


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_every_width_and_asks_for_nothing(browser, tmp_path, width, scheme):
    (tmp_path / "quality.html").write_text(render_findings(hostile()), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(f"file://{tmp_path}/quality.html")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert [url for url in asked if not url.startswith("data:")] == [page.url]
    assert said == []
    assert page.locator("h1").count() == 1
    assert page.locator("th:not([scope])").count() == 0
    assert min(page.evaluate(CONTRASTS)) >= 4.5


CONTRASTS = """() => {
    const light = rgb => {
        const [r, g, b] = rgb.match(/[0-9.]+/g).slice(0, 3).map(Number).map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = element => {
        const colour = getComputedStyle(element).backgroundColor;
        return colour !== 'rgba(0, 0, 0, 0)' ? colour : ground(element.parentElement);
    };
    return [...document.querySelectorAll('main *')]
        .filter(element => [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
        .map(element => [light(getComputedStyle(element).color), light(ground(element))])
        .map(pair => (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05));
}"""
