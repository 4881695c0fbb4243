"""Own what MLflow is told of a run besides figures: parameters, tags and a note."""

import getpass
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from iovalence.errors import StorageError
from iovalence.evaluation.result import EvaluationResult, Figure
from iovalence.evaluation.wording import describe_loss
from iovalence.runs.choices import AUTO, AUTO_KEYS
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Manifest
from iovalence.runs.sweep import SweepFolder
from iovalence.tracking.findings import name_findings, name_verdicts, warn_of_data
from iovalence.tracking.limits import (
    MAX_NAME,
    MAX_PARAMETER,
    NOTE_TAG,
    Texts,
    fit_names,
    fit_run_name,
    list_names,
    shorten,
    shorten_tags,
)
from iovalence.tracking.record import Target
from iovalence.tracking.store import shown

NUM_HEADLINE = 4
RUN_ID_TAG = "iovalence.run_id"
_NAME = re.compile(rf"[\w\-. :/]{{1,{MAX_NAME}}}", re.ASCII)


def describe_parameters(run: RunFolder) -> Texts:
    """Return every key of the resolved configuration by its dotted name.

    A key that is `auto` and becomes a number is that number, and not there before it is known:
    MLflow's parameters cannot change.

    Raises:
        StorageError: The resolved configuration or the manifest cannot be read.
    """
    values = {key: shown(value) for key, value in flatten(read_config(run))}
    values.pop("comments", None)
    choices = run.manifest().choices
    for key in [key for key in AUTO_KEYS if values.get(key) == AUTO]:
        del values[key]
        if key in choices:
            values[key] = f"{choices[key].value:g}"
    return shorten(values, MAX_PARAMETER, "parameters")


def read_config(run: RunFolder | SweepFolder) -> dict[str, Any]:
    """Return the resolved configuration as plain values.

    Raises:
        StorageError: It cannot be read.
    """
    import yaml

    path = run.config_resolved
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise StorageError(
            f"the resolved configuration must be readable, got '{err}' ({path})"
        ) from err
    return found if isinstance(found, dict) else {}


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value as text with its dotted name.

    A mapping whose keys MLflow does not take as names, such as classes, is one value as JSON.
    """
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and name != "comments" and _are_names(value, name):
            yield from flatten(value, f"{name}.")
        else:
            yield name, _as_text(value)


def _are_names(values: Mapping[Any, Any], prefix: str) -> bool:
    return all(_NAME.fullmatch(f"{prefix}.{key}") for key in values)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def describe_run(
    run: RunFolder, manifest: Manifest, target: Target, artifacts: Sequence[str] = ()
) -> Texts:
    """Return the run's tags: its note, what made it, and the user's own.

    Args:
        run: The run.
        manifest: What it recorded.
        target: Where it is shown.
        artifacts: Those that hold what did not fit into parameters, which the note names.
    """
    note = write_note(run, manifest, with_failure=target.rows != "none")
    names = fit_names(target.tags)
    renamed = list_names(names)
    tags = {
        **{names[key]: value for key, value in target.tags.items()},
        RUN_ID_TAG: run.run_id,
        "iovalence.config_hash": manifest.config_hash,
        "iovalence.data_hash": manifest.data_hash,
        "iovalence.version": manifest.iovalence_version,
        "iovalence.device": manifest.device,
        "iovalence.threads": manifest.threads,
        "iovalence.git_commit": manifest.git_commit,
        "iovalence.flow_run_id": manifest.flow_run_id,
        "iovalence.sweep_id": manifest.sweep_id,
        "iovalence.advised_for": manifest.advised_for,
        "iovalence.compared_with": manifest.compared_with,
        **name_findings(run),
        **name_verdicts(run),
        **{f"iovalence.auto.{key}": choice.reason for key, choice in manifest.choices.items()},
        "mlflow.source.name": f"iovalence {'sweep' if manifest.sweep_id else 'train'}",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": manifest.git_commit and manifest.git_commit.rstrip("+"),
        "mlflow.user": _user(),
        NOTE_TAG: note,
    }
    known = {key: str(value) for key, value in tags.items() if value is not None}
    texts = shorten_tags(known, (*artifacts, *renamed))
    return Texts(texts.short, texts.long | renamed)


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run under a number that has no name.
        return None


def write_note(run: RunFolder, manifest: Manifest, *, with_failure: bool = True) -> str:
    """Return what a person reads first, as Markdown: the result, the failure, the comments."""
    parts = [_headline(run), f"Run `{run.run_id}` of IOValence {manifest.iovalence_version}"]
    if manifest.run_name and fit_run_name(manifest.run_name) != manifest.run_name:
        parts.append(f"Name: {_escape(manifest.run_name)}")
    if manifest.failure:
        lines = manifest.failure if with_failure else ("why is noted in the run's folder",)
        parts.append("\n".join(["**Failed**", "", *(f"- {_escape(line)}" for line in lines)]))
    parts.append(warn_of_data(run))
    if isinstance(manifest.comments, str) and manifest.comments:
        parts.append(manifest.comments)
    elif manifest.comments:
        reasons = [f"- `{key}`: {reason}" for key, reason in manifest.comments.items()]
        parts.append("\n".join(reasons))
    return "\n\n".join(part for part in parts if part)


def _headline(run: RunFolder) -> str:
    if not run.metrics.is_file():
        return ""
    result = EvaluationResult.load(run.metrics)
    part = result.main_part
    # The loss says least to a person who reads no other run beside it.
    names = sorted(part.metrics, key="loss".__eq__)[:NUM_HEADLINE]
    figures = [_figure(f"{part.prefix}_{name}", part.metrics[name]) for name in names]
    unmet = [f"**Not reached:** {_escape(line)}" for line in result.unmet]
    better = describe_loss(result.contest)
    wrong_tool = [f"{better[:1].upper()}{better[1:]}."] if better else []
    return "\n\n".join([", ".join(figures), *unmet, *wrong_tool])


def _figure(name: str, figure: Figure) -> str:
    known = figure.low is not None and figure.high is not None
    return f"**{name} {figure.value:.4g}**" + (
        f" ({figure.low:.4g} to {figure.high:.4g})" if known else ""
    )


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text)
