"""The recurrent network is PyTorch's own cell, with layers on its last state."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from iovalence.models.architecture import RecurrentSpec
from iovalence.models.recurrent import CELLS, Packing, RecurrentNetwork

CPU = torch.device("cpu")


def make_network(**changes):
    values = {
        "num_features": 3,
        "embedding_sizes": (),
        "layers": (5,),
        "activation": "relu",
        "num_outputs": 2,
        "cell": "gru",
        "bidirectional": False,
        "max_length": None,
    }
    network = RecurrentNetwork(RecurrentSpec(**values | changes), CPU)
    network.initialise(1)
    return network


def make_batch(lengths=(2, 5, 1, 5), width=3):
    generator = torch.Generator().manual_seed(0)
    sequences = [torch.randn(length, width, generator=generator) for length in lengths]
    counts = torch.tensor(lengths)
    packing = Packing.of(counts.cumsum(0) - counts, counts)
    return sequences, packing, packing.pack(torch.cat(sequences)[packing.places])


def test_packing_is_that_of_pytorch():
    sequences, _, packed = make_batch()
    lengths = torch.tensor([len(some) for some in sequences])
    padded = pad_sequence(sequences, batch_first=True)
    wanted = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
    assert torch.equal(packed.data, wanted.data)
    assert torch.equal(packed.batch_sizes, wanted.batch_sizes)
    restored = torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)[0]
    assert torch.equal(restored, padded)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_outputs_and_gradients_are_those_of_plain_pytorch(cell, bidirectional):
    network = make_network(cell=cell, bidirectional=bidirectional)
    sequences, _, packed = make_batch()
    plain = CELLS[cell](3, 5, bidirectional=bidirectional)
    head = nn.Linear(10 if bidirectional else 5, 2)
    state = network.state()
    plain.load_state_dict(
        {name: state[f"recurrent.{name}"] for name, _ in plain.named_parameters()}
    )
    head.load_state_dict({name: state[f"layers.0.{name}"] for name in ("weight", "bias")})
    wanted = []
    for some in sequences:  # one by one, so that nothing is packed
        last = plain(some[:, None])[1]
        last = last[0] if cell == "lstm" else last
        wanted.append(head(last.transpose(0, 1).flatten(1)))
    outputs = network.forward(packed, None)
    assert torch.allclose(outputs, torch.cat(wanted), atol=1e-6)
    outputs.square().sum().backward()
    torch.cat(wanted).square().sum().backward()
    grads = {name: value.grad for name, value in network.parameters.items()}
    for name, parameter in plain.named_parameters():
        assert torch.allclose(grads[f"recurrent.{name}"], parameter.grad, atol=1e-5)


def test_parameters_and_gradients_are_views_of_flat_vectors():
    network = make_network(layers=(5, 4), embedding_sizes=((6, 2),))
    assert sum(value.numel() for value in network.parameters.values()) == len(network.flat)
    _, _, packed = make_batch()
    codes = torch.randint(0, 6, (len(packed.data), 1))
    network.forward(packed, codes).sum().backward()
    assert network.grad.count_nonzero() > len(network.grad) / 2
    with torch.no_grad():
        network.flat.zero_()
    assert not network.forward(packed, codes).any()


def test_a_mask_drops_units_of_the_last_state():
    network = make_network()
    _, _, packed = make_batch()
    nothing = network.forward(packed, None, [torch.zeros(4, 5)])
    assert torch.allclose(nothing, network.parameters["layers.0.bias"].expand(4, 2))


def test_first_weights_follow_from_the_seed():
    one, again = make_network(), make_network()
    assert torch.equal(one.flat, again.flat)
    assert one.flat.abs().max() <= 5**-0.5
    again.initialise(2)
    assert not torch.equal(one.flat, again.flat)
