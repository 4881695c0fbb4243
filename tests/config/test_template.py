"""The template and the JSON Schema are made from the sections, and true of the loader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from iovalence.config.keys import all_keys
from iovalence.config.load import load_config, resolved_yaml
from iovalence.config.model import Config
from iovalence.config.schema import json_schema
from iovalence.config.template import template, write_files
from iovalence.config.yaml_source import read_mapping
from tests.config.conftest import Faults, Load
from tests.config.test_load import PAGE_BLOCKS, configs

CONFIGS = Path(__file__).parents[2] / "configs"
DATA = "data: {train_file: train.csv}\n"


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def read(text: str) -> Any:
    return read_mapping(text.encode(), "config.yaml")[0].unwrap()


def test_the_files_in_configs_are_those_that_the_library_makes(tmp_path: Path) -> None:
    write_files(tmp_path)
    for name in ("template.yaml", "schema.json"):
        again = "write it again: python -m iovalence.config.template"
        assert (CONFIGS / name).read_text() == (tmp_path / name).read_text(), again


def test_the_template_loads_to_every_default(load: Load) -> None:
    assert load(template()) == load(DATA)


def test_the_template_has_every_key_and_no_long_line() -> None:
    written = read(template())
    for key in all_keys():
        found = written
        for part in key.split("."):
            assert part in found, key
            found = found[part]
    assert max(map(len, template().splitlines())) <= 100


def test_every_key_is_described() -> None:
    def walk(schema: dict[str, Any]) -> None:
        for name, field in schema.get("properties", {}).items():
            assert field.get("description"), name

    schema = Config.model_json_schema()
    walk(schema)
    for section in schema["$defs"].values():
        walk(section)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_every_file_in_configs_loads_and_fits_the_schema(path: Path, validator: Any) -> None:
    load_config(path)
    validator.validate(read(path.read_text()))
    assert path.read_text().startswith("# yaml-language-server: $schema=schema.json\n")


@pytest.mark.parametrize("block", [block for block in PAGE_BLOCKS if "data:" not in block])
def test_every_block_of_the_page_fits_the_schema(block: str, validator: Any) -> None:
    validator.validate(read(DATA + block))


@given(config=configs)
def test_any_valid_configuration_fits_the_schema(config: Config) -> None:
    validator = Draft202012Validator(json.loads((CONFIGS / "schema.json").read_text()))
    validator.validate(read(resolved_yaml(config)))


@pytest.mark.parametrize(
    "text",
    [
        "training:\nrun:\ncomments:\n",
        "verbose: no\nquality: {labels: off, duplicates: false, balance: {action: false}}\n",
        "quality: {expectations: [{expect_a: {b: 1}}]}\n",
        "quality: {expectations: {inferred: false}, drift: {action: fail, psi: 0.1}}\n",
        "quality: {expectations: warn, drift: off}\n",
        "quality: {duplicates: {conflicting: fix, near: off, near_tolerance: 0.1}, target: off}\n",
        "quality: {leakage: warn}\n",
        "quality: {leakage: {copies: off, group: fix, target: false, id: fail}}\n",
        "gradient_clip: none\nclass_weights: null\nscheduler:\ntracking: {uri: none}\n",
        "tracking: {tags: {a: 1, b: true}, run_name: 7}\n",
        "class_weights: {0: 1, 1: 2.5}\n",
        "comments: {epochs: a, training.seed: 5, quality.labels: b}\n",
        "run: {threads: 4}\nevaluation: {require: {val_loss: '< 1'}, metrics: [r2]}\n",
        "training: {test_size: 0.2}\nvalidation_split: 0.1\n",
        "preset: balanced\n",
        "batch_size: auto\ntraining: {learning_rate: auto}\n",
        "evaluation: {baseline: [majority, linear, boosting]}\n",
        "evaluation: {baseline: off}\n",
    ],
)
def test_the_schema_takes_every_form_that_the_loader_takes(
    load: Load, text: str, validator: Any
) -> None:
    load(DATA + text)
    validator.validate(read(DATA + text))


@pytest.mark.parametrize(
    "text",
    [
        "epohcs: 5\n",
        "training: {epohcs: 5}\n",
        "epochs: 0\n",
        "training: {epochs: 1.5}\n",
        "optimizer: adamm\n",
        "mixed_precision: maybe\n",
        "training: {model_type: tabm}\n",
        "quality: {labels: {errors: maybe}}\n",
        "quality: {labels: wran}\n",
        "quality: {drift: fix}\n",
        "quality: {drift: {alpha: 0}}\n",
        "quality: {duplicates: {near_tolerance: 0}}\n",
        "quality: {target: fix}\n",
        "quality: {leakage: {traget: warn}}\n",
        "verbose: 1\n",
        "comments: {epohcs: a}\n",
        "evaluation: {require: {test_acuracy: '> 1'}}\n",
        "evaluation: {require: {test_accuracy: '1'}}\n",
        "class_weights: {a: 0}\n",
        "adam_betas: [0.9]\n",
        "preset: quick\n",
        "run: {threads: many}\n",
        "layers: 64\n",
        "evaluation: {baseline: [boostin]}\n",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(
    faults: Faults, text: str, validator: Any
) -> None:
    assert faults(DATA + text)
    assert not validator.is_valid(read(DATA + text))
