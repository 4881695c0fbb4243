import psutil
import pytest
import torch

from iovalence.training import batch_size
from iovalence.training.batch_size import choose_batch_size, measure_free_memory

GIB = 2**30


@pytest.mark.parametrize(
    ("device", "num_rows", "free_memory", "size"),
    [
        ("cpu", 1_000, 8 * GIB, 32),
        ("cpu", 12_799, 8 * GIB, 32),
        ("cpu", 12_800, 8 * GIB, 64),
        ("cpu", 25_600, 8 * GIB, 128),
        ("cpu", 10**9, 8 * GIB, 128),
        ("cuda", 1_000, 8 * GIB, 128),
        ("cuda", 51_200, 8 * GIB, 256),
        ("mps", 10**9, 8 * GIB, 256),
        ("cpu", 10**9, GIB, 64),
        ("cuda", 1_000, GIB, 32),
        ("cuda", 10**9, 2 * GIB - 1, 64),
    ],
)
def test_the_size_follows_device_rows_and_memory(device, num_rows, free_memory, size):
    assert choose_batch_size(device, num_rows, free_memory).value == size


def test_the_reason_is_one_line_with_what_it_rests_on():
    chosen = choose_batch_size("cuda", 40_000, GIB)
    assert chosen.reason == "32 to 64 with only 1.0 GiB free, 64 for 40,000 rows"
    chosen = choose_batch_size("cpu", 1_234, 8 * GIB)
    assert chosen.reason == "32 to 128 on a CPU, 32 for 1,234 rows"


def write_limits(folder, limit, monkeypatch):
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{100 * 2**20}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {40 * 2**20}\n")
    monkeypatch.setattr(batch_size, "_LIMIT", folder)


def test_the_limit_of_a_container_counts(tmp_path, monkeypatch):
    write_limits(tmp_path, 200 * 2**20, monkeypatch)
    assert measure_free_memory(torch.device("cpu")) == 140 * 2**20


def test_a_container_without_a_limit_has_what_the_machine_has(tmp_path, monkeypatch):
    write_limits(tmp_path, "max", monkeypatch)
    found = measure_free_memory(torch.device("cpu"))
    assert 0 < found <= psutil.virtual_memory().total
