from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from iovalence.quality.checks import QualityReport
from iovalence.runs.folder import RunFolder
from tasks.findings import show_findings


def test_a_server_that_has_gone_keeps_nothing_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(tmp_path)
    QualityReport(findings=(), counts=()).save(run.quality)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        show_findings(run)
    assert capsys.readouterr() == ("", "")
