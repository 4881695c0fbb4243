"""`iovalence advise`: what went wrong, why, the change to try, and whether it helped."""

import json

import pytest
import yaml

from flows.command import main
from iovalence.config.load import load_config
from iovalence.runs.folder import find_run
from tests.advice.conftest import train


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """Train a run whose learning rate is too low; return its workspace."""
    folder = tmp_path_factory.mktemp("slow")
    train(folder, "learning_rate: 0.00001")
    return folder / ".iovalence"


def test_advise_prints_verdict_evidence_and_a_change_that_is_yaml(slow, capsys):
    assert main(["advise", "latest", "--workspace", str(slow)]) == 0
    printed = capsys.readouterr().out
    assert "warning: learning rate too low" in printed
    assert "  baseline loss" in printed
    begin = printed.index("       training:")
    change = yaml.safe_load(printed[begin:].split("\n\n")[0])
    assert change == {"training": {"learning_rate": 0.0001}}
    assert "--apply" in printed


def test_the_json_has_all_of_it(slow, capsys):
    assert main(["advise", "latest", "--workspace", str(slow), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (verdict,) = found["verdicts"]
    assert verdict["name"] == "learning_rate_too_low"
    assert verdict["evidence"]["learning_rate"] == 1e-5
    assert verdict["advice"][0]["change"] == {"training.learning_rate": 0.0001}
    assert found["tried"] is None


def test_rounds_without_apply_are_refused(slow, capsys):
    assert main(["advise", "latest", "--workspace", str(slow), "--rounds", "2"]) == 2
    expected = "error: --rounds must stand beside --apply, got it alone; add --apply\n"
    assert capsys.readouterr().err == expected


def test_a_run_without_a_diagnosis_is_refused(tmp_path, capsys):
    train(tmp_path, "learning_rate: 0.00001")
    workspace = tmp_path / ".iovalence"
    run = find_run(workspace, "latest")
    run.diagnosis.unlink()
    assert main(["advise", run.run_id, "--workspace", str(workspace)]) == 2
    assert f"run {run.run_id} must have a diagnosis, but it has none" in capsys.readouterr().err


def test_apply_says_whether_it_helped_and_how_to_train_it_whole(slow, capsys, monkeypatch):
    monkeypatch.setattr("flows.commands.advising._publish", lambda run: None)
    given = ["advise", "latest", "--workspace", str(slow), "--apply", "--seeds", "2"]
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert "  learning_rate 0.0001: helped; validation loss " in printed
    assert "2 pairs of seeds)" in printed
    last = printed.strip().splitlines()[-1]
    assert last.endswith("--set 'training.learning_rate=0.0001'")
    loaded = load_config(slow.parent / "config.yaml", ["training.learning_rate=0.0001"])
    assert loaded.config.training.learning_rate == 0.0001
