"""What is too long for MLflow is whole somewhere, and said to be."""

import json
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils import validation

from iovalence.tracking import limits
from iovalence.tracking.limits import (
    MAX_NAME,
    MAX_REQUEST,
    NOTE_TAG,
    chunks,
    fit_names,
    fit_run_name,
    list_names,
    shorten_tags,
)


@dataclass(frozen=True)
class Tag:
    key: str
    value: str


def test_the_limits_are_those_of_mlflow():
    assert limits.MAX_PARAMETER == validation.MAX_PARAM_VAL_LENGTH
    assert limits.MAX_TAG == validation.MAX_TAG_VAL_LENGTH
    assert limits.MAX_NAME == validation.MAX_ENTITY_KEY_LENGTH
    assert limits.MAX_METRICS == validation.MAX_METRICS_PER_BATCH
    assert limits.MAX_PARAMETERS == limits.MAX_TAGS == validation.MAX_PARAMS_TAGS_PER_BATCH
    assert limits.MAX_REQUEST < validation.MAX_BATCH_LOG_REQUEST_SIZE


@given(st.lists(st.text(max_size=300), unique=True, max_size=8))
def test_names_become_ones_that_mlflow_takes_and_no_two_alike(names):
    fitted = fit_names(names)
    assert len(set(fitted.values())) == len(names)
    for name in fitted.values():
        validation._validate_tag_name(name)
        assert len(name) <= MAX_NAME


def test_a_name_that_was_changed_is_whole_in_an_artifact():
    fitted = fit_names(["team", "a=b", "x" * 300])
    assert fitted["team"] == "team"
    (content,) = list_names(fitted).values()
    assert set(json.loads(content).values()) == {"a=b", "x" * 300}
    assert list_names(fit_names(["team"])) == {}


def test_the_note_names_what_did_not_fit():
    texts = shorten_tags({NOTE_TAG: "fine", "long": "z" * 9000}, ["parameters/data.exclude.txt"])
    note = texts.short[NOTE_TAG]
    assert note.startswith("fine\n\nToo long for MLflow's fields, and whole among the artifacts: ")
    assert note.endswith("`parameters/data.exclude.txt`, `tags/long.txt`")
    assert shorten_tags({NOTE_TAG: "fine"}).short == {NOTE_TAG: "fine"}


def test_a_long_note_is_whole_in_its_artifact_with_what_it_names():
    texts = shorten_tags({NOTE_TAG: "word " * 3000}, ["parameters/data.exclude.txt"])
    assert len(texts.short[NOTE_TAG]) == limits.MAX_TAG
    assert "parameters/data.exclude.txt" in texts.long[f"tags/{NOTE_TAG}.txt"]


def test_requests_hold_so_many_items_and_so_many_bytes_at_most():
    small = [Tag(str(number), "x") for number in range(250)]
    assert [len(chunk) for chunk in chunks(small, 100)] == [100, 100, 50]
    # Outside ASCII a character takes six bytes of JSON.
    large = [Tag(str(number), "ß" * 8000) for number in range(100)]
    sent = list(chunks(large, 100))
    assert [tag for chunk in sent for tag in chunk] == large
    assert all(len(json.dumps([[t.key, t.value] for t in chunk])) < MAX_REQUEST for chunk in sent)
    assert list(chunks([], 100)) == []


def test_a_run_name_fits_a_database():
    assert fit_run_name("short") == "short"
    assert fit_run_name("x" * 300) == "x" * 247 + "..."
