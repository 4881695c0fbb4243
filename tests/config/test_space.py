"""What `--vary` gives: combinations or draws, each checked, each once."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.config.space import Space, load_space, read_variation
from iovalence.errors import ConfigError

DATA = "data: {train_file: train.csv}\n"


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def load(*vary: str, text: str = DATA, num_random: int | None = None) -> Space:
        Path("config.yaml").write_text(text)
        return load_space(Path("config.yaml"), (), vary, num_random=num_random)

    return load


@pytest.fixture
def faults(space):
    def find(*vary: str, **options: object) -> tuple[str, ...]:
        with pytest.raises(ConfigError) as caught:
            space(*vary, **options)
        assert all(fault.isprintable() for fault in caught.value.faults)
        return caught.value.faults

    return find


def test_a_grid_has_every_combination_in_the_order_it_is_read(space) -> None:
    found = space("training.learning_rate=0.01,1e-3", "layers=[8,4],[16]").candidates
    assert [one.name for one in found] == [
        "learning_rate=0.01 layers=[8,4]",
        "learning_rate=0.01 layers=[16]",
        "learning_rate=1e-3 layers=[8,4]",
        "learning_rate=1e-3 layers=[16]",
    ]
    assert [one.number for one in found] == [1, 2, 3, 4]
    assert found[2].loaded.config.training.learning_rate == 0.001
    assert found[2].loaded.config.training.layers == (8, 4)


def test_values_that_mean_the_same_are_trained_once(space) -> None:
    found = space("dropout=0.1,0.10,1e-1", "early_stopping=true,yes")
    assert len(found.candidates) == 1
    assert found.num_repeated == 5


def test_what_is_varied_wins_over_the_file(space) -> None:
    found = space("epochs=7,8", text=DATA + "training: {epochs: 5}\n")
    assert [one.loaded.config.training.epochs for one in found.candidates] == [7, 8]


def test_all_faults_of_all_that_is_varied_are_said_at_once(faults) -> None:
    assert set(faults("dropout=2,0.1", "lr=1", "activation=rellu", "epochs=")) == {
        "--vary must be KEY=VALUE,VALUE or KEY=LOW..HIGH, as training.learning_rate=0.01,0.001, "
        "got 'epochs='",
        "lr is not a key (--vary); did you mean training.learning_rate?",
        "training.activation must be one of relu, leaky_relu, elu, gelu, silu, tanh, sigmoid, "
        "got rellu (--vary); did you mean relu?",
        "training.dropout must be < 1, got 2 (--vary)",
    }


@pytest.mark.parametrize(
    ("vary", "fault"),
    [
        ("data.split=random,stratified", "must name a key of training that decides the result"),
        ("verbose=true,false", "must name a key of training that decides the result"),
        ("dropout=[0.1", "training.dropout must be values with commas between, got [0.1 (--vary)"),
        ("dropout=0.1..0.3", "got the range 0.1..0.3 (--vary); a range needs --random N"),
        ("dropout=a: b", "training.dropout must be a number, got"),
    ],
)
def test_what_cannot_be_varied_is_one_line(faults, vary: str, fault: str) -> None:
    (found,) = faults(vary)
    assert fault in found


def test_a_key_is_varied_once(faults) -> None:
    (found,) = faults("epochs=1,2", "training.epochs=3")
    assert found.startswith("training.epochs must be varied once, got it 2 times (--vary)")


def test_values_that_do_not_go_together_are_refused_before_any_is_trained(faults) -> None:
    (found,) = faults("epochs=3,5", "warmup_epochs=2,4")
    assert found == "training.warmup_epochs must be < epochs (3), got 4 (--vary)"


def test_faults_of_the_file_are_said_too(faults) -> None:
    found = faults("dropout=2", text=DATA + "epochs: 0\n")
    assert found[0] == "training.epochs must be >= 1, got 0 (config.yaml:2)"
    assert "training.dropout must be < 1, got 2 (--vary)" in found


def test_too_many_are_refused_before_they_are_made(faults) -> None:
    tens = ",".join(map(str, range(1, 11)))
    (found,) = faults(f"seed={tens}", f"patience={tens}", f"batch_size={tens}", f"epochs={tens}")
    assert found.startswith(
        "a sweep must have at most 1,000 configurations, got 10,000 (10 x 10 x 10 x 10)"
    )
    assert faults("dropout=0..0.5", num_random=1001)[0].startswith("a sweep must have at most")
    assert faults("dropout=0..0.5", num_random=0) == ("--random must be >= 1, got 0",)


def test_draws_are_those_of_the_seed_and_different(space) -> None:
    vary = ("learning_rate=0.0001..0.1", "batch_size=16..64", "optimizer=adam,sgd")
    first, again = (space(*vary, num_random=20).candidates for _ in range(2))
    assert [one.values for one in first] == [one.values for one in again]
    assert len({one.config_hash for one in first}) == 20
    other = space(*vary, num_random=20, text=DATA + "seed: 7\n").candidates
    assert [one.values for one in first] != [one.values for one in other]


def test_rates_are_drawn_evenly_over_their_orders_of_size(space) -> None:
    found = space("learning_rate=0.0001..0.1", num_random=200).candidates
    rates = [one.loaded.config.training.learning_rate for one in found]
    assert 50 < sum(rate < 0.001 for rate in rates) < 84


def test_lists_hold_no_more_than_they_do(space) -> None:
    assert len(space("dropout=0.1,0.2", num_random=5).candidates) == 2


@pytest.mark.parametrize(
    ("vary", "fault"),
    [
        ("dropout=0.5..0.1", "must be a range from the lower to the higher number"),
        ("learning_rate=0..0.1", "must be a range above 0, for it is drawn log-uniformly"),
        ("dropout=0.1..1.5", "training.dropout must be < 1, got 1.5 (--vary)"),
        ("patience=0.5..8", "training.patience must be a whole number, got 0.5 (--vary)"),
        ("dropout=0.1.2..0.3", "must be a range of two numbers, as 0.0001..0.1"),
    ],
)
def test_a_range_that_cannot_be_drawn_from_is_one_line(faults, vary: str, fault: str) -> None:
    (found,) = faults(vary, num_random=3)
    assert fault in found


@given(ends=st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=2, unique=True), seed=st.integers())
def test_a_drawn_number_is_within_its_range(ends: list[float], seed: int) -> None:
    low, high = sorted(float(f"{end:.6g}") for end in ends)
    if low == high:
        return
    for key in ("learning_rate", "min_delta"):
        found = read_variation(f"{key}={low!r}..{high!r}", is_random=True)
        assert low <= float(found.draw(random.Random(seed))) <= high
