"""The way from a file to a checked configuration, and back."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from iovalence.config.load import config_hash, load_config, resolved_yaml
from iovalence.config.model import Config
from iovalence.config.yaml_text import to_yaml
from iovalence.data.section import DataSection
from iovalence.errors import ConfigError
from iovalence.evaluation.section import EvaluationSection
from iovalence.quality.section import QualitySection
from iovalence.runs.section import RunSection
from iovalence.tracking.section import TrackingSection
from iovalence.training.section import TrainingSection
from tests.config.conftest import Load

DATA = "data: {train_file: train.csv}\n"

# The values of every block of the page of training basics, short ones at the top level.
PAGE_BLOCKS = [
    "training:\n  epochs: 20\n  early_stopping: true  # stop\n  patience: 5\n",
    "training:\n  optimizer: adam\n  learning_rate: 0.001  # good\n\n  # or\n"
    "  scheduler: cosine_annealing\n",
    "data:\n  train_file: train.csv\n  validation_split: 0.2\n  test_size: 0.2\n",
    "learning_rate: 0.001\n",
    "learning_rate: 0.001\nscheduler: step\nstep_size: 10\ngamma: 0.1\n",
    "optimizer: adam\nlearning_rate: 0.001\n",
    "training:\n  model_type: neural_network\n  layers: [128, 64, 32]\n  activation: relu\n"
    "  epochs: 30\n  batch_size: 32\n  validation_split: 0.2\n  optimizer: adam\n"
    "  learning_rate: 0.001\n  scheduler: cosine_annealing\n  dropout: 0.3\n"
    "  l2_regularization: 0.0001\n  early_stopping: true\n  patience: 5\n  min_delta: 0.001\n"
    "  save_checkpoint: true\n  checkpoint_interval: 5\n  verbose: true\n  seed: 42\n",
    "training:\n  epochs: 5\n  batch_size: 64\n  learning_rate: 0.01\n  # Fast\n",
    "training:\n  epochs: 20\n  batch_size: 32\n  learning_rate: 0.001\n  early_stopping: true\n",
    "training:\n  epochs: 100\n  batch_size: 16\n  learning_rate: 0.001\n"
    "  scheduler: cosine_annealing\n  early_stopping: true\n  patience: 10\n  dropout: 0.3\n",
    "training:\n  epochs: 50\n  batch_size: 16\n  learning_rate: 0.0001\n  dropout: 0.5\n"
    "  l2_regularization: 0.001\n",
    "learning_rate: 0.01\n\nlayers: [256, 128, 64]\n",
    "batch_size: 128\n\nlayers: [64, 32]\n",
    "dropout: 0.5\nl2_regularization: 0.001\n\nlayers: [32, 16]\n\nearly_stopping: true\n"
    "patience: 3\n",
    "seed: 42  # fixed\n",
    "save_checkpoint: true\n",
    'comments: "Testing learning rate 0.01 to improve convergence"\n',
]


@pytest.mark.parametrize("block", PAGE_BLOCKS)
def test_every_block_of_the_page_is_accepted_with_the_data_set(load: Load, block: str) -> None:
    assert load(block, "data.train_file=train.csv").data.train_file == "train.csv"


@pytest.mark.parametrize("block", [block for block in PAGE_BLOCKS if "data:" not in block])
def test_every_block_of_the_page_is_accepted_beside_a_data_section(load: Load, block: str) -> None:
    assert load(DATA + block).data.train_file == "train.csv"


def test_a_file_with_the_table_alone_has_every_default(load: Load) -> None:
    config = load(DATA)
    tracking = TrackingSection(experiment="config")
    assert config == Config(data=DataSection(train_file="train.csv"), tracking=tracking)


def test_keys_of_training_may_stand_at_the_top_level(load: Load) -> None:
    config = load(DATA + "epochs: 7\nlayers: [8]\ntest_size: 0.3\nverbose: no\n")
    assert (config.training.epochs, config.training.layers) == (7, (8,))
    assert (config.data.test_size, config.training.verbose) == (0.3, False)


def test_the_split_may_stand_under_training(load: Load) -> None:
    config = load(DATA + "training: {validation_split: 0.2, test_size: 0}\n")
    assert (config.data.validation_split, config.data.test_size) == (0.2, 0.0)


def test_one_value_in_two_places_is_no_fault(load: Load) -> None:
    text = "data: {train_file: a.csv, test_size: 0.2}\ntest_size: 0.2\ntraining: {test_size: 0.2}\n"
    assert load(text).data.test_size == 0.2


def test_a_section_with_nothing_in_it_is_all_defaults(load: Load) -> None:
    text = DATA + "training:\n  # epochs: 5\nrun:\ncomments:\npreset:\n"
    assert load(text).training == TrainingSection()


def test_what_surrounds_the_configuration_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "income.yaml"
    path.write_bytes(DATA.encode() + b"# caf\xc3\xa9\r\nrun: {workspace: ../runs}\n")
    loaded = load_config(path)
    assert loaded.text == path.read_bytes()
    assert (loaded.path, loaded.base) == (path, tmp_path.resolve())
    assert loaded.workspace == tmp_path.resolve().parent / "runs"
    assert loaded.config.tracking.experiment == "income"


def test_the_experiment_of_the_file_wins_over_its_name(load: Load) -> None:
    assert load(DATA + "tracking: {experiment: trees}\n").tracking.experiment == "trees"


@pytest.mark.parametrize("written", ["null", "none", "~", ""])
def test_null_and_none_leave_what_is_optional_unset(load: Load, written: str) -> None:
    config = load(DATA + f"gradient_clip: {written}\ntracking:\n  uri: {written}\n")
    assert config.training.gradient_clip is None
    assert config.tracking.uri is None


def test_null_means_none_where_none_is_a_choice(load: Load) -> None:
    training = load(DATA + "scheduler: null\nclass_weights:\n").training
    assert (training.scheduler, training.class_weights) == ("none", "none")


@pytest.mark.parametrize("written", ["none", "'none'", '"none"'])
def test_a_class_may_be_called_none(load: Load, written: str) -> None:
    config = load(f"data: {{train_file: a.csv, positive_class: {written}}}")
    assert config.data.positive_class == "none"


def test_a_column_may_be_called_none_in_quotes(load: Load) -> None:
    assert load("data: {train_file: a.csv, target: 'none'}").data.target == "none"


def test_numbers_where_texts_belong_are_the_texts_as_written(load: Load) -> None:
    config = load(
        "data:\n  train_file: a.csv\n  target: 0012\n  positive_class: 1.0\n"
        "  missing_values: [-999, NA, null, .nan, 1e3]\n  features: [1, 2]\n"
        "tracking: {tags: {version: 1.10, debug: true}, run_name: 7}\n"
        "class_weights: {0: 1, yes: 2, true: 0.5}\n"
        "comments: {seed: 42}\n"
    )
    assert (config.data.target, config.data.positive_class) == ("0012", "1.0")
    assert config.data.missing_values == ("-999", "NA", "null", ".nan", "1e3")
    assert config.data.features == ("1", "2")
    assert config.tracking.tags == {"version": "1.10", "debug": "true"}
    assert config.tracking.run_name == "7"
    assert config.training.class_weights == {"0": 1.0, "yes": 2.0, "true": 0.5}
    assert config.comments == {"seed": "42"}


def test_a_whole_number_is_accepted_where_a_number_belongs(load: Load) -> None:
    training = load(DATA + "learning_rate: 1\ngradient_clip: 2\nadam_betas: [0, 0.5]\n").training
    assert (training.learning_rate, training.gradient_clip) == (1.0, 2.0)
    assert training.adam_betas == (0.0, 0.5)


@pytest.mark.parametrize("written", ["false", "no", "off", "No", "OFF"])
def test_a_switch_may_be_written_in_words(load: Load, written: str) -> None:
    assert load(DATA + f"early_stopping: {written}\n").training.early_stopping is False


@pytest.mark.parametrize("written", ["off", "false"])
def test_a_check_may_be_one_action(load: Load, written: str) -> None:
    quality = load(DATA + f"quality: {{labels: {written}, duplicates: {{exact: {written}}}}}\n")
    labels = quality.quality.labels
    assert (labels.missing, labels.spelling, labels.rare) == ("off", "off", "off")
    assert quality.quality.duplicates.exact == "off"


def test_comments_may_name_keys_and_sections(load: Load) -> None:
    text = DATA + "comments: {epochs: a, training.seed: b, quality.labels.rare: c, data: d}\n"
    assert isinstance(load(text).comments, dict)


text = st.text(min_size=1, max_size=8)
path = text.filter(lambda name: "\0" not in name and name[0] != "~")
share = st.floats(0, 0.49)
action = st.sampled_from(["off", "warn", "fix", "fail"])
positive = st.floats(1e-12, 1e6)
fraction = st.floats(0, 0.999)
json_values = st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text()


def optional(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.none() | values


data_sections = st.fixed_dictionaries(
    {"train_file": path},
    optional={
        "validation_file": optional(path),
        "target": optional(st.just("t") | text.filter(lambda name: len(name) < 3)),
        "task": st.none() | st.just("classification"),
        "positive_class": optional(text),
        "exclude": st.lists(text.filter(lambda name: len(name) > 3)).map(tuple),
        "column_names": optional(st.lists(text, min_size=1, unique=True).map(tuple)),
        "missing_values": st.lists(st.text(max_size=5)).map(tuple),
        "delimiter": optional(st.characters(exclude_characters='"\r\n', codec="ascii")),
        "validation_split": share,
        "test_size": share,
        "split": st.sampled_from([None, "random", "stratified"]),
    },
)
quality_sections = st.fixed_dictionaries(
    {},
    optional={
        "duplicates": action
        | st.fixed_dictionaries(
            {"exact": action},
            optional={"conflicting": action, "near": action, "near_tolerance": st.floats(1e-9, 9)},
        ),
        "labels": action | st.fixed_dictionaries({}, optional={"missing": action, "rare": action}),
        "balance": action | st.fixed_dictionaries({"max_ratio": st.floats(1, 1e6)}),
        "expectations": st.lists(
            st.dictionaries(text, st.dictionaries(text, json_values, max_size=2), max_size=2),
            max_size=2,
        )
        | st.fixed_dictionaries({"inferred": st.sampled_from(["off", "warn", "fail"])}),
        "drift": st.sampled_from(["off", "warn", "fail"])
        | st.fixed_dictionaries({"psi": st.floats(0.01, 10), "alpha": st.floats(1e-9, 0.5)}),
    },
)
training_sections = st.fixed_dictionaries(
    {},
    optional={
        "model_type": st.sampled_from(["neural_network", "linear"]),
        "layers": st.lists(st.integers(1, 65536), max_size=4).map(tuple),
        "activation": st.sampled_from(["relu", "gelu"]),
        "dropout": fraction,
        "l2_regularization": st.floats(0, 1e6),
        "epochs": st.integers(1, 10**12),
        "batch_size": st.just("auto") | st.integers(1, 2**31 - 1),
        "learning_rate": st.just("auto") | positive,
        "adam_betas": st.tuples(fraction, fraction),
        "scheduler": st.sampled_from(["none", "one_cycle"]),
        "class_weights": st.sampled_from(["none", "balanced"])
        | st.dictionaries(st.text(max_size=5), positive, max_size=3),
        "gradient_clip": optional(positive),
        "verbose": st.booleans(),
        "seed": st.integers(0, 2**63 - 1),
    },
)
evaluation_sections = st.fixed_dictionaries(
    {},
    optional={
        "metrics": optional(st.lists(st.sampled_from(["accuracy", "rmse"])).map(tuple)),
        "slices": st.lists(text).map(tuple),
        "require": st.dictionaries(
            st.sampled_from(["test_accuracy", "val_loss", "train_final_r2"]),
            st.sampled_from([">= 0.85", "<1e-3", " > -.5 "]),
        ),
        "baseline": st.booleans(),
    },
)
tracking_sections = st.fixed_dictionaries(
    {"experiment": text},
    optional={
        "run_name": optional(text),
        "tags": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
        "rows": st.sampled_from(["none", "numbers", "full"]),
    },
)
run_sections = st.fixed_dictionaries(
    {}, optional={"workspace": path, "threads": st.just("auto") | st.integers(1, 1024)}
)
configs = st.builds(
    Config,
    preset=st.sampled_from([None, "balanced", "production"]),
    comments=st.text() | st.dictionaries(st.sampled_from(["epochs", "data.target"]), st.text()),
    data=data_sections.map(lambda values: DataSection(**values)),
    quality=quality_sections.map(lambda values: QualitySection(**values)),
    training=training_sections.map(lambda values: TrainingSection(**values)),
    evaluation=evaluation_sections.map(lambda values: EvaluationSection(**values)),
    tracking=tracking_sections.map(lambda values: TrackingSection(**values)),
    run=run_sections.map(lambda values: RunSection(**values)),
)


@given(config=configs)
def test_the_resolved_configuration_loads_to_the_same(
    config: Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "resolved.yaml"
    path.write_text(resolved_yaml(config), encoding="utf-8", newline="")
    assert load_config(path).config == config


@given(config=configs)
def test_any_valid_value_is_accepted_as_an_override(config: Config) -> None:
    path = Path(__file__).parents[2] / "configs" / "balanced.yaml"
    values = config.model_dump(mode="json")
    overrides = [f"{name}={to_yaml([values[name]])[1:-2]}" for name in ("training", "quality")]
    loaded = load_config(path, overrides).config
    assert (loaded.training, loaded.quality) == (config.training, config.quality)


def test_a_text_none_is_quoted_where_none_means_null(load: Load) -> None:
    config = load(DATA + "tracking: {run_name: 'none'}\nscheduler: none\n")
    assert 'run_name: "none"' in resolved_yaml(config)
    assert "scheduler: none" in resolved_yaml(config)
    assert load(resolved_yaml(config)) == config


def test_the_hash_is_of_what_decides_the_result(load: Load) -> None:
    plain = config_hash(load(DATA + "epochs: 5\nbatch_size: 64\nlearning_rate: 0.01\n"))
    same = load(
        DATA + "preset: quick_prototype\ncomments: why\nverbose: false\nsave_checkpoint: no\n"
        "tracking: {tags: {a: b}}\nrun: {workspace: elsewhere}\n"
    )
    assert config_hash(same) == plain
    assert len(plain) == 64


@pytest.mark.parametrize(
    "override",
    ["epochs=6", "seed=1", "data.target=y", "quality.labels=fail", "run.threads=1",
     "evaluation.slices=[a]", "device=cpu"],
)  # fmt: skip
def test_the_hash_changes_with_what_decides_the_result(load: Load, override: str) -> None:
    assert config_hash(load(DATA)) != config_hash(load(DATA, override))


def test_loading_imports_nothing_heavy() -> None:
    code = (
        "import sys; import iovalence.config.load, iovalence.config.draft; "
        "print(*{'numpy', 'pandas', 'torch', 'pyarrow', 'mlflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_workspace_that_mlflow_cannot_name_is_refused_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "what?"
    folder.mkdir()
    path = folder / "config.yaml"
    path.write_text("data: {train_file: x.csv}\n")
    with pytest.raises(ConfigError, match=r"run\.workspace must have no '\?' in its path"):
        load_config(path)
    assert load_config(path, ["run.workspace=/elsewhere"]).workspace == Path("/elsewhere")
    assert load_config(path, ["tracking.uri=http://127.0.0.1:5000"]).base == folder
