import pickle

import psutil
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iovalence.errors import CheckpointError
from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.training.checkpoint import (
    Checkpoints,
    CheckpointState,
    Position,
    read_checkpoint,
    write_checkpoint,
)
from iovalence.training.schedule import Progress
from iovalence.training.section import TrainingSection

SPEC = NetworkSpec(num_features=2, embedding_sizes=(), layers=(), activation="relu", num_outputs=2)
POSITION = Position(epoch=3, block=2, sums=(0.1,) * 6, progress=Progress(best_epoch=2))
STATE = CheckpointState(position=POSITION, seed=1, spec=SPEC)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "last.safetensors"
    write_checkpoint(path, STATE, {"parameters": torch.arange(6.0), "best": torch.ones(6)})
    return path


def test_a_checkpoint_comes_back_as_it_was(written):
    found = read_checkpoint(written)
    assert found.state == STATE
    assert torch.equal(found.tensors["parameters"], torch.arange(6.0))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(written, tmp_path, where, bit):
    content = bytearray(written.read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    altered = tmp_path / "altered.safetensors"
    altered.write_bytes(content)
    with pytest.raises(CheckpointError, match="a checkpoint must"):
        read_checkpoint(altered)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_torn_file_is_found(written, tmp_path, share):
    content = written.read_bytes()
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match="a checkpoint must"):
        read_checkpoint(torn)


def test_a_pickle_is_not_read(tmp_path):
    path = tmp_path / "last.safetensors"
    path.write_bytes(pickle.dumps({"parameters": 1}))
    with pytest.raises(CheckpointError, match="a checkpoint must be whole"):
        read_checkpoint(path)


def test_a_failed_save_leaves_the_checkpoint_before_it(written, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(CheckpointError, match="a checkpoint must be saved to go on"):
        write_checkpoint(blocked / "last.safetensors", STATE, {"parameters": torch.ones(1)})
    assert read_checkpoint(written).state.position.epoch == 3


class Tiny:
    """A trainer, as far as a checkpoint has to know it."""

    network = Network(SPEC, torch.device("cpu"))
    section = TrainingSection()
    position = POSITION
    best = network.flat.clone()

    def tensors(self):
        return {"parameters": self.network.flat, "best": self.best}


def test_saves_leave_no_file_open_and_no_file_behind(tmp_path):
    checkpoints, tiny = Checkpoints(tmp_path, keep=3, interval=1), Tiny()
    checkpoints.after_block(tiny, stops=True)
    before = psutil.Process().num_fds()
    for _ in range(200):
        checkpoints.after_block(tiny, stops=True)
    assert psutil.Process().num_fds() == before
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]
