"""What can only fail later is refused before anything is trained."""

import pytest

from iovalence.errors import ConfigError
from iovalence.runs.sweep import list_sweeps
from iovalence.sweeps.opened import find_earlier, jobs_of, open_sweep
from tests.sweeps.conftest import ready


@pytest.mark.parametrize(
    ("overrides", "options", "message"),
    [
        (["validation_split=0"], {}, "a sweep must have a validation part to choose by"),
        (
            [],
            {"by": "test_loss"},
            "--by must name a figure of the validation part, got 'test_loss'",
        ),
        ([], {"by": "val_rmse"}, "--by must name a figure of the validation part, got 'val_rmse'"),
        (["scheduler=one_cycle"], {"halving": True}, "with --halving, got one_cycle; use none"),
        (["save_checkpoint=false"], {"halving": True}, "save_checkpoint must be true with --halv"),
        (["class_weights={maybe: 2}"], {}, "class_weights must name classes .* got 'maybe'"),
        (["evaluation.require={test_rmse: '< 1'}"], {}, "must name a metric of this run"),
    ],
)
def test_a_sweep_that_cannot_be_compared_is_refused(tmp_path, overrides, options, message):
    with pytest.raises(ConfigError, match=message):
        ready(tmp_path, "dropout=0.1,0.2", overrides=overrides, **options)
    assert not list_sweeps(tmp_path / ".iovalence")


def test_epochs_are_not_varied_with_halving(tmp_path):
    with pytest.raises(ConfigError, match=r"training\.epochs must not be varied with --halving"):
        ready(tmp_path, "epochs=3,9", halving=True)


def test_all_configurations_share_what_was_done_once(tmp_path):
    made = ready(tmp_path, "dropout=0.1,0.2", "layers=[4],[8]")
    assert len({stages.prepared.folder for stages in made.stages.values()}) == 1
    assert not made.stages[1].ingested.reused
    assert made.stages[2].ingested.reused
    assert made.warnings() == []


def test_seeds_split_the_rows_anew_and_that_is_said(tmp_path):
    made = ready(tmp_path, "seed=1,2")
    assert len({stages.parted.folder for stages in made.stages.values()}) == 2
    assert "their validation figures are of different rows" in made.warnings()[0]


def test_class_weights_make_losses_differ_and_that_is_said(tmp_path):
    vary = "class_weights=none,balanced"
    assert "weighs val_loss" in ready(tmp_path, vary).warnings()[0]
    assert ready(tmp_path, vary, by="val_accuracy").warnings() == []


def test_another_space_or_other_data_is_another_sweep(tmp_path):
    made = ready(tmp_path, "dropout=0.1,0.2")
    sweep = open_sweep(made)
    assert find_earlier(ready(tmp_path, "dropout=0.1,0.2", by="val_accuracy")).root == sweep.root
    assert find_earlier(ready(tmp_path, "dropout=0.1,0.3")) is None
    with (tmp_path / "data.csv").open("a") as file:
        file.write("0.5,red,yes\n")
    assert find_earlier(ready(tmp_path, "dropout=0.1,0.2")) is None


def test_a_job_holds_the_file_as_it_was_read(tmp_path):
    made = ready(tmp_path, "dropout=0.1,0.2")
    sweep = open_sweep(made)
    (tmp_path / "config.yaml").write_text("broken: [")
    first, second = jobs_of(made, sweep, sweep.record(), 0)
    assert first.text.read_bytes() == made.space.base.text
    assert second.varied == ("training.dropout=0.2",)
