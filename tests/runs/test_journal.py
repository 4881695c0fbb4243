"""The journal: what is appended is read back, whatever happens in between."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iovalence.errors import StorageError
from iovalence.runs.journal import Journal, metric_points, read_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_metrics_are_read_back_with_epoch_step_and_time(path: Path) -> None:
    Journal(path).metrics({"train_loss": 0.5, "val_loss": 0.25}, epoch=3, step=39)
    points = metric_points(read_journal(path)[0])
    assert [(p.key, p.value, p.epoch, p.step) for p in points] == [
        ("train_loss", 0.5, 3, 39),
        ("val_loss", 0.25, 3, 39),
    ]
    assert points[0].time_ms == points[1].time_ms > 1_700_000_000_000


def test_every_line_is_one_json_object(path: Path) -> None:
    journal = Journal(path)
    journal.event("started", note="two\nlines, ümlaut")
    journal.metrics({"train_loss": 1}, epoch=1, step=2)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["event", "metric"]
    assert lines[0]["note"] == "two\nlines, ümlaut"


def test_nan_and_infinity_survive(path: Path) -> None:
    Journal(path).metrics({"a": math.nan, "b": -math.inf}, epoch=1, step=1)
    nan, infinite = metric_points(read_journal(path)[0])
    assert math.isnan(nan.value)
    assert infinite.value == -math.inf


def test_reading_goes_on_where_it_stopped(path: Path) -> None:
    journal = Journal(path)
    journal.event("started")
    first, offset = read_journal(path)
    journal.event("ended")
    second, end = read_journal(path, offset)
    assert [line["event"] for line in first + second] == ["started", "ended"]
    assert end == path.stat().st_size
    assert read_journal(path, end) == ([], end)


def test_a_journal_that_is_not_there_yet_has_no_lines(path: Path) -> None:
    assert read_journal(path) == ([], 0)


@settings(max_examples=50)
@given(cut=st.integers(min_value=0, max_value=400))
def test_a_torn_last_line_is_not_read_and_not_glued_to_the_next(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "journal.jsonl"
    journal = Journal(path)
    for epoch in range(1, 4):
        journal.metrics({"train_loss": 1 / epoch}, epoch=epoch, step=epoch)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    whole = content.count(b"\n")
    assert len(read_journal(path)[0]) == whole
    journal.event("resumed")
    lines, end = read_journal(path)
    assert [line["type"] for line in lines] == ["metric"] * whole + ["event"]
    assert end == path.stat().st_size


def test_a_long_torn_line_is_dropped_whole(path: Path) -> None:
    journal = Journal(path)
    journal.event("started")
    journal.event("noted", text="x" * 200_000)
    path.write_bytes(path.read_bytes()[:-10])
    journal.event("resumed")
    assert [line["event"] for line in read_journal(path)[0]] == ["started", "resumed"]


def test_an_epoch_done_again_stays_as_it_was_measured_first() -> None:
    def line(value: float, step: int, time_ms: int) -> dict[str, object]:
        at = {"epoch": step, "step": step, "time_ms": time_ms}
        return {"type": "metric", "key": "epoch_seconds", "value": value, **at}

    points = metric_points([line(1.0, 1, 10), line(2.0, 2, 20), line(2.5, 2, 90), line(3, 3, 99)])
    assert [(p.step, p.value, p.time_ms) for p in points] == [
        (1, 1.0, 10),
        (2, 2.0, 20),
        (3, 3, 99),
    ]


@pytest.mark.parametrize("line", ['{"type": "metric"}', '{"type": "metric", "key": 1}'])
def test_a_metric_that_is_not_whole_is_named(path: Path, line: str) -> None:
    path.write_text(line + "\n")
    with pytest.raises(StorageError, match=r"a metric whole, got .*take the line out"):
        read_journal(path)


def test_a_damaged_line_is_named(path: Path) -> None:
    path.write_text('{"type": "event"}\nnot json\n')
    with pytest.raises(StorageError, match=r"must be a JSON object.*, got 'not json' \(.*jsonl\)"):
        read_journal(path)


def test_a_journal_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="writing must be possible, got 'Is a directory'"):
        Journal(tmp_path).event("started")
