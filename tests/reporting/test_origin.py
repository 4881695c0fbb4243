from iovalence.reporting.origin import list_commands, list_settings
from tests.reporting.examples import MANIFEST, describe_run

SETTINGS = {"training": {"epochs": 3}, "evaluation": {"require": {"test_accuracy": ">= 0.9"}}}


def list_with(comments, given=frozenset()):
    manifest = MANIFEST.model_copy(update={"comments": comments})
    context = describe_run(None, manifest=manifest, settings=SETTINGS, given=given)
    return {row["name"]: (row["reason"], row["given"]) for row in list_settings(context)}


def test_a_reason_stands_beside_its_setting_however_that_is_called():
    for key in ("epochs", "training.epochs"):
        assert list_with({key: "why"})["training.epochs"] == ("why", True)
    found = list_with({"evaluation.require": "why"})
    assert found["evaluation.require.test_accuracy"] == ("why", True)


def test_a_reason_for_no_setting_is_shown_too():
    assert list_with({"note": "why"})["note"] == ("why", True)


def test_what_was_given_as_a_whole_counts_as_given():
    found = list_with(None, frozenset({"evaluation.require"}))
    assert found["evaluation.require.test_accuracy"] == ("", True)
    assert found["training.epochs"] == ("", False)


def test_the_commands_make_the_run_again():
    path = "/home/me/my runs/it's.yaml"
    commands = [
        one["command"] for one in list_commands(MANIFEST.model_copy(update={"config_path": path}))
    ]
    assert commands == [
        "git checkout 0123abcd",
        "iovalence reproduce 20261122-141500-4f2a",
        "iovalence train 'it'\"'\"'s.yaml'",
    ]
