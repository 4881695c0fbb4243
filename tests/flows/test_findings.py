"""What a person sees of findings: in a terminal, and in Prefect's pages."""

import sys
from pathlib import Path

import httpx
import pytest
from prefect import flow

from flows.findings import show_checks
from flows.prefect_run import run_flow
from flows.server import Server
from iovalence.config.load import load_config
from iovalence.errors import GateError
from iovalence.quality.checks import QualityReport, SourceCounts
from iovalence.quality.findings import Finding
from iovalence.runs.checks import checks_folder
from iovalence.runs.folder import list_runs
from iovalence.stages.opened import open_run
from tasks.rows import check_parts, check_rows, ingest_rows, split_rows

pytestmark = pytest.mark.filterwarnings("ignore:.*Popen.__del__")

RARE = Finding(
    check="labels.rare",
    severity="warning",
    count=1,
    share=0.01,
    message="a class must have 3 rows, found [red]1[/red]",
    advice="collect more",
)
COUNTS = SourceCounts(source="train", num_rows=1200, kept=1000, removed={"labels.rare": 200})


def write_config(folder: Path, action: str = "warn") -> Path:
    rows = [f"{number % 7},{number},{'ab'[number % 2]}" for number in range(30)]
    (folder / "data.csv").write_text("\n".join(["x,z,label", *rows, rows[4]]) + "\n")
    config = folder / "config.yaml"
    told = f"data: {{train_file: data.csv}}\nquality: {{duplicates: {action}}}\n"
    config.write_text(f"{told}training: {{verbose: false}}\n")
    return config


@flow(persist_result=False)
def checking(config: str) -> str:
    loaded = load_config(Path(config))
    ingested = ingest_rows(loaded)
    run = open_run(loaded, ingested)
    checks = check_rows(loaded, run, ingested)
    check_parts(loaded, run, checks, split_rows(loaded, checks))
    return run.run_id


def find_artifacts(server: Server, run_id: str) -> list[dict[str, object]]:
    found = httpx.post(f"{server.url}/artifacts/filter", json={}).json()
    return [one for one in found if run_id in str(one["description"])]


def test_prefect_has_one_table_of_the_findings_with_row_numbers_and_no_values(
    own_server: Server, tmp_path: Path
) -> None:
    run_id = run_flow(checking, own_server, config=str(write_config(tmp_path)))
    (artifact,) = find_artifacts(own_server, run_id)
    assert (artifact["key"], artifact["type"]) == ("data-checks", "table")
    assert '"check": "duplicates.exact", "severity": "warning"' in str(artifact["data"])
    assert '"example rows": "train row 31"' in str(artifact["data"])
    assert "of 31 rows read, 0 left" in str(artifact["description"])


def test_prefect_has_the_findings_of_a_run_that_a_check_ended(
    own_server: Server, tmp_path: Path
) -> None:
    with pytest.raises(GateError, match=r"duplicates\.exact"):
        run_flow(checking, own_server, config=str(write_config(tmp_path, "fail")))
    (run,) = list_runs(tmp_path / ".iovalence")
    (artifact,) = find_artifacts(own_server, run.run_id)
    assert '"severity": "failure"' in str(artifact["data"])


def show(report: QualityReport, tmp_path: Path) -> str:
    folder = checks_folder(tmp_path, "config")
    show_checks(report, folder)
    return str(folder.quality_page)


def test_what_is_no_terminal_gets_a_line_for_each_finding_with_counts_and_page_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = show(QualityReport(findings=(RARE,), counts=(COUNTS,)), tmp_path)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.splitlines()[0] == (
        "warning: labels.rare: a class must have 3 rows, found [red]1[/red]; to do: collect more"
    )
    assert "train: of 1,200 rows 200 leave (200 labels.rare)\n" in out
    assert out.endswith(f"page: {page}\n")


def test_a_wide_terminal_gets_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("NO_COLOR", "1")
    show(QualityReport(findings=(RARE,), counts=(COUNTS,)), tmp_path)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "labels.rare   " in line]
    assert "found [red]1[/red]   collect more" in line


def test_a_narrow_terminal_gets_one_finding_below_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    show(QualityReport(findings=(RARE,), counts=(COUNTS,)), tmp_path)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[:4] == [
        "warning  labels.rare",
        "  a class must have 3 rows, found",
        "  [red]1[/red]",
        "  to do: collect more",
    ]


def test_nothing_found_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quiet = RARE.model_copy(update={"severity": "info"})
    show(QualityReport(findings=(quiet,), counts=(COUNTS,)), tmp_path)
    assert capsys.readouterr().out.startswith("nothing was found\n")
