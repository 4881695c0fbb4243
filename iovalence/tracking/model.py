"""Own the model in MLflow: saved as code and weights, with signature and example; registered."""

import re
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from iovalence import __version__
from iovalence.data.encodings import Encoding
from iovalence.data.schema import TableSchema
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import hash_file

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

    from iovalence.models.predictor import ModelRecord

FOLDER = "model"
WEIGHTS_TAG = "iovalence.weights_sha256"
CODE = Path(__file__).with_name("pyfunc_model.py")
EXAMPLE = {
    "artifact_path": "input_example.json",
    "serving_input_path": "serving_input_example.json",
    "type": "dataframe",
    "pandas_orient": "split",
}
PACKAGES = ("mlflow", "torch", "numpy", "pandas", "pyarrow", "safetensors")


def publish_model(
    client: "MlflowClient", run: RunFolder, experiment_id: str, mlflow_run_id: str, name: str
) -> str:
    """Send the run's model, or finish sending it, and return MLflow's id of it.

    It is an artifact of the run, `runs:/<id>/model`, and one of MLflow's models beside the run.

    Args:
        client: Of the tracking store.
        run: The run; it has a model.
        experiment_id: MLflow's id of the experiment.
        mlflow_run_id: MLflow's id of the run.
        name: Of the experiment.
    """
    from mlflow.entities import LoggedModelOutput

    sent = hash_file(run.model / "weights.safetensors")
    page = client.search_logged_models(
        [experiment_id], filter_string=f"source_run_id = '{mlflow_run_id}'"
    )
    found = next((model for model in page if model.tags.get(WEIGHTS_TAG) == sent), None)
    if found is not None and found.status == "READY":
        return str(found.model_id)
    model = found or client.create_logged_model(
        experiment_id,
        name=model_name(name),
        source_run_id=mlflow_run_id,
        tags={WEIGHTS_TAG: sent},
        model_type="iovalence",
    )
    if model.model_id not in _outputs(client, mlflow_run_id):
        # MLflow takes an output once: to say it again is an error.
        client.log_outputs(mlflow_run_id, [LoggedModelOutput(model.model_id, step=0)])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / FOLDER
        wrap_model(run, folder, model.model_id, mlflow_run_id)
        client.log_artifacts(mlflow_run_id, str(folder), FOLDER)
        client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    return str(model.model_id)


def _outputs(client: "MlflowClient", mlflow_run_id: str) -> set[str]:
    """Return MLflow's ids of the models that a run has already."""
    outputs = client.get_run(mlflow_run_id).outputs
    return set() if outputs is None else {model.model_id for model in outputs.model_outputs}


def model_name(experiment: str) -> str:
    """Return the name of an experiment's models, with what MLflow takes in one.

    Never `model` alone: MLflow would mix its files with those of the run's own folder.
    """
    return re.sub(r"[/:.%\"']", "-", experiment) + "-model"


def wrap_model(run: RunFolder, folder: Path, model_id: str, mlflow_run_id: str) -> None:
    """Write the run's model into `folder` so that MLflow loads it: no pickle, no network.

    `mlflow.pyfunc.save_model` would do the same, and take a second longer: it looks through all
    packages that are installed.
    """
    from iovalence.models.predictor import ModelRecord

    shutil.copytree(run.model, folder)
    shutil.copyfile(CODE, folder / CODE.name)
    record = ModelRecord.load(run.model / "model.json")
    _write_requirements(folder, run.manifest().versions)
    _write_example(folder, input_example(record))
    with warnings.catch_warnings():
        # MLflow warns of types in its own modules as they are imported.
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        from mlflow.models import Model
    model = Model(
        run_id=mlflow_run_id,
        model_id=model_id,
        model_uuid=model_id,
        signature=model_signature(
            record.table, record.preprocessing.classes, sequences=record.takes_sequences
        ),
        saved_input_example_info=EXAMPLE,
        metadata={"iovalence.run_id": run.run_id, "columns": _kinds(record.table)},
    )
    mlflow.pyfunc.add_to_model(
        model,
        loader_module="mlflow.pyfunc.loaders.code_model",
        model_code_path=CODE.name,
        conda_env="conda.yaml",
        python_env="python_env.yaml",
        artifacts={"model": {"path": ".", "uri": FOLDER}},
    )
    model.save(str(folder / "MLmodel"))


def _write_requirements(folder: Path, versions: Mapping[str, str]) -> None:
    """Write what the model needs, in the three forms that MLflow reads."""
    import yaml

    # A local version, as torch's 2.13.0+cpu, is found on no index.
    pinned = [f"{name}=={versions[name].split('+')[0]}" for name in PACKAGES if name in versions]
    required = [f"iovalence=={__version__}", *pinned]
    python = versions["python"]
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": required}],
    }
    environment = {"python": python, "dependencies": ["-r requirements.txt"]}
    (folder / "requirements.txt").write_text("\n".join(required) + "\n")
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda))
    (folder / "python_env.yaml").write_text(yaml.safe_dump(environment))


def _write_example(folder: Path, example: "pd.DataFrame") -> None:
    text = example.to_json(orient="split", index=False, date_format="iso", force_ascii=False)
    (folder / EXAMPLE["artifact_path"]).write_text(text)
    (folder / EXAMPLE["serving_input_path"]).write_text(f'{{"dataframe_split": {text}}}')


def _kinds(schema: TableSchema) -> dict[str, str]:
    return {column.name: column.kind for column in schema.columns if column.role == "feature"}


def model_signature(
    schema: TableSchema, classes: tuple[str, ...] | None, *, sequences: bool = False
) -> "ModelSignature":
    """Return what the model takes and gives, for MLflow.

    The columns of the input are named and required, their types left open: MLflow would refuse
    whole numbers where the train file had fractions, and texts that are dates. The model itself
    types each value by the kind of its column, which stands in the metadata, and refuses what
    does not fit.

    Args:
        schema: Columns of the table it was trained on.
        classes: Its classes, or None for regression.
        sequences: Whether it predicts for sequences: then it takes group and time too.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    features, outputs = schema.names("feature"), []
    if sequences:
        features = (*schema.names("group"), *schema.names("time"), *features)
        names = (*schema.names("group"), "num_rows")
        types = (DataType.string, DataType.long)
        outputs += [ColSpec(kind, name) for kind, name in zip(types, names, strict=True)]
    outputs += [ColSpec(DataType.string if classes else DataType.double, "prediction")]
    outputs += [ColSpec(DataType.double, f"prob_{name}") for name in classes or ()]
    inputs = Schema([ColSpec(AnyType(), name) for name in features]) if features else None
    return ModelSignature(inputs, Schema(outputs))


def input_example(record: "ModelRecord") -> "pd.DataFrame":
    """Return a made-up row, or sequence: medians and known categories, never rows of the data."""
    import pandas as pd

    values = {encoding.column: [_typical(encoding)] for encoding in record.preprocessing.columns}
    if record.takes_sequences:
        values = {name: 2 * some for name, some in values.items()}
        values = _typical_sequence(record.table) | values
    return pd.DataFrame(values)


def _typical_sequence(schema: TableSchema) -> dict[str, list[object]]:
    """Return group and time of two made-up rows of one sequence."""
    import pandas as pd

    (group,), (time,) = schema.names("group"), schema.names("time")
    column = schema.column(time)
    times: list[object] = [1, 2]
    if column.kind == "datetime":
        days = [pd.Timestamp(2020, 1, day) for day in (1, 2)]
        form = column.time_format
        times = [*days] if form is None else [day.strftime(form) for day in days]
    return {group: ["1", "1"], time: times}


def _typical(encoding: Encoding) -> object:
    import pandas as pd

    if encoding.kind == "numeric":
        return encoding.scale.centre
    if encoding.kind == "boolean":
        return True
    if encoding.kind == "datetime":
        return pd.Timestamp(encoding.scale.centre, unit="s").floor("s")
    return encoding.values[0] if encoding.values else None


def register_model(client: "MlflowClient", name: str, model_id: str, mlflow_run_id: str) -> str:
    """Return the version of the model in the registry, made when it is not there."""
    from mlflow.exceptions import MlflowException

    source = client.get_logged_model(model_id).artifact_location
    known = client.search_model_versions(f"name = '{name}' AND run_id = '{mlflow_run_id}'")
    same = [version for version in known if version.source == source]
    if same:
        return str(same[0].version)
    try:
        client.create_registered_model(name)
    except MlflowException as err:
        if err.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # Not `models:/<id>`: a database would look that up in the store of the environment.
    version = client.create_model_version(name, source, run_id=mlflow_run_id, model_id=model_id)
    return str(version.version)
