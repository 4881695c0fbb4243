"""Own the report of a run: one HTML file that needs no network, no script and no other file.

Here is what the page consists of; `report.html.j2` is how it looks.
"""

from typing import Any

from markupsafe import Markup

from iovalence.evaluation.pictures import inline_svg
from iovalence.evaluation.result import EvaluationResult
from iovalence.evaluation.wording import describe_loss
from iovalence.reporting.charts import draw_learning, list_charts
from iovalence.reporting.context import MAX_ROWS, PART_LABELS, ReportContext
from iovalence.reporting.data_section import describe_data, describe_effect, list_findings
from iovalence.reporting.explanation import describe_importance, describe_mistakes
from iovalence.reporting.figures import (
    bound_classes,
    by_importance,
    label_baselines,
    list_metrics,
    list_requirements,
    list_slices,
)
from iovalence.reporting.headline import list_bars, title_bars, write_headline, write_verdict
from iovalence.reporting.matrix import show_matrix
from iovalence.reporting.origin import (
    describe_training,
    general_comment,
    list_commands,
    list_settings,
)
from iovalence.reporting.pages import render_page

CAPTIONS = {
    "learning_rate": "The sweep that chose the learning rate, before training: the train loss as "
    "the rate rises from step to step. Where it falls fast the network learns; where it rises "
    "again the rate is too high. The broken line is the rate that was taken.",
}


def render_report(context: ReportContext) -> str:
    """Return the report as one HTML page."""
    return render_page("report.html.j2", _describe(context))


def _describe(context: ReportContext) -> dict[str, Any]:
    """Return what the template shows, by name."""
    effects = context.effects.effects if context.effects else ()
    result, verdict, headline = context.evaluation, write_verdict(context), write_headline(context)
    return {
        "run": context.manifest,
        "schema": context.schema,
        "part_labels": PART_LABELS,
        "max_rows": MAX_ROWS,
        "verdict": verdict,
        "headline": "" if headline == verdict else headline,
        "diagnosis": context.diagnosis,
        "result": result,
        "figures": None if result is None else _describe_figures(context, result),
        "learning": draw_learning(context.history, context.kept_epoch),
        "pictures": _list_pictures(context),
        "importance": describe_importance(context.importance),
        "mistakes": describe_mistakes(context),
        "findings": list(list_findings(context.findings)),
        "effects": [describe_effect(effect) for effect in effects],
        "findings_page": context.findings_page,
        "data": describe_data(context),
        "general_comment": general_comment(context.manifest.comments),
        "settings": list(list_settings(context)),
        "training": describe_training(context),
        "commands": list_commands(context.manifest),
    }


def _describe_figures(context: ReportContext, result: EvaluationResult) -> dict[str, Any]:
    """Return what is shown of a result: bars, tables and charts."""
    part = result.main_part
    return {
        "bars": list(list_bars(result)),
        "bars_title": title_bars(result),
        "better_baseline": describe_loss(result.contest),
        "requirements": list(list_requirements(result)),
        "metrics": list(list_metrics(result, context.shown_metrics)),
        "parts": by_importance(result),
        "baselines": label_baselines(result),
        "charts": list_charts(result, context.curves),
        "matrix": None if part.confusion_matrix is None else show_matrix(part.confusion_matrix),
        "classes": bound_classes(part),
        "slices": list(list_slices(part)),
    }


def _list_pictures(context: ReportContext) -> list[dict[str, str]]:
    return [
        {
            "caption": caption,
            # Ours, with every name in it escaped by matplotlib.
            "svg": Markup(inline_svg(name, context.pictures[name], caption)),
        }
        for name, caption in CAPTIONS.items()
        if name in context.pictures
    ]
