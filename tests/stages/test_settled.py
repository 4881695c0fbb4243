"""What a run leaves of the values that were left to it."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from iovalence.config.load import load_config
from iovalence.data.prepared import load_prepared
from iovalence.runs.choices import Choice
from iovalence.runs.folder import RunFolder
from iovalence.runs.journal import read_journal
from iovalence.stages.settled import settle_run
from iovalence.training.fit import Machine
from iovalence.training.rate_finder import RateSweep
from tests.stages.conftest import run_stages
from tests.stages.test_pipeline import CONFIG, make_table, same_weights

AUTO = ("learning_rate=auto", "batch_size=auto", "device=cpu")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return one finished run whose rate and batch size were chosen; nothing may change it."""
    folder = tmp_path_factory.mktemp("settled")
    (folder / "data.csv").write_text(make_table())
    (folder / "config.yaml").write_text(CONFIG)
    return run_stages(folder / "config.yaml", AUTO)


def test_the_manifest_holds_what_was_chosen_and_why(finished):
    choices = finished.run.manifest().choices
    assert choices["training.batch_size"].value == 32
    assert choices["training.batch_size"].reason.endswith(", 32 for 132 rows")
    rate = choices["training.learning_rate"]
    assert 1e-5 < rate.value < 1
    assert re.match(r"found by 30 steps with rates from 1e-05 to 1: the loss ", rate.reason)
    events = [line for line in read_journal(finished.run.journal)[0] if line["type"] == "event"]
    assert [line["event"] for line in events][:2] == ["started", "settled"]


def test_the_sweep_is_kept_and_drawn_and_its_files_are_hashed(finished):
    run = finished.run
    sweep = RateSweep.load(run.rate_finder)
    assert sweep.chosen == run.manifest().choices["training.learning_rate"].value
    names = {"rate_finder.json", "pictures/learning_rate.png", "pictures/learning_rate.svg"}
    assert names <= set(run.manifest().files)


def test_the_report_shows_the_picture_and_the_reason(finished):
    page = finished.run.report.read_text()
    rate = finished.run.manifest().choices["training.learning_rate"]
    assert 'aria-label="The sweep that chose the learning rate' in page
    assert f"auto: {rate.value:g}" in page
    assert rate.reason in page
    assert ", 32 for 132 rows" in page


def test_the_model_is_that_of_the_number_given(finished):
    rate = finished.run.manifest().choices["training.learning_rate"].value
    given = run_stages(finished.loaded.path, (f"learning_rate={rate}",))
    assert same_weights(finished, given)
    assert given.run.manifest().choices == {}
    assert not given.run.rate_finder.exists()


def test_the_resolved_configuration_still_says_auto_and_means_the_same(finished):
    resolved = load_config(finished.run.config_resolved).config
    assert resolved.training == finished.loaded.config.training
    assert resolved.training.learning_rate == resolved.training.batch_size == "auto"


@pytest.fixture
def again(finished, tmp_path):
    """Return a function that settles a copy of the run once more, as one that is taken up."""
    run = RunFolder(tmp_path / finished.run.run_id)
    shutil.copytree(finished.run.root, run.root)
    run.rate_finder.unlink()
    store = finished.loaded.workspace / "store" / "prepared"
    prepared = load_prepared(next(store.glob("*/preprocessing.json")).parent)

    def settle(choices, threads=1, **changes):
        run.update(choices=choices, threads=threads)
        said = []
        rows = replace(prepared, **changes)
        return run, settle_run(finished.loaded, run, rows, "none", said.append), said

    return settle


def test_what_a_manifest_holds_is_taken_again_and_not_measured(again):
    recorded = {
        "training.batch_size": Choice(value=16, reason="then"),
        "training.learning_rate": Choice(value=0.5, reason="found then"),
    }
    run, settled, said = again(recorded)
    assert (settled.section.batch_size, settled.section.learning_rate) == (16, 0.5)
    assert not run.rate_finder.exists()
    assert run.manifest().choices == recorded
    assert said == [
        "training.batch_size: auto is 16: then",
        "training.learning_rate: auto is 0.5: found then",
    ]


def test_the_threads_that_a_manifest_holds_are_taken_again(again):
    assert again({}, threads=2)[1].machine == Machine("cpu", 2)


def test_without_a_record_the_same_is_found_again(again, finished):
    run, settled, _ = again({})
    assert settled.choices == run.manifest().choices == finished.run.manifest().choices


def test_a_sweep_that_shows_nothing_is_a_warning_and_the_default(again):
    run, settled, said = again({}, features=np.full((200, 5), np.nan, np.float32))
    assert settled.section.learning_rate == 0.001
    assert said[1] == (
        "warning: training.learning_rate: auto is 0.001: the default, since the sweep shows no "
        "rate: the loss is not finite from the start"
    )
    assert (run.pictures / "learning_rate.svg").is_file()
    assert not RateSweep.load(run.rate_finder).is_found
