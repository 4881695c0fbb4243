import pytest
import torch

from iovalence.errors import ConfigError
from iovalence.training.device import MIXED_STEP, choose_precision, choose_threads

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)


def test_small_steps_are_taken_by_one_thread():
    assert choose_threads("auto", 17_000, 32) == 1
    assert choose_threads(3, 17_000, 32) == 3


def test_precision_is_mixed_on_a_gpu_for_large_steps_unless_told_otherwise(bfloat16):
    assert choose_precision("auto", CUDA, MIXED_STEP, 1)
    assert not choose_precision("auto", CUDA, 17_000, 32)
    assert choose_precision(True, CUDA, 17_000, 32)
    assert not choose_precision(False, CUDA, MIXED_STEP, 1)
    assert not choose_precision("auto", CPU, MIXED_STEP, 1)


def test_mixed_precision_without_a_gpu_is_refused():
    with pytest.raises(ConfigError, match=r"training\.mixed_precision must be auto or false"):
        choose_precision(True, CPU, 17_000, 32)
