"""Own the stages that are kept in the stage store and done once for the same input.

Each names all that decides its result, and writes files into a folder of its own.
"""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iovalence import __version__
from iovalence.atomic import scratch_folder
from iovalence.config.load import LoadedConfig
from iovalence.data.files import fingerprint
from iovalence.data.ingest import ingest, load_table, read_plain
from iovalence.data.prepared import open_array, prepare
from iovalence.data.schema import SOURCES, Source
from iovalence.data.section import DataSection
from iovalence.data.sequences import Sequences, find_sequences
from iovalence.data.table import Table
from iovalence.quality.checks import CheckedRows, check_rows
from iovalence.quality.comparison import Accepted, compare_table
from iovalence.quality.findings import Finding
from iovalence.quality.parts import CheckedParts, check_parts
from iovalence.quality.profile import Profile, build_profile
from iovalence.quality.review_file import hash_review
from iovalence.quality.sequences import check_sequences, in_sequences
from iovalence.runs.store import StageOutput, StageStore, hash_of, store_folder
from iovalence.splitting.findings import check_split
from iovalence.splitting.sequences import split_sequences
from iovalence.splitting.split import save_split, split_rows
from iovalence.trials.suspects import check_label_errors, skip_label_errors

STAGE_VERSION = 6
SPLIT_ALONE = ("validation_split", "test_size", "split", "split_seed")
"""Keys of `data` that reading the files does not depend on."""
REVIEW = "review.csv"


def stage_store(loaded: LoadedConfig) -> StageStore:
    """Return the store of the workspace."""
    return StageStore(store_folder(loaded.workspace))


def ingest_stage(loaded: LoadedConfig) -> StageOutput:
    """Read the files into one typed table.

    Raises:
        DataError: A file is missing, cannot be read, or is not a table with such columns.
    """
    section = loaded.config.data
    files = fingerprint(section, loaded.base)
    how = section.model_dump(mode="json", exclude={*SPLIT_ALONE})
    inputs = {
        "version": [STAGE_VERSION, __version__],
        "files": [file.model_dump(mode="json") for file in files],
        "data": how,
    }
    return stage_store(loaded).produce(
        "table", inputs, lambda folder: ingest(section, loaded.base, folder)
    )


def check_stage(loaded: LoadedConfig, ingested: StageOutput) -> StageOutput:
    """Check the rows and decide which of them leave.

    Raises:
        DataError: Too little is left to learn from, or the review file does not fit the table.
    """
    review = review_file(loaded)
    config = loaded.config
    num_parts = num_parts_split(loaded)
    weighted = config.training.class_weights != "none"
    find_near = config.quality.leakage.copies != "off"
    inputs = {
        "version": [STAGE_VERSION, __version__],
        "table": ingested.key,
        "quality": config.quality.model_dump(mode="json", exclude={"leakage"}),
        "num_parts_split": num_parts,
        "class_weights_given": weighted,
        "review": None if review is None else hash_review(review),
        "find_near": find_near,
        # All stages after this one are named by it too.
        "sequences": has_sequences(loaded) and [config.training.max_sequence_length],
    }

    plain = partial(read_plain, config.data, loaded.base)

    def write(folder: Path) -> None:
        if has_sequences(loaded):
            check_sequences(
                load_table(ingested.folder),
                config.quality,
                num_parts_split=num_parts,
                class_weights_given=weighted,
                max_length=config.training.max_sequence_length,
                read_plain=plain,
            ).save(folder)
            return
        check_rows(
            load_table(ingested.folder),
            config.quality,
            num_parts_split=num_parts,
            class_weights_given=weighted,
            find_near=find_near,
            review_file=review,
            read_plain=plain,
        ).save(folder)
        if review is not None:
            shutil.copyfile(review, folder / REVIEW)

    return stage_store(loaded).produce("checks", inputs, write)


def has_sequences(loaded: LoadedConfig) -> bool:
    """Say whether the model takes sequences of rows, and not single ones."""
    return loaded.config.training.model_type == "rnn"


def _sequences(loaded: LoadedConfig, table: Table, stays: NDArray[np.bool_]) -> Sequences | None:
    """Return the sequences of the rows that stay, bool (N,), where rows are sequences."""
    return find_sequences(table).keep(stays) if has_sequences(loaded) else None


def profile_stage(loaded: LoadedConfig, ingested: StageOutput) -> StageOutput:
    """Note what is to be remembered of the table."""
    inputs = {"version": [STAGE_VERSION, __version__], "table": ingested.key}

    def write(folder: Path) -> None:
        build_profile(load_table(ingested.folder)).save(folder / "profile.json")

    return stage_store(loaded).produce("profile", inputs, write)


def compare_stage(
    loaded: LoadedConfig, ingested: StageOutput, profiled: StageOutput, accepted: Accepted
) -> StageOutput:
    """Compare the table with that of the last accepted run."""
    quality = loaded.config.quality
    inputs = {
        "version": [STAGE_VERSION, __version__],
        "profile": profiled.key,
        "accepted": hash_of(accepted.model_dump(mode="json")),
        "inferred": quality.expectations.inferred,
        "drift": quality.drift.model_dump(mode="json"),
    }

    def write(folder: Path) -> None:
        table, profile = (
            load_table(ingested.folder),
            Profile.load(profiled.folder / "profile.json"),
        )
        compare_table(table, profile, accepted, quality).save(folder / "comparison.json")
        accepted.save(folder / "accepted.json")

    return stage_store(loaded).produce("comparison", inputs, write)


def review_file(loaded: LoadedConfig) -> Path | None:
    """Return the file of what a person decided about labels, or None."""
    name = loaded.config.quality.labels.review_file
    return None if name is None else loaded.base / name


def suspect_stage(loaded: LoadedConfig, ingested: StageOutput, checked: StageOutput) -> StageOutput:
    """Look for rows of the train file whose label the others contradict."""
    action, seed = loaded.config.quality.labels.errors, data_seed(loaded)
    inputs = {
        "version": [STAGE_VERSION, __version__],
        "checks": checked.key,
        "action": action,
        "seed": seed,
    }

    def write(folder: Path) -> None:
        table, rows = load_table(ingested.folder), CheckedRows.load(checked.folder)
        if has_sequences(loaded):
            skip_label_errors(rows, action).save(folder)
            return
        with scratch_folder(folder, "rows") as scratch:
            check_label_errors(table, rows, action, seed, scratch).save(folder)

    return stage_store(loaded).produce("suspects", inputs, write)


def data_seed(loaded: LoadedConfig) -> int:
    """Return the seed of what is chosen by chance before training: the split, trials of labels."""
    seed = loaded.config.data.split_seed
    return loaded.config.training.seed if seed is None else seed


def asked_parts(loaded: LoadedConfig) -> tuple[Source, ...]:
    """Return the parts that the run has: those given as files, and those split off."""
    data = loaded.config.data
    has_validation = data.validation_file is not None or data.validation_split > 0
    has_test = data.test_file is not None or data.test_size > 0
    there = zip(SOURCES, (True, has_validation, has_test), strict=True)
    return tuple(part for part, is_there in there if is_there)


def num_parts_split(loaded: LoadedConfig) -> int:
    """Return how many parts the train file is split into: 1 to 3."""
    data = loaded.config.data
    given = (data.validation_file is not None) + (data.test_file is not None)
    return len(asked_parts(loaded)) - given


def split_stage(loaded: LoadedConfig, ingested: StageOutput, checked: StageOutput) -> StageOutput:
    """Assign each row that stayed to a part.

    Raises:
        DataError: There are too few rows for the parts that are asked for.
    """
    data, seed = loaded.config.data, data_seed(loaded)
    inputs = {
        "version": [STAGE_VERSION, __version__],
        "checks": checked.key,
        "split": [data.split, data.validation_split, data.test_size],
        "seed": seed,
    }

    def write(folder: Path) -> None:
        table, rows = load_table(ingested.folder), CheckedRows.load(checked.folder)
        sequences = _sequences(loaded, table, rows.keep)
        part = (
            split_rows(table, rows, data, seed)
            if sequences is None
            else split_sequences(table, rows, data, seed, sequences)
        )
        np.save(folder / "part.npy", part)

    return stage_store(loaded).produce("split", inputs, write)


def part_stage(
    loaded: LoadedConfig, ingested: StageOutput, checked: StageOutput, split: StageOutput
) -> StageOutput:
    """Check what the split made, and decide which rows and columns leave because of it.

    Raises:
        DataError: Nothing is left of a part, of the train part's classes, or of the features.
    """
    data, leakage = loaded.config.data, loaded.config.quality.leakage
    inputs = {
        "version": [STAGE_VERSION, __version__],
        "split": split.key,
        "leakage": leakage.model_dump(mode="json"),
    }

    def write(folder: Path) -> None:
        table, rows = load_table(ingested.folder), CheckedRows.load(checked.folder)
        part = np.array(open_array(split.folder / "part.npy"))
        sequences = _sequences(loaded, table, rows.keep)
        found = _check_split(table, rows, part, data, sequences)
        in_order = data.split == "time"
        parts = check_parts(
            table, rows, part, leakage, found=found, in_order=in_order, sequences=sequences
        )
        parts.save(folder)
        save_split(folder / "split.parquet", table, parts.part)

    return stage_store(loaded).produce("parts", inputs, write)


def _check_split(
    table: Table,
    rows: CheckedRows,
    part: NDArray[np.int8],
    data: DataSection,
    sequences: Sequences | None,
) -> tuple[Finding, ...]:
    """Report how far the split is from what was asked, a sequence counted once."""
    if sequences is None:
        return check_split(table, rows, part, data)
    once = np.where(sequences.mark_last(table.num_rows), part, np.int8(-1))
    return tuple(in_sequences(check_split(table, rows, once, data)))


def prepare_stage(
    loaded: LoadedConfig, ingested: StageOutput, checked: StageOutput, parted: StageOutput
) -> StageOutput:
    """Fit the preprocessing on the train part and encode all rows.

    Raises:
        DataError: No feature is left, or `data.positive_class` names no class.
    """
    positive = loaded.config.data.positive_class
    inputs = {
        "version": [STAGE_VERSION, __version__],
        "parts": parted.key,
        "positive_class": positive,
    }

    def write(folder: Path) -> None:
        target, parts = CheckedRows.load(checked.folder).target, CheckedParts.load(parted.folder)
        table = load_table(ingested.folder).without_features(parts.report.left_out)
        stays = parts.part >= 0
        sequences = _sequences(loaded, table, stays)
        prepare(table, stays, target, parts.part, positive, folder, sequences)

    return stage_store(loaded).produce("prepared", inputs, write)
