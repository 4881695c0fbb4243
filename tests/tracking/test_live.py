"""A run shown while it trains: what is new goes out, and nothing comes back into the training."""

import socket
import threading
import time

import pytest

from iovalence.runs.journal import Journal, metric_points, read_journal
from iovalence.tracking.live import LivePublisher
from iovalence.tracking.record import Target, TrackingRecord


@pytest.fixture
def running(place):
    place.restart()
    return place


def wait_until(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sent_lines(run):
    return TrackingRecord.load(run.tracking).num_lines if run.tracking.is_file() else 0


def test_what_is_new_is_shown_while_the_run_goes_on(running, client):
    run = running.run
    with LivePublisher(run, Target(uri=running.uri, experiment="members"), interval_s=0.05) as live:
        for epoch in (7, 8):
            Journal(run.journal).metrics({"train_loss": 1 / epoch}, epoch=epoch, step=epoch * 100)
            wait_until(lambda: sent_lines(run) == len(read_journal(run.journal)[0]))
    assert live.stop() is None
    mlflow_run_id = TrackingRecord.load(run.tracking).mlflow_run_id
    points = [p for p in metric_points(read_journal(run.journal)[0]) if p.key == "train_loss"]
    sent = client.get_metric_history(mlflow_run_id, "train_loss")
    assert [(p.step, p.timestamp) for p in sent] == [(p.epoch, p.time_ms) for p in points]
    assert client.get_run(mlflow_run_id).info.status == "RUNNING"


def test_a_short_run_is_not_touched_before_its_end(running):
    live = LivePublisher(running.run, Target(uri=running.uri, experiment="members"))
    live.start()
    assert live.stop() is None
    assert not running.run.tracking.exists()


def test_a_dead_server_is_told_once_and_never_raised(running):
    target = Target(uri="http://127.0.0.1:9", experiment="members")
    live = LivePublisher(running.run, target, interval_s=0.02)
    live.start()
    wait_until(lambda: live.failure is not None)
    failure = live.stop()
    assert failure is not None
    assert "got no server there (http://127.0.0.1:9)" in failure
    assert TrackingRecord.load(running.run.tracking).target == target


def test_a_server_that_never_answers_does_not_hold_the_end_up(running):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target(uri=f"http://127.0.0.1:{silent.getsockname()[1]}", experiment="members")
        live = LivePublisher(running.run, target, interval_s=0.01)
        live.start()
        wait_until(lambda: running.run.tracking.exists())
        started = time.monotonic()
        live.stop(timeout_s=0.2)
        assert time.monotonic() - started < 2
    for thread in threading.enumerate():
        if thread.name == "live-publisher":
            thread.join(30)
