"""What differed between two runs."""

from iovalence.comparison.causes import name_differences, name_idle_keys
from iovalence.comparison.side import open_sides


def differ(*runs):
    return [
        (line.cause, line.what, line.then, line.now) for line in name_differences(*open_sides(runs))
    ]


def test_a_setting_is_named_by_its_dotted_key_with_both_values(first, faster):
    assert differ(first, faster) == [("config", "training.learning_rate", "0.01", "0.05")]


def test_a_setting_that_changes_no_figure_is_named_apart(first, faster):
    assert name_idle_keys(*open_sides([first, faster])) == ("tracking.run_name",)


def test_other_data_are_named_by_file_rows_and_parts(trained):
    found = differ(trained["first"], trained["grown"])
    named = {what: (then, now) for cause, what, then, now in found if cause == "data"}
    assert named["rows read"] == ("300", "400")
    assert named["data.train_file data.csv"][1] == named["data.train_file grown.csv"][0]
    assert {"rows of the train part", "rows of the test part"} <= named.keys()
    assert ("config", "data.train_file", "data.csv", "grown.csv") in found


def test_code_versions_and_machine_are_named(first, altered):
    manifest = altered.manifest()
    altered.update(
        git_commit="abcdef0123456789+",
        versions=manifest.versions | {"torch": "1.0", "mlflow": "1.0"},
        hardware=manifest.hardware | {"processor": "abacus"},
        device="cuda",
        threads=99,
    )
    found = {(cause, what): now for cause, what, _, now in differ(first, altered)}
    assert found["code", "git commit"] == "abcdef012345 with changes"
    assert found["versions", "torch"] == "1.0"
    assert ("versions", "mlflow") not in found
    assert found["hardware", "processor"] == "abacus"
    assert (found["device", "device"], found["threads", "threads"]) == ("cuda", "99")


def test_a_run_and_its_copy_differ_in_nothing(first, altered):
    assert differ(first, altered) == []
