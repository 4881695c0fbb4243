from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer

from flows.quickstart import CONFIG_NAME, TABLE_NAME, make_table, write_files
from iovalence.config.load import load_config
from iovalence.errors import ConfigError


def test_the_configuration_is_valid_and_names_the_table(tmp_path: Path) -> None:
    write_files(tmp_path)
    loaded = load_config(tmp_path / CONFIG_NAME)
    assert (loaded.base / loaded.config.data.train_file).is_file()
    assert loaded.workspace == tmp_path / ".iovalence"


def test_the_table_is_scikit_learns_with_readable_names() -> None:
    lines = make_table().splitlines()
    assert lines[0].startswith("mean_radius,mean_texture,")
    assert lines[0].endswith(",diagnosis")
    assert len(lines) == 570
    data = load_breast_cancer().data
    assert [float(cell) for cell in lines[569].split(",")[:-1]] == data[568].tolist()
    assert {line.rsplit(",")[-1] for line in lines[1:]} == {"malignant", "benign"}


def test_files_are_written_once_and_what_the_user_changed_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert all(line.startswith("wrote ") for line in write_files(folder))
    assert all(line.startswith("found ") for line in write_files(folder))
    (folder / CONFIG_NAME).write_text("mine")
    table, config = write_files(folder)
    assert table == f"found {folder / TABLE_NAME}"
    assert config == (
        f"kept {folder / CONFIG_NAME}, which differs from the example's; remove it to get that one"
    )
    assert (folder / CONFIG_NAME).read_text() == "mine"


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"DIR must be a folder, got a file \(.*file\)"):
        write_files(tmp_path / "file")
