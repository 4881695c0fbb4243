import numpy as np
import pytest
import torch

from iovalence.data.encodings import EmbeddedEncoding, NumericEncoding, OneHotEncoding
from iovalence.data.prepared import Prepared
from iovalence.data.preprocessing import Preprocessing
from iovalence.data.scaling import RobustScale
from iovalence.evaluation.importance import NUM_REPEATS, important_columns, measure_importance
from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network

NAMES = ("size", "colour", "noise", "town")
RNG = np.random.default_rng(0)


def numeric(name):
    return NumericEncoding(
        column=name, scale=RobustScale(centre=0, scale=1), has_missing=name == "size"
    )


def preprocess(classes=("no", "yes")):
    colour = OneHotEncoding(
        column="colour", values=("blue", "red"), has_unseen=False, has_missing=False
    )
    town = EmbeddedEncoding(column="town", values=("A", "B"), has_missing=False)
    return Preprocessing(
        columns=(numeric("size"), colour, numeric("noise"), town),
        classes=classes,
        positive_index=None if classes is None else 1,
        target_scale=1.0 if classes else 10.0,
    )


def make_rows(num_rows=600, part=1, rng=RNG, **changes):
    """Return rows of five features (size, its gap, blue, red, noise) and one code (town)."""
    features = rng.normal(size=(num_rows, 5)).astype(np.float32)
    blue = rng.integers(0, 2, num_rows)
    features[:, 1], features[:, 2], features[:, 3] = 0, blue, 1 - blue
    codes = rng.integers(0, 3, (num_rows, 1)).astype(np.int32)
    options = {
        "preprocessing": preprocess(),
        "target": (features[:, 0] + 0.5 * blue + 0.3 * (codes[:, 0] == 1) > 0).astype(np.int64),
        "weight": None,
        "part": np.broadcast_to(np.asarray(part, np.int8), num_rows),
        "table_index": np.arange(num_rows),
    }
    return Prepared(features=features, codes=codes, **(options | changes))


def make_network(layers=(8,), num_outputs=2):
    spec = NetworkSpec(
        num_features=5,
        embedding_sizes=((3, 2),),
        layers=layers,
        activation="relu",
        num_outputs=num_outputs,
    )
    network = Network(spec, torch.device("cpu"))
    network.initialise(3)
    return network


def knowing_network():
    """Return a linear one that knows size well, colour a little, and town, and not the noise."""
    network = make_network(layers=())
    with torch.no_grad():
        network.parameters["embeddings.0"].copy_(torch.tensor([[0.0, 0], [1, 0], [0, 0]]))
        weight = torch.tensor([3.0, 0, 1.5, 0, 0, 0.9, 0])
        network.parameters["layers.0.weight"].copy_(torch.stack([-weight, weight]))
        network.parameters["layers.0.bias"].zero_()
    return network


def test_columns_are_ordered_by_how_much_worse_the_model_is_without_them():
    found = measure_importance(knowing_network(), make_rows(), seed=1)
    assert list(important_columns(found)) == ["size", "colour", "town", "noise"]
    assert [column.worse["log_loss"].is_clear for column in found.columns] == [*[True] * 3, False]
    assert found.columns[-1].worse["accuracy"].mean == 0
    assert (found.num_rows, found.num_repeats) == (600, NUM_REPEATS)


@pytest.mark.parametrize("layers", [(), (8,), (8, 4)])
def test_shuffling_is_what_it_is_with_the_rows_themselves(layers):
    network, rows = make_network(layers), make_rows(200)
    found = {one.name: one for one in measure_importance(network, rows, seed=1).columns}

    def lose(features, codes):
        with torch.no_grad():
            outputs = network.forward(torch.from_numpy(features), torch.from_numpy(codes).long())
        return torch.nn.functional.cross_entropy(outputs, torch.from_numpy(rows.target)).item()

    whole, repeats = lose(rows.features, rows.codes), []
    for _ in range(300):
        moved, order = rows.features.copy(), RNG.permutation(200)
        moved[:, 2:4] = moved[order, 2:4]
        repeats.append(lose(moved, rows.codes) - whole)
    colour = found["colour"].worse["log_loss"]
    assert colour.mean == pytest.approx(np.mean(repeats), abs=4 * np.std(repeats) / 5**0.5)


def test_the_same_seed_shuffles_likewise():
    rows = make_rows(100)
    first, again, other = (
        measure_importance(make_network(), rows, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_regression_is_judged_in_the_unit_of_its_target():
    values = RNG.normal(size=300).astype(np.float32)
    rows = make_rows(300, preprocessing=preprocess(None), target=values)
    network = make_network(num_outputs=1)
    found = measure_importance(network, rows, seed=1)
    with torch.no_grad():
        outputs = network.forward(torch.from_numpy(rows.features), torch.from_numpy(rows.codes))
    rmse = 10 * float(np.sqrt(np.mean((outputs[:, 0].numpy() - values) ** 2)))
    assert found.metrics == {"rmse": pytest.approx(rmse, rel=1e-5)}


def test_only_rows_of_the_validation_part_and_of_known_classes_are_taken():
    part = np.repeat(np.array([0, 1, 2], np.int8), 200)
    rows = make_rows(600, part=part)
    rows.target[200:250] = -1
    assert measure_importance(make_network(), rows, seed=1).num_rows == 150


def test_without_a_validation_part_it_says_so():
    found = measure_importance(make_network(), make_rows(part=0), seed=1)
    assert found.columns == ()
    assert "measured on a validation part, and there is none" in found.note


def test_many_rows_are_sampled():
    assert measure_importance(make_network(), make_rows(5000), seed=1).num_rows == 2000
