"""Make what a report is made of, from evaluated runs, without training."""

from dataclasses import replace

from iovalence.data.schema import Column, SourceFile, TableSchema
from iovalence.evaluation.curves import trace_curves
from iovalence.evaluation.importance import ColumnImportance, Importance, Spread
from iovalence.evaluation.mistakes import Mistakes, find_mistakes
from iovalence.quality.findings import Finding, RowNumber
from iovalence.reporting.context import ReportContext
from iovalence.reporting.report import render_report
from iovalence.runs.manifest import Manifest, Process, StageCost
from tests.reporting.pages import Page

EVIL = (
    "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'> \"&<!--/values--> 🚀"
)

MANIFEST = Manifest(
    run_id="20261122-141500-4f2a",
    run_name="first try",
    experiment="cancer",
    status="FINISHED",
    started_at="2026-11-22T14:15:00.000+00:00",
    seconds=185.0,
    process=Process(host="here", pid=1, started=0.0),
    iovalence_version="0.1.0",
    versions={"python": "3.11.7"},
    git_commit="0123abcd",
    hardware={"cpu": "a fast one"},
    device="cpu",
    threads=1,
    seed=42,
    config_hash="c" * 64,
    data_hash="d" * 64,
    stages={"table": StageCost(seconds=0.2, reused=True), "train": StageCost(seconds=2)},
    comments={"learning_rate": "the page's value", "note": "a word & more"},
)
FINDING = Finding(
    check="duplicates.exact",
    severity="info",
    count=2,
    share=0.1,
    message="2 rows are copies",
    rows=(RowNumber(source="train", row=7),),
    done="the first was kept",
    advice="look at them",
)


def describe_table(num_columns=2, task="classification"):
    features = (Column(name=f"f{k}", kind="numeric", role="feature") for k in range(num_columns))
    left_out = Column(name="code", kind="identifier", role="left_out", reason="names the row")
    target = Column(name="diagnosis", kind="categorical", role="target")
    return TableSchema(
        columns=(*features, left_out, target),
        target="diagnosis",
        task=task,
        task_reason="it holds text",
        num_rows=(569, 0, 0),
        files=(SourceFile(path="/x/data.csv", source="train", num_bytes=1234, sha256="a" * 64),),
        notes=("code: left out",),
    )


def describe_run(result, **changes):
    context = ReportContext(
        manifest=MANIFEST,
        schema=describe_table(),
        findings=(FINDING,),
        settings={
            "training": {"learning_rate": 0.001, "early_stopping": True, "layers": [64, 32]},
            "quality": {"labels": {"rare": "warn"}},
        },
        evaluation=result,
        given=frozenset({"training.layers"}),
        part_rows={"train": 400, "test": 167},
        removed_rows={"duplicates.exact": 2},
        history=({"epoch": 1, "epoch_seconds": 0.5}, {"epoch": 2, "epoch_seconds": 0.7}),
        kept_epoch=2,
        num_parameters=12345,
        num_features=30,
    )
    return replace(context, **changes)


def read(context):
    return Page(render_report(context))


def describe_whole(example, num_columns=3, **changes):
    """Return all that a report can show of an evaluated run."""
    schema = describe_table(num_columns, task=example.result.task)
    mistakes = Mistakes(parts=(mistakes_of(example),))
    names = [column.name for column in schema.columns]
    context = describe_run(
        example.result,
        schema=schema,
        history=example.history,
        curves=curves_of(example),
        mistakes=mistakes,
        rows={row: {name: f"{name} of {row}" for name in names} for row in mistakes.rows},
        importance=weigh_columns([f"f{k}" for k in range(num_columns)]),
        findings_page="quality.html",
    )
    return replace(context, **changes)


def curves_of(example):
    result = example.result
    positive = result.positive_class
    index = None if positive is None else result.classes.index(positive)
    part = result.main_part.part
    return trace_curves(part, example.y_true, example.predictions, positive_index=index)


def mistakes_of(example):
    def name_row(at):
        return RowNumber(source="train", row=at + 1)

    part = example.result.main_part.part
    return find_mistakes(part, example.y_true, example.predictions, name_row)


def weigh_columns(names, metrics=("log_loss", "accuracy")):
    """Return columns of falling importance, the last one without any."""
    columns = tuple(
        ColumnImportance(
            name=name,
            worse={
                key: Spread(mean=0.1 * (1 - at / len(names)) - 0.01, spread=0.004)
                for key in metrics
            },
        )
        for at, name in enumerate(names)
    )
    return Importance(
        num_rows=2000, num_repeats=5, metrics=dict.fromkeys(metrics, 0.3), columns=columns
    )
