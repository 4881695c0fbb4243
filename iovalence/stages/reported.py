"""Own the report as a stage: gather from the run's folder what the page says."""

from collections import Counter

from pydantic import BaseModel

from iovalence.atomic import write_text
from iovalence.config.load import LoadedConfig
from iovalence.config.model import Config
from iovalence.data.ingest import load_table
from iovalence.data.preprocessing import Preprocessing
from iovalence.evaluation.curves import Curves
from iovalence.evaluation.mistakes import Mistakes
from iovalence.evaluation.result import EvaluationResult
from iovalence.quality.checks import QualityReport
from iovalence.quality.examples import show_rows
from iovalence.reporting.context import ReportContext
from iovalence.reporting.report import render_report
from iovalence.reporting.verdicts import describe_verdicts
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages.diagnosed import load_diagnosis
from iovalence.stages.effects import load_effects
from iovalence.stages.evaluated import read_history
from iovalence.stages.explained import load_importance
from iovalence.stages.opened import timing
from iovalence.stages.trained import TrainingResult


def report_stage(
    loaded: LoadedConfig, run: RunFolder, ingested: StageOutput, result: EvaluationResult
) -> None:
    """Write report.html: one file that needs no network."""
    with timing(run, "report"):
        context = _gather(loaded, run, ingested, result)
    # The page shows what each stage cost, this one's gathering included.
    write_text(run.report, render_report(context))


def _gather(
    loaded: LoadedConfig, run: RunFolder, ingested: StageOutput, result: EvaluationResult
) -> ReportContext:
    quality = QualityReport.load(run.quality)
    trained, table = TrainingResult.load(run.training), load_table(ingested.folder)
    removed: Counter[str] = Counter()
    for counts in quality.counts:
        removed.update(counts.removed)
    mistakes = Mistakes.load(run.mistakes) if run.mistakes.is_file() else None
    return ReportContext(
        manifest=run.manifest().model_copy(update={"status": "FINISHED"}),
        schema=table.schema.without_features(quality.left_out),
        findings=quality.findings,
        settings=loaded.config.model_dump(mode="json", exclude={"comments", "preset"}),
        evaluation=result,
        effects=load_effects(run),
        diagnosis=describe_verdicts(load_diagnosis(run)),
        importance=load_importance(run),
        curves=Curves.load(run.curves) if run.curves.is_file() else None,
        mistakes=mistakes,
        rows=show_rows(table, mistakes.rows) if mistakes else {},
        given=given_keys(loaded.config),
        part_rows={part.part: part.num_rows for part in result.parts},
        removed_rows=dict(removed),
        history=read_history(run),
        kept_epoch=trained.kept_epoch,
        pictures={path.stem: path.read_text("utf-8") for path in run.pictures.glob("*.svg")},
        shown_metrics=loaded.config.evaluation.metrics,
        num_parameters=trained.num_parameters,
        findings_page=run.quality_page.name if run.quality_page.is_file() else "",
        num_features=len(Preprocessing.load(run.preprocessing).feature_names),
    )


def given_keys(config: Config) -> frozenset[str]:
    """Return the keys that were given, as `training.epochs`, by the file, its preset or --set."""
    sections = ((name, getattr(config, name)) for name in type(config).model_fields)
    return frozenset(
        f"{name}.{key}"
        for name, section in sections
        if isinstance(section, BaseModel)
        for key in section.model_fields_set
    )
