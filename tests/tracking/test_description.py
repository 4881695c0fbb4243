"""What MLflow is told of a run in words."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from iovalence.quality.checks import QualityReport
from iovalence.quality.findings import Finding
from iovalence.runs.choices import Choice
from iovalence.tracking.description import describe_parameters, describe_run, flatten
from iovalence.tracking.record import Target

names = st.text("abcdefgh_", min_size=1, max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.integers()),
    lambda children: st.dictionaries(names | st.text(max_size=5), children, max_size=4),
    max_leaves=20,
)


@settings(max_examples=50)
@given(st.dictionaries(names, values))
def test_every_value_is_told_once_under_a_name_that_mlflow_takes(config):
    flat = list(flatten(config))
    assert len({name for name, _ in flat}) == len(flat) >= len(config)
    assert all(isinstance(value, str) for _, value in flat)
    assert all(re.fullmatch(r"[A-Za-z0-9_\-. :/]+", name) for name, _ in flat)


def test_classes_that_are_no_names_are_told_together():
    config = {"training": {"class_weights": {"<=50K": 1.0, ">50K": 2.5}, "epochs": 3}}
    assert dict(flatten(config)) == {
        "training.class_weights": json.dumps({"<=50K": 1.0, ">50K": 2.5}),
        "training.epochs": "3",
    }


def test_the_note_names_the_checks_that_warned_and_is_silent_where_none_did(place):
    names = ("drift", "labels.rare")
    found = [
        Finding(check=name, severity="warning", count=1, share=0.1, message="m") for name in names
    ]
    target = Target(uri=place.uri, experiment="members")
    notes = []
    for findings in ((), tuple(found)):
        QualityReport(findings=findings, counts=()).save(place.run.quality)
        texts = describe_run(place.run, place.run.manifest(), target)
        notes.append(texts.short["mlflow.note.content"])
    assert "Data checks" not in notes[0]
    assert "Data checks, warnings: drift, labels.rare; see `quality.html`" in notes[1]


def test_a_uri_is_told_without_its_user(place):
    target = Target(uri=place.uri, experiment="members")
    text = place.run.config_resolved.read_text()
    secret = text.replace("uri: null", "uri: http://anna:secret@127.0.0.1:5000")
    place.run.config_resolved.write_text(secret)
    parameters = describe_parameters(place.run).short
    assert parameters["tracking.uri"] == "http://127.0.0.1:5000"
    assert "secret" not in str(describe_run(place.run, place.run.manifest(), target))


def choose(place, **choices):
    """Let the rate of a run be auto, with these choices on its record."""
    text = place.run.config_resolved.read_text()
    assert "  learning_rate: 0.001\n" in text
    auto = text.replace("  learning_rate: 0.001\n", "  learning_rate: auto\n")
    place.run.config_resolved.write_text(auto)
    place.run.update(choices=choices)
    target = Target(uri=place.uri, experiment="members")
    return describe_parameters(place.run).short, describe_run(
        place.run, place.run.manifest(), target
    ).short


def test_a_rate_that_was_found_is_told_as_the_number_with_a_tag_that_says_why(place):
    choice = Choice(value=0.0032, reason="found by 200 steps")
    parameters, tags = choose(place, **{"training.learning_rate": choice})
    assert parameters["training.learning_rate"] == "0.0032"
    assert tags["iovalence.auto.training.learning_rate"] == "found by 200 steps"
    assert "iovalence.auto.training.batch_size" not in tags


def test_a_rate_that_is_not_known_yet_is_not_told(place):
    parameters, tags = choose(place)
    assert "training.learning_rate" not in parameters
    assert parameters["training.batch_size"] == "32"
    assert not [key for key in tags if key.startswith("iovalence.auto")]


def test_a_rate_that_becomes_known_is_a_parameter_and_no_change(place, client):
    choose(place)
    place.restart()
    place.publish(final=False)
    place.run.update(choices={"training.learning_rate": Choice(value=0.5, reason="found")})
    found = client.get_run(place.publish(final=False).mlflow_run_id).data
    assert found.params["training.learning_rate"] == "0.5"
    assert not [key for key in found.tags if key.startswith("iovalence.changed")]


def test_the_users_own_tags_do_not_replace_ours(place):
    target = Target(uri=place.uri, experiment="members", tags={"iovalence.run_id": "other"})
    tags = describe_run(place.run, place.run.manifest(), target).short
    assert tags["iovalence.run_id"] == place.run.run_id


def test_tags_that_mlflow_does_not_take_are_made_to_fit(place):
    target = Target(
        uri=place.uri, experiment="members", tags={"a=b": "x", "": "y", "long": "z" * 9000}
    )
    texts = describe_run(place.run, place.run.manifest(), target)
    assert {"a_b": "x", "_": "y"}.items() <= texts.short.items()
    assert texts.short["long"] == "9000 characters: see artifact tags/long.txt"
    assert texts.long["tags/long.txt"] == "z" * 9000


def test_what_is_not_known_has_no_tag(place):
    place.run.update(git_commit=None, flow_run_id=None)
    target = Target(uri=place.uri, experiment="members")
    tags = describe_run(place.run, place.run.manifest(), target).short
    assert "iovalence.git_commit" not in tags
    assert "iovalence.flow_run_id" not in tags
