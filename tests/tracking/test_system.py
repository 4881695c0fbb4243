"""How loaded the machine is while a run trains."""

import time

from iovalence.runs.journal import metric_points, read_journal
from iovalence.tracking.system import sampling

FIGURES = {
    "system/cpu_utilization_percentage",
    "system/system_memory_usage_megabytes",
    "system/system_memory_usage_percentage",
    "system/process_cpu_utilization_percentage",
    "system/process_memory_usage_megabytes",
}


def points(run):
    return metric_points(read_journal(run.system)[0])


def test_a_short_training_has_one_sample(place):
    with sampling(place.run):
        pass
    assert {point.key for point in points(place.run)} == FIGURES
    assert {point.step for point in points(place.run)} == {1}
    memory = {p.key: p.value for p in points(place.run)}
    assert memory["system/process_memory_usage_megabytes"] > 10


def test_samples_go_on_while_it_trains_and_after_a_resume(place):
    with sampling(place.run, interval_s=0.01):
        deadline = time.monotonic() + 20
        while len(points(place.run)) < 2 * len(FIGURES) and time.monotonic() < deadline:
            time.sleep(0.01)
    last = max(point.step for point in points(place.run))
    assert last >= 3
    with sampling(place.run):
        pass
    assert max(point.step for point in points(place.run)) == last + 1


def test_a_file_that_cannot_be_written_ends_the_samples_and_not_the_training(place):
    with sampling(place.run):
        place.run.system.mkdir()
    assert list(place.run.system.iterdir()) == []


def test_mlflow_shows_each_sample_once(place, client):
    with sampling(place.run):
        pass
    place.publish()
    place.run.tracking.unlink()
    published = place.publish()
    for point in points(place.run):
        (sent,) = client.get_metric_history(published.mlflow_run_id, point.key)
        assert (sent.step, sent.timestamp, sent.value) == (1, point.time_ms, point.value)
