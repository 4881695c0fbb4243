"""Own how a GPU takes steps: those of a whole block captured once, and replayed.

A step at a small batch is some thirty kernels of a few microseconds each; to launch them one by
one takes the processor longer than the GPU needs to run them. A CUDA graph launches all of a
block at once. Source: PyTorch's notes on CUDA graphs; the captured work reads and writes the same
memory each time, so that a block is first copied to where it was captured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from iovalence.models.build import AnyNetwork
from iovalence.models.network import Network
from iovalence.models.recurrent import RecurrentNetwork
from iovalence.training.objective import Objective
from iovalence.training.optimizers import FlatOptimizer
from iovalence.training.parts import PartTensors
from iovalence.training.section import SettledTraining
from iovalence.training.sequence_steps import SequenceSteps
from iovalence.training.steps import Block, Steps

Work = Callable[[], None]
# Above, PyTorch sorts the codes of embedded columns, which cannot be captured.
MAX_CODES = 3072


@dataclass(frozen=True)
class Captured:
    """Hold the steps of blocks of N rows, captured.

    Attributes:
        block: Where a block has to be for a replay.
        rates: Learning rate of each step, float32, on the device.
        replay: Takes the steps.
    """

    block: Block
    rates: Tensor
    replay: Work

    def run(self, block: Block, rates: Sequence[float]) -> Tensor:
        """Take the steps of a block; return its outputs."""
        for place, value in zip(self.block.tensors(), block.tensors(), strict=True):
            place.copy_(value)
        self.rates.copy_(torch.tensor(rates))
        self.replay()
        return self.block.outputs.t()


class ReplayedSteps(Steps):
    """Take the steps of a block by replaying them.

    Args:
        network, objective, optimizer: As of `Steps`.
        capture: Runs some work once, and returns what runs it again.
        settings: The others of `Steps`.
    """

    def __init__(
        self,
        network: Network,
        objective: Objective,
        optimizer: FlatOptimizer,
        *,
        capture: Callable[[Work], Work],
        **settings: object,
    ) -> None:
        super().__init__(network, objective, optimizer, **settings)  # type: ignore[arg-type]
        self._capture = capture
        self._changing = [network.flat, *optimizer.state.values()]
        self._captured: dict[int, Captured] = {}

    @torch.no_grad()
    def run(self, rows: PartTensors, masks: Sequence[Tensor], rates: Sequence[float]) -> Tensor:
        """Take a step for each batch of a block; see `Steps.run`."""
        block, batches = self._load(rows, masks)
        if len(rates) * self._batch_size < rows.num_rows:
            self._take(batches, rates)
            return block.outputs.t()
        if rows.num_rows not in self._captured:
            self._captured[rows.num_rows] = self._capture_steps(block, rates)
        return self._captured[rows.num_rows].run(block, rates)

    def _capture_steps(self, block: Block, rates: Sequence[float]) -> Captured:
        """Capture the steps of blocks of this many rows: a full one, and the last of an epoch."""
        place = Block(
            inputs=block.inputs.clone(),
            goal=tuple(part.clone() for part in block.goal),
            outputs=block.outputs.clone(),
            codes=None if block.codes is None else block.codes.clone(),
            masks=tuple(mask.clone() for mask in block.masks),
        )
        batches = list(place.batches(self._batch_size))
        on_device = torch.tensor(rates, device=block.inputs.device)
        before = [value.clone() for value in self._changing]
        replay = self._capture(lambda: self._take(batches, on_device))
        for value, kept in zip(self._changing, before, strict=True):
            value.copy_(kept)
        return Captured(place, on_device, replay)


def capture_cuda(work: Work) -> Work:
    """Capture work as a CUDA graph; it is run once before, since libraries allocate at first."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    replay: Work = graph.replay
    return replay


class TakesSteps(Protocol):
    """Take the steps of a block of rows, or of sequences; see `Steps`."""

    def run(self, rows: Any, masks: Sequence[Tensor], rates: Sequence[float]) -> Tensor:
        """Take a step for each batch; return the outputs that the losses came from."""


def build_steps(
    network: AnyNetwork,
    objective: Objective,
    optimizer: FlatOptimizer,
    section: SettledTraining,
    *,
    mask_scale: float,
    mixed_precision: bool,
) -> TakesSteps:
    """Return what takes the steps of this network: replayed on a GPU of NVIDIA's.

    Args:
        network: What is trained.
        objective: What is optimised.
        optimizer: Updates its flat vector.
        section: Batch size and clipping.
        mask_scale: Value of a dropout mask where nothing is dropped.
        mixed_precision: Whether products are taken in bfloat16.
    """
    if isinstance(network, RecurrentNetwork):
        return SequenceSteps(
            network,
            objective,
            optimizer,
            batch_size=section.batch_size,
            gradient_clip=section.gradient_clip,
        )
    if not isinstance(network, Network):
        raise TypeError(f"a network must be one that can be trained, got {type(network).__name__}")
    settings: dict[str, object] = {
        "batch_size": section.batch_size,
        "mask_scale": mask_scale,
        "gradient_clip": section.gradient_clip,
        "dtype": torch.bfloat16 if mixed_precision else torch.float32,
    }
    sorts_codes = bool(network.spec.embedding_sizes) and section.batch_size > MAX_CODES
    if network.flat.device.type == "cuda" and not sorts_codes:
        return ReplayedSteps(network, objective, optimizer, capture=capture_cuda, **settings)
    return Steps(network, objective, optimizer, **settings)  # type: ignore[arg-type]
