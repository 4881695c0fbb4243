"""A run shown while it trains: what is new goes out, and nothing comes back into the training."""

import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from iovalence.errors import TrackingError
from iovalence.runs.journal import Journal, metric_points, read_journal
from iovalence.runs.manifest import Process
from iovalence.tracking.live import LivePublisher
from iovalence.tracking.record import Target, TrackingRecord


@pytest.fixture
def running(place):
    place.restart()
    return place


def target_of(place, **changes):
    return Target(**({"uri": place.uri, "experiment": "members"} | changes))


def sent_lines(run):
    return TrackingRecord.load(run.tracking).num_lines if run.tracking.is_file() else 0


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children():
    return [child for child in psutil.Process().children() if "live" in " ".join(child.cmdline())]


def test_what_is_new_is_shown_while_the_run_goes_on_and_all_at_its_end(running, client):
    run = running.run
    with LivePublisher(run, target_of(running), interval_s=0.05) as live:
        for epoch in (7, 8):
            Journal(run.journal).metrics({"train_loss": 1 / epoch}, epoch=epoch, step=epoch * 100)
            wait_until(lambda: sent_lines(run) == len(read_journal(run.journal)[0]))
        mlflow_run_id = TrackingRecord.load(run.tracking).mlflow_run_id
        assert client.get_run(mlflow_run_id).info.status == "RUNNING"
        run.close("FINISHED")
        published = live.publish(target_of(running))
    assert published.mlflow_run_id == mlflow_run_id
    assert client.get_run(mlflow_run_id).info.status == "FINISHED"
    points = [p for p in metric_points(read_journal(run.journal)[0]) if p.key == "train_loss"]
    sent = client.get_metric_history(mlflow_run_id, "train_loss")
    assert [(p.step, p.timestamp) for p in sent] == [(p.epoch, p.time_ms) for p in points]
    assert children() == []


def test_a_dead_server_is_told_at_the_end_alone(running):
    target = target_of(running, uri="http://127.0.0.1:9")
    with LivePublisher(running.run, target, interval_s=0.02) as live:
        wait_until(lambda: running.run.tracking.exists())
        running.run.close("FINISHED")
        with pytest.raises(TrackingError, match=r"got no server there \(http://127.0.0.1:9\)"):
            live.publish(target)
    assert TrackingRecord.load(running.run.tracking).target == target


def test_a_server_that_never_answers_does_not_hold_the_end_up(running):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = target_of(running, uri=f"http://127.0.0.1:{silent.getsockname()[1]}")
        with LivePublisher(running.run, target, interval_s=0.01) as live:
            wait_until(lambda: running.run.tracking.exists())
            started = time.monotonic()
            live.stop(timeout_s=0.2)
            assert time.monotonic() - started < 2
    assert children() == []


def test_the_end_is_published_when_the_process_beside_is_gone(running, client):
    with LivePublisher(running.run, target_of(running)) as live:
        (beside,) = children()
        beside.kill()
        running.run.close("FINISHED")
        published = live.publish(target_of(running))
    assert client.get_run(published.mlflow_run_id).info.status == "FINISHED"


TRAINING = """
import sys, time
from pathlib import Path
from iovalence.runs.folder import RunFolder
from iovalence.tracking.live import LivePublisher
from iovalence.tracking.record import Target
with LivePublisher(RunFolder(Path(sys.argv[1])), Target(uri=sys.argv[2], experiment="members")):
    print("ready", flush=True)
    time.sleep(600)
"""


def test_it_ends_with_the_training_that_was_killed(running):
    command = [sys.executable, "-c", TRAINING, str(running.run.root), running.uri]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as training:
        assert training.stdout is not None
        assert training.stdout.readline() == "ready\n"
        (beside,) = psutil.Process(training.pid).children()
        os.kill(training.pid, signal.SIGKILL)
        psutil.wait_procs([beside], timeout=60)
    assert not beside.is_running()


def test_an_interrupt_is_for_the_training(running):
    with LivePublisher(running.run, target_of(running), interval_s=0.05) as live:
        wait_until(lambda: running.run.tracking.exists())
        (beside,) = children()
        beside.send_signal(signal.SIGINT)
        running.run.update(process=Process.this())
        running.run.close("KILLED", ("interrupted",))
        assert live.publish(target_of(running)).mlflow_run_id
