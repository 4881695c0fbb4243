"""What is wrong with a configuration is told in one line each, all at once."""

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.config.keys import all_keys
from iovalence.config.load import load_config
from iovalence.config.model import Config
from iovalence.errors import ConfigError, ExitStatus
from tests.config.conftest import Faults, Load

DATA = "data: {train_file: train.csv}\n"


def test_all_faults_are_told_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    text = (
        "data:\n  train_file: a.csv\n  test_size: 2\ntraining:\n  optimizer: adamm\n"
        "  learning_rate: -0.1\n  seed: 1\n  seed: 2\n  model_type: tabm\nbatchsize: 3\n"
        "comments: {epoch: x}\nrun: {threads: many}\n"
    )
    assert faults(text, "dropout=1") == (
        "data.test_size must be < 1, got 2 (config.yaml:3)",
        "training.optimizer must be one of sgd, momentum, adam, adamw, rmsprop, got adamm "
        "(config.yaml:5); did you mean adam?",
        "training.learning_rate must be > 0 or auto, got -0.1 (config.yaml:6)",
        "training.seed must be written once, got it at config.yaml:7 and again (config.yaml:8); "
        "keep one",
        "training.model_type: tabm is not built yet (config.yaml:9); use another value or leave "
        "it out",
        "batchsize is not a key (config.yaml:10); did you mean training.batch_size?",
        "comments must name keys, got epoch (config.yaml:11); did you mean training.epochs?",
        "run.threads must be auto or a whole number, got many (config.yaml:12)",
        "training.dropout must be < 1, got 1 (--set)",
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("epochs: 0", "training.epochs must be >= 1, got 0 (config.yaml:2)"),
        ("epochs: 1e9", "training.epochs must be a whole number, got 1e9 (config.yaml:2)"),
        ("epochs: '20'", "training.epochs must be a whole number, got '20' (config.yaml:2)"),
        ("epochs: true", "training.epochs must be a whole number, got true (config.yaml:2)"),
        ("epochs:", "training.epochs must be a whole number, got nothing (config.yaml:2)"),
        ("epochs: ~", "training.epochs must be a whole number, got ~ (config.yaml:2)"),
        ("epochs:\n  - 1", "training.epochs must be a whole number, got a list (config.yaml:2)"),
        ("epochs: " + "9" * 5000, "training.epochs must be a whole number, got " + "9" * 59
            + "… (config.yaml:2)"),
        ("learning_rate: 0", "training.learning_rate must be > 0 or auto, got 0 (config.yaml:2)"),
        ("learning_rate: .nan", "training.learning_rate must be a finite number or auto, got .nan "
            "(config.yaml:2)"),
        ("learning_rate: .inf", "training.learning_rate must be a finite number or auto, got .inf "
            "(config.yaml:2)"),
        ("learning_rate: 20%", "training.learning_rate must be a number or auto, got 20% "
            "(config.yaml:2)"),
        ("learning_rate: atuo", "training.learning_rate must be a number or auto, got atuo "
            "(config.yaml:2); did you mean auto?"),
        ("batch_size: 0", "training.batch_size must be >= 1 or auto, got 0 (config.yaml:2)"),
        ("dropout: .inf", "training.dropout must be < 1, got .inf (config.yaml:2)"),
        ("min_delta: .nan", "training.min_delta must be a finite number, got .nan (config.yaml:2)"),
        ("verbose: 1", "training.verbose must be true or false, got 1 (config.yaml:2)"),
        ("verbose: yess", "training.verbose must be true or false, got yess (config.yaml:2)"),
        ("scheduler: cosine", "training.scheduler must be one of none, step, cosine_annealing, "
            "plateau, one_cycle, got cosine (config.yaml:2); did you mean cosine_annealing?"),
        ("optimizer: Adam", "training.optimizer must be one of sgd, momentum, adam, adamw, "
            "rmsprop, got Adam (config.yaml:2); did you mean adam?"),
        ("layers: 64", "training.layers must be a list, as [a, b], got 64 (config.yaml:2)"),
        ("layers:\n- 8\n- 0", "training.layers item 2 must be >= 1, got 0 (config.yaml:4)"),
        ("layers: [8, '8']", "training.layers item 2 must be a whole number, got '8' "
            "(config.yaml:2)"),
        ("adam_betas: [0.9]", "training.adam_betas must be a longer list, got [0.9] "
            "(config.yaml:2)"),
        ("adam_betas: [0, 0, 0]", "training.adam_betas must be a list of at most 2, got [0, 0, 0] "
            "(config.yaml:2)"),
        ("class_weights: balance", "training.class_weights must be one of none, balanced or a "
            "mapping of keys to values, got balance (config.yaml:2); did you mean balanced?"),
        ("class_weights:\n  a: 1\n  b: 0", "training.class_weights.b must be > 0, got 0 "
            "(config.yaml:4)"),
        ("warmup_epochs: 30", "training.warmup_epochs must be < epochs (30), got 30 "
            "(config.yaml:2)"),
        ("training: fast", "training must be a mapping of keys to values, got fast "
            "(config.yaml:2)"),
        ("run: {threads: 0}", "run.threads must be auto or >= 1, got 0 (config.yaml:2)"),
        ("run: {workspace: ''}", "run.workspace must be a text that is not empty, got '' "
            "(config.yaml:2)"),
        ('run: {workspace: "a\\0"}', "run.workspace must be a path, which holds no NUL, got "
            '"a\\0" (config.yaml:2)'),
        ("run: {workspace: ~nobody-of-this-name}", "run.workspace must be a folder that can be "
            "found, got ~nobody-of-this-name (config.yaml); Could not determine home directory."),
        ("quality: {labels: wran}", "quality.labels must be one of off, warn, fix, fail, got wran "
            "(config.yaml:2); did you mean warn?"),
        ("quality: {duplicates: 5}", "quality.duplicates must be one of off, warn, fix, fail, "
            "got 5 (config.yaml:2)"),
        ("quality: {drift: true}", "quality.drift must be one of off, warn, fail, "
            "got true (config.yaml:2)"),
        ("quality: off", "quality must be a mapping of keys to values, got off (config.yaml:2); "
            "give each check its action, as quality: {labels: off, balance: fix}"),
        ("quality: {balance: {max_ratio: 0.5}}", "quality.balance.max_ratio must be >= 1, got 0.5 "
            "(config.yaml:2)"),
        ("quality: {expectations: [5]}", "quality.expectations item 1 must be a mapping of keys to "
            "values, got 5 (config.yaml:2)"),
        ("evaluation: {metrics: [acc]}", "evaluation.metrics item 1 must be one of loss, accuracy, "
            "balanced_accuracy, macro_f1, roc_auc, pr_auc, log_loss, expected_calibration_error, "
            "rmse, mae, r2, got acc (config.yaml:2); did you mean accuracy?"),
        ("evaluation: {require: {test_acuracy: '> 0'}}", "evaluation.require must name metrics "
            "that begin with train_final_, val_, test_, got test_acuracy (config.yaml:2); did you "
            "mean test_accuracy?"),
        ("evaluation: {require: {xyz: '> 0'}}", "evaluation.require must name metrics "
            "that begin with train_final_, val_, test_, got xyz (config.yaml:2); as test_accuracy"),
        ("evaluation: {require: {test_loss: 0.5}}", "evaluation.require.test_loss must be a "
            'comparison with a number, as ">= 0.85", got 0.5 (config.yaml:2)'),
        ("evaluation: {require: {test_loss: '> -'}}", "evaluation.require.test_loss must be a "
            "comparison with a number, as \">= 0.85\", got '> -' (config.yaml:2)"),
        ("tracking: {tags: {a: [1]}}", "tracking.tags.a must be a text, got [1] (config.yaml:2)"),
        ("comments: [a]", "comments must be a text or a mapping of keys to values, got [a] "
            "(config.yaml:2)"),
        ("preset: quick", "preset must be one of quick_prototype, balanced, production, "
            "limited_data, got quick (config.yaml:2); did you mean quick_prototype?"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_line(faults: Faults, text: str, fault: str) -> None:
    assert faults(DATA + text + "\n") == (fault,)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("{}", "data.train_file must be given, got nothing (config.yaml:1); "
            "name the file of the table, or give --set data.train_file=..."),
        ("{train_file: ''}", "data.train_file must be a text that is not empty, got '' "
            "(config.yaml:1); name the file of the table, or give --set data.train_file=..."),
        ("{train_file: }", "data.train_file must be a text, got nothing (config.yaml:1); "
            "name the file of the table, or give --set data.train_file=..."),
        ("train.csv", "data must be a mapping of keys to values, got train.csv (config.yaml:1); "
            "write data: {train_file: ...}, or give --set data.train_file=..."),
        ("{train_file: a, delimiter: ab}", "data.delimiter must be one ASCII character, "
            r'and no quote or line break, got ab (config.yaml:1); a tab is "\t", in double quotes'),
        ("{train_file: a, features: age}", "data.features must be a list, as [a, b], got age "
            "(config.yaml:1)"),
        ("{train_file: a, split: none}", "data.split must be one of random, stratified, group, "
            "time, hash, got none "
            "(config.yaml:1)"),
        ("{train_file: a, test_size: 0.5, validation_split: 0.5}", "data.validation_split and "
            "test_size must sum to less than 1, got 1 (config.yaml:1)"),
        ("{train_file: a, task: regression, positive_class: b}", "data.positive_class must be left "
            "out of a regression, got one (config.yaml:1)"),
        ("{train_file: a, task: regression, split: stratified}", "data.split must be random for a "
            "regression, got stratified (config.yaml:1)"),
        ("{train_file: a, split: group}", "data.group must name a column for split: group, got "
            "nothing (config.yaml:1)"),
        ("{train_file: a, split: time, group: g}", "data.time must name a column for split: time, "
            "got nothing (config.yaml:1)"),
        ("{train_file: a, group: g, features: [g]}", "data.features must not hold a column of "
            "group, got 'g' (config.yaml:1)"),
        ("{train_file: a, time: g, group: g}", "data.time must be another column than group, got "
            "'g' (config.yaml:1)"),
        ("{train_file: a, target: t, id: t}", "data.id must be another column than target, got 't' "
            "(config.yaml:1)"),
        ("{train_file: a, target: t, exclude: [t]}", "data.target must not be a column of exclude, "
            "got 't' (config.yaml:1)"),
        ("{train_file: a, target: t, features: [t]}", "data.features must not hold a column of "
            "target, got 't' (config.yaml:1)"),
        ("{train_file: a, exclude: [t], features: [t]}", "data.features must not hold a column of "
            "exclude, got 't' (config.yaml:1)"),
        ("{train_file: a, column_names: [t, t]}", "data.column_names must name each column once, "
            "got 't' twice (config.yaml:1)"),
    ],
)  # fmt: skip
def test_a_wrong_data_section_is_one_line(faults: Faults, data: str, fault: str) -> None:
    assert faults(f"data: {data}\n") == (fault,)


def test_without_data_the_file_itself_is_the_place(faults: Faults) -> None:
    assert faults("epochs: 5\n") == (
        "data must be given, got nothing (config.yaml); "
        "write data: {train_file: ...}, or give --set data.train_file=...",
    )


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("batchsize: 3", "batchsize is not a key (config.yaml:2); "
            "did you mean training.batch_size?"),
        ("lr: 3", "lr is not a key (config.yaml:2); did you mean training.learning_rate?"),
        ("trainning: {}", "trainning is not a key (config.yaml:2); did you mean training?"),
        ("training: {dropuot: 0}", "training.dropuot is not a key (config.yaml:2); "
            "did you mean training.dropout?"),
        ("training: {target: y}", "training.target is not a key (config.yaml:2); "
            "target belongs under data"),
        ("run: {epochs: 5}", "run.epochs is not a key (config.yaml:2); "
            "epochs belongs under training"),
        ("quality: {rare: fix}", "quality.rare is not a key (config.yaml:2); "
            "rare belongs under quality.labels"),
        ("run: {xqzw: 5}", "run.xqzw is not a key (config.yaml:2); "
            "the keys here are workspace, threads, workers, engine, keep_data"),
        ("xqzw: {a: 5}", "xqzw is not a key (config.yaml:2); the keys here are preset, comments, "
            "data, quality, training, evaluation, tracking, run"),
        ("'a\\nb': 1", "a\\nb is not a key (config.yaml:2); the keys here are preset, comments, "
            "data, quality, training, evaluation, tracking, run"),
    ],
)  # fmt: skip
def test_an_unknown_key_says_which_one_was_meant(faults: Faults, text: str, advice: str) -> None:
    assert faults(DATA + text + "\n") == (advice,)


def test_a_conflict_is_told_beside_other_faults(faults: Faults) -> None:
    text = "data:\n  test_size: 0.9\n  validation_split: 0.2\nepochs: x\n"
    assert [fault.split(" must")[0] for fault in faults(text)] == [
        "data.train_file",
        "data.validation_split and test_size",
        "training.epochs",
    ]


def test_no_conflict_is_told_with_the_default_in_the_place_of_a_fault(faults: Faults) -> None:
    assert len(faults(DATA + "epochs: many\nwarmup_epochs: 40\n")) == 1


def test_a_configuration_error_ends_with_status_2_and_survives_pickling(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be a file") as caught:
        load_config(tmp_path / "no.yaml")
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, ConfigError)
    assert (again.status, again.faults) == (ExitStatus.INPUT, caught.value.args[0:1])


def test_what_was_found_is_shown_on_one_line_and_cut(faults: Faults) -> None:
    fault = faults(DATA + "epochs: |\n  one\n  two\n" + "  long\n" * 50)[0]
    assert fault.startswith("training.epochs must be a whole number, got | one two long long")
    assert len(fault) < 130


def test_two_values_for_one_key_name_both_places(faults: Faults) -> None:
    text = (
        "epochs: 5\ndata:\n  train_file: a\n  test_size: 0.1\n"
        "training:\n  epochs: 6\n  test_size: 0.2\n"
    )
    assert faults(text) == (
        "training.epochs must have one value, got 5 (config.yaml:1) and 6 (config.yaml:6); "
        "keep one",
        "data.test_size must have one value, got 0.1 (config.yaml:4) and 0.2 (config.yaml:7); "
        "keep one",
    )


def test_a_number_is_no_switch_when_two_places_are_compared(faults: Faults) -> None:
    text = DATA + "verbose: true\ntraining: {verbose: 1}\n"
    assert "training.verbose must have one value" in " ".join(faults(text))


def test_a_key_at_the_top_level_beside_a_section_that_is_none_is_no_crash(load: Load) -> None:
    with pytest.raises(ConfigError, match="training must be a mapping"):
        load(DATA + "training: 5\nepochs: 3\ntest_size: 0.1\n")


KEYS = st.sampled_from([*all_keys(), *(key.split(".")[-1] for key in all_keys()), "no_key", "a.b"])
WRITTEN = st.sampled_from(
    ["none", "null", "~", "off", "auto", "1", "-1", "0.5", ".nan", ".inf", "[1, 2]", "{a: 1}",
     "[[1]]", "'x'", "*a", "!x y", "fix", "a.csv", "{exact: fix}", "[{a: {b: 1}}]", "'\udcff'",
     "http://u:p@h"]
)  # fmt: skip


@given(
    text=st.text(st.sampled_from(" \n-:[]{}#&*!|>'\"%@ab1.0,?<=~\t\0"))
    | st.lists(st.tuples(st.sampled_from(list(Config.model_fields)), WRITTEN)).map(
        lambda pairs: "\n".join(f"{key}: {value}" for key, value in pairs)
    ),
    overrides=st.lists(st.tuples(KEYS, WRITTEN).map("=".join) | st.text(max_size=9), max_size=5),
)
def test_whatever_is_written_is_a_configuration_or_faults_of_one_line(
    tmp_path_factory: pytest.TempPathFactory, text: str, overrides: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, errors="replace")
    told = ""
    try:
        load_config(path, overrides)
    except ConfigError as err:
        told = str(err)
    assert all(line.isprintable() and len(line) < 600 for line in told.split("\n"))
    assert "u:p@h" not in told
