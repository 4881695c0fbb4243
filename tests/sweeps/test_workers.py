import pytest

from iovalence.sweeps.workers import choose_workers, free_memory, num_cores

MACHINE = {"num_configurations": 16, "device": "cpu", "threads": 1, "cores": 8, "fitting": 20}


@pytest.mark.parametrize(
    ("changed", "number", "reason"),
    [
        ({}, 8, "8 cores, 1 thread a training"),
        ({"threads": 4}, 2, "8 cores, 4 threads a training"),
        ({"threads": 16}, 1, "8 cores, 16 threads a training"),
        ({"fitting": 3}, 3, "free memory holds 3"),
        ({"num_configurations": 2}, 2, "2 configurations"),
        ({"device": "cuda"}, 1, "trainings at one cuda device wait for each other"),
    ],
)
def test_as_many_processes_as_pay_and_why(changed, number, reason):
    chosen = choose_workers("auto", **MACHINE | changed)
    assert (chosen.number, chosen.reason) == (number, reason)


def test_a_number_that_was_asked_for_is_taken_but_no_more_than_there_is_work():
    assert choose_workers(3, **MACHINE).number == 3
    assert choose_workers(40, **MACHINE).number == 16


def test_this_machine_has_a_core_and_free_memory():
    assert num_cores() >= 1
    assert free_memory() > 0
