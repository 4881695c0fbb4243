"""Own what MLflow is told of the data: a dataset for each part, by name, digest and schema."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from iovalence.data.schema import Kind, SourceFile, TableSchema
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import hash_of

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

DIGEST_LENGTH = 36
MAX_SCHEMA = 1_000_000
MAX_SOURCE = 65_535
MAX_SOURCE_FILES = 100
WHOLE = "model/model.json"
MLFLOW_TYPES: dict[Kind, str] = {
    "numeric": "double",
    "boolean": "boolean",
    "categorical": "string",
    "datetime": "datetime",
    "text": "string",
    "identifier": "string",
    "unsupported": "string",
}


def dataset_inputs(run: RunFolder) -> "list[DatasetInput]":
    """Return one dataset for each part that was measured; none where the run has no result."""
    from iovalence.models.predictor import ModelRecord

    model = run.model / "model.json"
    if not (model.is_file() and run.metrics.is_file()):
        return []
    schema = ModelRecord.load(model).table
    data_hash = run.manifest().data_hash
    parts = EvaluationResult.load(run.metrics).parts
    return [_input(schema, part.part, part.num_rows, data_hash) for part in parts]


def _input(schema: TableSchema, part: str, num_rows: int, data_hash: str) -> "DatasetInput":
    from mlflow.entities import Dataset, DatasetInput, InputTag

    own = [file for file in schema.files if file.source == part]
    files = own or [file for file in schema.files if file.source == "train"]
    digest = hash_of({"data": data_hash, "part": part, "num_rows": num_rows})
    source, columns = _source(files), _columns(schema)
    profile = {"num_rows": num_rows, "part": part} | _tell(files, source, columns)
    dataset = Dataset(
        name=_name(files, schema),
        digest=digest[:DIGEST_LENGTH],
        source_type="local",
        source=source,
        schema=columns,
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", part)])


def _tell(files: list[SourceFile], source: str, columns: str | None) -> dict[str, str]:
    """Return what is too long for MLflow, and where it is whole."""
    named = len(json.loads(source)["files"])
    left_out = [f"{len(files) - named} of {len(files)} files"] if named < len(files) else []
    left_out += ["the columns"] if columns is None else []
    return {"left_out": f"{' and '.join(left_out)}: see artifact {WHOLE}"} if left_out else {}


def _name(files: list[SourceFile], schema: TableSchema) -> str:
    if not files:
        return schema.target
    path = Path(files[0].path)
    return path.name if len(files) == 1 else path.parent.name


def _source(files: list[SourceFile]) -> str:
    """Return the files as JSON: the first ones alone where all are too long for MLflow."""
    named = [{"path": file.path, "sha256": file.sha256} for file in files[:MAX_SOURCE_FILES]]
    uri = Path(files[0].path if len(files) == 1 else Path(files[0].path).parent) if files else ""
    while True:
        text = json.dumps({"uri": str(uri), "num_files": len(files), "files": named})
        if len(text) <= MAX_SOURCE or not named:
            return text
        named = named[: len(named) // 2]


def _columns(schema: TableSchema) -> str | None:
    columns = [
        {"name": column.name, "type": MLFLOW_TYPES[column.kind], "required": False}
        for column in schema.columns
    ]
    text = json.dumps({"mlflow_colspec": columns})
    return text if len(text) <= MAX_SCHEMA else None
