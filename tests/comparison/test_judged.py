"""What a run's model says of the rows of a part, where they are sequences."""

import pytest

from iovalence.comparison.judged import find_table, judge_rows
from iovalence.comparison.rows import share_rows
from iovalence.comparison.side import open_sides
from tests.comparison.conftest import train
from tests.stages.test_sequences import CONFIG, make_sequences


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sequences")
    (folder / "data.csv").write_text(
        make_sequences(label=lambda n, at, rises: ["down", "up"][rises] if at == 0 else "")
    )
    (folder / "full.csv").write_text(make_sequences())
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    full = "data.train_file=full.csv"
    changes = [(), ("layers=[4]",), (full,), (full, "model_type=neural_network")]
    return open_sides([train(config, some) for some in changes])


def test_of_the_validation_part_each_sequence_is_predicted_with_its_label(sides):
    side = sides[0]
    judged = judge_rows(side, find_table(side), "validation")
    right = (judged.predictions.y_pred == judged.y_true).mean()
    assert len(judged.position) == len(judged.y_true) == 9
    assert right == side.result.part("validation").metrics["accuracy"].value


def test_two_models_of_sequences_are_compared_on_their_sequences(sides):
    shared = share_rows(*sides[:2])
    assert len(shared.y_true) == shared.num_first == shared.num_other == 9
    assert shared.notes == ()


def test_beside_a_model_of_rows_the_last_row_of_a_sequence_is_compared(sides):
    shared = share_rows(sides[3], sides[2])
    assert 0 < len(shared.y_true) <= shared.num_other == 9
    assert shared.notes[-1].startswith(f"{sides[2].run.run_id} predicts for sequences, the other")
