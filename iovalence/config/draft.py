"""Own the first configuration for a table: what was found in it, explained, ready to train."""

from collections.abc import Iterator, Sequence
from textwrap import indent

from iovalence.config.template import comment, key_lines
from iovalence.config.yaml_text import Quoted, inline, to_yaml
from iovalence.data.schema import Column, TableSchema
from iovalence.data.section import DataSection
from iovalence.training.section import TrainingSection

MAX_COLUMNS = 100

_TRAINING_KEYS = (
    "layers",
    "activation",
    "dropout",
    "l2_regularization",
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "scheduler",
    "early_stopping",
    "patience",
    "seed",
)

_TRAINING_HEAD = """\
# How it is trained: these are the defaults. Take the # away before a key and before
# training to change it, or start from a preset:
# preset: balanced
"""


def draft_config(
    schema: TableSchema, data_file: str, *, column_names: Sequence[str] | None = None
) -> str:
    """Return a commented configuration for a table, as YAML that loads as it stands.

    Args:
        schema: What was found in the table.
        data_file: The table's path, relative to where the configuration will be.
        column_names: The names that were given for a file without a header.
    """
    return "\n".join(
        [
            _head(schema, data_file),
            _data(schema, data_file, column_names),
            _training(),
            _comments(),
        ]
    )


def _head(schema: TableSchema, data_file: str) -> str:
    found = f"{sum(schema.num_rows):,} rows and {len(schema.columns):,} columns"
    return comment(f"A first configuration for {data_file}: {found}.", "") + comment(
        "Look at what was found, then run it: iovalence train, with the name of this file.", ""
    )


def _data(schema: TableSchema, data_file: str, column_names: Sequence[str] | None) -> str:
    lines = ["data:\n", f"  train_file: {inline(data_file)}\n"]
    if column_names:
        lines.append(indent(to_yaml({"column_names": list(column_names)}), "  "))
    lines.append("\n" + comment("What is predicted", "  "))
    lines.append(f"  target: {_name(schema.target)}\n")
    lines.append(f"  task: {schema.task}\n" + comment(f"why: {schema.task_reason}", "  ", "  "))
    lines.append("\n" + _columns(schema))
    split = "stratified" if schema.task == "classification" else "random"
    for key, value in (("validation_split", 0.15), ("test_size", 0.15), ("split", split)):
        lines.append("\n" + key_lines(DataSection, key, value, "  "))
    return "".join(lines)


def _columns(schema: TableSchema) -> str:
    """Return what each column is as comments, and the keys that give columns a meaning."""
    listed = schema.columns[:MAX_COLUMNS]
    lines = [comment("The columns, as they were found; name those to leave out in exclude:", "  ")]
    lines += [comment(_describe(column), "  ", "  ") for column in listed]
    if len(schema.columns) > len(listed):
        lines.append(comment(f"and {len(schema.columns) - len(listed):,} more", "  ", "  "))
    lines += [comment(f"note: {note}", "  ", "  ") for note in schema.notes]
    for key, role in (("id", "id"), ("group", "group"), ("time", "time"), ("weight", "weight")):
        lines += [
            f"  {key}: {_name(column.name)}\n" for column in schema.columns if column.role == role
        ]
    excluded = [column.name for column in schema.columns if column.role == "excluded"]
    return "".join(lines) + f"  exclude: {inline(excluded)}\n"


def _name(name: str) -> str:
    return inline(Quoted(name) if name == "none" else name)


def _describe(column: Column) -> str:
    words = {"left_out": "left out by itself", "excluded": "left out"}
    role = words.get(column.role, column.role)
    reason = f": {column.reason}" if column.reason else ""
    return f"{inline(column.name)}: {column.kind}, {role}{reason}"


def _training() -> str:
    section = TrainingSection()
    keys = [
        key_lines(TrainingSection, key, section.model_dump(mode="json")[key], "  ")
        for key in _TRAINING_KEYS
    ]
    commented = "".join(f"# {line}".rstrip() + "\n" for line in _training_lines(keys))
    return f"{_TRAINING_HEAD}{commented}"


def _training_lines(keys: Sequence[str]) -> Iterator[str]:
    yield "training:"
    for key in keys:
        yield from key.splitlines()


def _comments() -> str:
    why = "Why these values: a text, or the reason for any key; shown beside the result"
    return comment(why, "") + "# comments: a rate of 0.01 made the loss jump\n"
