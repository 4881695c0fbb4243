"""What the README says works: its configuration and its commands, in their order."""

import re
import shlex
from pathlib import Path

import pytest

from flows.command import main
from iovalence.config.load import load_config

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def commands():
    lines = [line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("iovalence")]


def test_the_commands_of_the_readme_end_well(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in commands():
        if command[0] not in ("up", "down"):
            assert main(command) == 0, command
    assert (tmp_path / "predictions.csv").read_text().count("\n") == 570


def test_the_configuration_of_the_readme_is_accepted(tmp_path):
    (text,) = blocks("yaml")
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert load_config(path).config.training.epochs == 20


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_what_the_readme_links_to_is_there(link):
    assert (Path(__file__).parents[1] / link).exists()


def test_the_configuration_of_the_page_on_data_is_accepted(tmp_path):
    text = (Path(__file__).parents[1] / "docs" / "data.md").read_text()
    path = tmp_path / "config.yaml"
    path.write_text(re.findall(r"^```yaml\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)[0])
    assert len(load_config(path).config.quality.expectations.declared) == 2
