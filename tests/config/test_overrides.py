"""The command line's `--set` beats the file, and its faults name it."""

import pytest

from tests.config.conftest import Faults, Load

DATA = "data: {train_file: train.csv}\n"


@pytest.mark.parametrize("file", ["epochs: 5\n", "training: {epochs: 5}\n", ""])
@pytest.mark.parametrize("key", ["epochs", "training.epochs", " epochs "])
def test_an_override_beats_the_file_wherever_it_wrote_the_key(
    load: Load, file: str, key: str
) -> None:
    assert load(DATA + file, f"{key}=7").training.epochs == 7


@pytest.mark.parametrize("key", ["test_size", "training.test_size", "data.test_size"])
def test_the_split_may_be_overridden_by_all_its_names(load: Load, key: str) -> None:
    assert load(DATA + "training: {test_size: 0.2}\n", f"{key}=0.3").data.test_size == 0.3


def test_an_override_replaces_a_wrong_value(load: Load) -> None:
    assert load(DATA + "epochs: -5\n", "epochs=5").training.epochs == 5


def test_an_override_beats_the_preset(load: Load) -> None:
    training = load(DATA, "preset=production", "epochs=3").training
    assert (training.epochs, training.patience) == (3, 10)


def test_a_number_of_the_preset_can_be_left_to_the_program(load: Load) -> None:
    training = load(DATA, "preset=production", "training.learning_rate=auto").training
    assert (training.learning_rate, training.batch_size) == ("auto", 16)


def test_the_last_override_of_a_key_wins(load: Load) -> None:
    assert load(DATA, "epochs=3", "training.epochs=4").training.epochs == 4


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("data.train_file=*.csv", "*.csv"),
        ("data.train_file=a=b.csv", "a=b.csv"),
        ("data.train_file='a: b.csv'", "a: b.csv"),
        ("data.train_file=@x", "@x"),
        ("data.train_file=#1.csv", "#1.csv"),
        ("data.train_file= 7 ", "7"),
    ],
)
def test_a_value_that_the_shell_has_bared_is_taken_as_it_stands(
    load: Load, override: str, value: str
) -> None:
    assert load("epochs: 5\n", override).data.train_file == value


def test_values_are_yaml(load: Load) -> None:
    config = load(
        DATA,
        "layers=[16, 8]",
        "learning_rate=1e-2",
        "verbose=off",
        "data.delimiter=,",
        "evaluation.require.test_accuracy=>= 0.9",
        "class_weights={no: 1, yes: 2}",
    )
    assert config.training.layers == (16, 8)
    assert (config.training.learning_rate, config.training.verbose) == (0.01, False)
    assert config.data.delimiter == ","
    assert config.evaluation.require == {"test_accuracy": ">= 0.9"}
    assert config.training.class_weights == {"no": 1.0, "yes": 2.0}


def test_an_empty_value_unsets(load: Load) -> None:
    text = DATA + "tracking: {run_name: a}\ncomments: b\nclass_weights: balanced\n"
    config = load(text, "tracking.run_name=", "comments=", "class_weights=")
    assert config.tracking.run_name is None
    assert (config.comments, config.training.class_weights) == ("", "none")


def test_a_comment_on_one_key_joins_the_others(load: Load) -> None:
    config = load(DATA + "comments: {seed: a}\n", "comments.training.epochs=b c", "comments.run=d")
    assert config.comments == {"seed": "a", "training.epochs": "b c", "run": "d"}


def test_a_tag_may_hold_dots(load: Load) -> None:
    assert load(DATA, "tracking.tags.a.b=1").tracking.tags == {"a.b": "1"}


def test_a_part_of_a_check_leaves_the_short_form_for_the_others(load: Load) -> None:
    labels = load(DATA + "quality: {labels: fail}\n", "quality.labels.rare=warn").quality.labels
    assert (labels.missing, labels.spelling, labels.rare) == ("fail", "fail", "warn")


def test_an_action_of_expectations_leaves_those_declared(load: Load) -> None:
    text = DATA + "quality: {expectations: [{a: {b: 1}}]}\n"
    found = load(text, "quality.expectations.action=warn").quality.expectations
    assert (found.action, found.declared) == ("warn", ({"a": {"b": 1}},))


@pytest.mark.parametrize(
    ("text", "override", "kept"),
    [
        ("expectations: [{a: {b: 1}}]", "expectations=warn", {"declared": ({"a": {"b": 1}},)}),
        (
            "expectations: {declared: [{a: {}}]}",
            "expectations=off",
            {"declared": ({"a": {}},), "inferred": "off"},
        ),
        ("drift: {psi: 0.3, alpha: 0.1, action: fail}", "drift=warn", {"psi": 0.3, "alpha": 0.1}),
        ("balance: {max_ratio: 3}", "balance=fix", {"max_ratio": 3.0, "action": "fix"}),
        ("target: {max_share: 0.5}", "target=off", {"max_share": 0.5, "action": "off"}),
        ("duplicates: {near_tolerance: 0.1}", "duplicates=fail", {"near_tolerance": 0.1}),
        (
            "labels: {errors: fix, review_file: r.csv}",
            "labels=fail",
            {"review_file": "r.csv", "missing": "fail", "errors": "fail"},
        ),
    ],
)
def test_one_action_over_a_check_leaves_its_other_keys(
    load: Load, text: str, override: str, kept: dict[str, object]
) -> None:
    quality = load(DATA + f"quality: {{{text}}}\n", f"quality.{override}").quality
    section = getattr(quality, override.partition("=")[0]).model_dump()
    assert {key: section[key] for key in kept} == kept


def test_a_list_of_expectations_leaves_their_actions(load: Load) -> None:
    text = DATA + "quality: {expectations: {action: warn, declared: [{a: {}}]}}\n"
    found = load(text, "quality.expectations=[{b: {}}]").quality.expectations
    assert (found.action, found.declared) == ("warn", ({"b": {}},))


def test_one_action_of_expectations_is_for_the_inferred_ones_too(load: Load) -> None:
    found = load(DATA + "quality: {expectations: fail, drift: off}\n").quality
    assert (found.expectations.action, found.expectations.inferred) == ("fail", "fail")
    assert (found.drift.action, found.drift.psi, found.drift.alpha) == ("off", 0.2, 0.01)
    found = load(DATA + "quality: {expectations: [{a: {b: 1}}]}\n").quality
    assert (found.expectations.action, found.expectations.inferred) == ("fail", "warn")


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("epochs", "--set must be KEY=VALUE, as training.epochs=20, got 'epochs' (--set)"),
        ("=5", "--set must be KEY=VALUE, as training.epochs=20, got '=5' (--set)"),
        ("a..b=5", "--set must be KEY=VALUE, as training.epochs=20, got 'a..b=5' (--set)"),
        ("a.b=\udcff", "--set must be UTF-8 text, got 'a.b=\ufffd' (--set)"),
        ("\udcff=1", "--set must be UTF-8 text, got '\ufffd=1' (--set)"),
        ("epochs=0", "training.epochs must be >= 1, got 0 (--set)"),
        ("epochs.x=0", "training.epochs must be a whole number, got a mapping (--set)"),
        ("layers=[1", "layers must be valid YAML, got [1 (--set)"),
        ("layers=[]]", "layers must be valid YAML, got []] (--set)"),
        ("tracking.tags={a: 1, a: 2}", "a must be written once, got it at --set and again (--set); "
            "keep one"),
        ("epocs=5", "epocs is not a key (--set); did you mean training.epochs?"),
        ("foo.bar=5", "foo is not a key (--set); the keys here are preset, comments, data, "
            "quality, training, evaluation, tracking, run"),
        ("training=", None),
        ("run=x", "run must be a mapping of keys to values, got x (--set)"),
        ("comments.epohcs=5", "comments must name keys, got epohcs (--set); "
            "did you mean training.epochs?"),
        ("class_weights.yes=2", "training.class_weights.yes must stand in a mapping, got "
            "training.class_weights: balanced (config.yaml:2); set training.class_weights whole "
            "(--set)"),
    ],
)  # fmt: skip
def test_a_wrong_override_names_set_as_its_place(
    faults: Faults, load: Load, override: str, fault: str | None
) -> None:
    text = DATA + "class_weights: balanced\n"
    if fault is None:
        assert load(text, override).training.class_weights == "none"
    else:
        assert faults(text, override) == (fault,)


def test_the_faults_of_all_overrides_are_told_after_those_of_the_file(faults: Faults) -> None:
    found = faults(DATA + "seed: -1\n", "epochs", "dropout=2")
    assert [fault.split(" must")[0] for fault in found] == [
        "training.seed",
        "--set",
        "training.dropout",
    ]
