"""Own what a report is made of; how any of it is said or drawn it refuses to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from iovalence.data.schema import TableSchema
from iovalence.evaluation.curves import Curves
from iovalence.evaluation.effects import Effects
from iovalence.evaluation.importance import Importance
from iovalence.evaluation.mistakes import Mistakes
from iovalence.evaluation.result import EvaluationResult
from iovalence.quality.examples import ShownRow
from iovalence.quality.findings import Finding, RowNumber, Severity
from iovalence.runs.manifest import Manifest

PART_LABELS = {"train": "Train", "validation": "Validation", "test": "Test"}
MAX_ROWS = 30


@dataclass(frozen=True, kw_only=True)
class Step:
    """Say one thing to try.

    Attributes:
        text: In words.
        change: What to put into the configuration, as YAML; empty where no setting does it.
    """

    text: str
    change: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Say one thing about how training went, with what it rests on and what to try.

    Attributes:
        title: Its name, as `Overfitting`.
        sentence: What happened and why, in one sentence.
        severity: How grave it is; `info` where the model is hardly worse for it.
        evidence: The numbers it rests on, a line each.
        advice: What to try, the first first.
    """

    title: str
    sentence: str
    severity: Severity = "warning"
    evidence: tuple[str, ...] = ()
    advice: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReportContext:
    """Hold all that a report is made of.

    Attributes:
        manifest: What made the run.
        schema: What the table holds.
        findings: What the checks of the data found.
        settings: The resolved configuration: for each section, its keys and values.
        evaluation: The figures; None for a run that did not get so far.
        diagnosis: What is to be said of how training went, the gravest first; the first one
            that is more than an `info` has the page's first sentence.
        effects: What the fixes of the data changed; None where nothing was to be said.
        importance: Which columns the model leans on; None where it was not measured.
        curves: What charts of the main part are drawn of; None where there is nothing.
        mistakes: The rows that the model is most wrong about; None where they are not known.
        rows: Values of these rows.
        given: Settings that the user gave, by full name, as `training.epochs`; the others have
            their defaults.
        part_rows: Rows of each part by its name.
        removed_rows: For each reason, how many rows left the data.
        history: The figures of each epoch, by the journal's names, with `epoch` from 1.
        kept_epoch: Epoch whose weights are the model.
        pictures: For each further picture by name, its SVG.
        shown_metrics: Metrics to show, by name without the part; None for all.
        num_parameters: Numbers that the model learned.
        num_features: Numbers that the model takes for one row.
        findings_page: Name of the page of the checks beside the report; empty for none.
    """

    manifest: Manifest
    schema: TableSchema
    findings: tuple[Finding, ...]
    settings: Mapping[str, Mapping[str, Any]]
    evaluation: EvaluationResult | None = None
    diagnosis: tuple[Verdict, ...] = ()
    effects: Effects | None = None
    importance: Importance | None = None
    curves: Curves | None = None
    mistakes: Mistakes | None = None
    rows: Mapping[RowNumber, ShownRow] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    part_rows: Mapping[str, int] = field(default_factory=dict)
    removed_rows: Mapping[str, int] = field(default_factory=dict)
    history: Sequence[Mapping[str, float]] = ()
    kept_epoch: int | None = None
    pictures: Mapping[str, str] = field(default_factory=dict)
    shown_metrics: tuple[str, ...] | None = None
    num_parameters: int | None = None
    num_features: int | None = None
    findings_page: str = ""
