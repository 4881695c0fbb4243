"""The command `sweep` as people give it: real processes, a real Prefect server, a real store."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from flows.command import main
from flows.quickstart import CONFIG_NAME, write_files
from flows.sweep_summary import summarise_sweep, sweep_rows
from iovalence.runs.folder import RunFolder, list_runs
from iovalence.runs.sweep import list_sweeps
from iovalence.tracking.environment import default_uri
from iovalence.tracking.store import open_store
from tests.flows.test_command import COMMAND, Ended

VARY = ["--vary", "learning_rate=0.01,0.001,1e30", "--set", "optimizer=sgd", "--set", "epochs=40"]
VARY += ["--set", "early_stopping=false", "--set", "checkpoint_interval=1"]


def give(folder: Path, *arguments: str) -> Ended:
    done = subprocess.run(
        [*COMMAND, "sweep", CONFIG_NAME, *arguments], cwd=folder, capture_output=True, text=True
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept")
    write_files(folder)
    return folder


@pytest.fixture(scope="module")
def interrupted(folder: Path) -> Ended:
    """Interrupt a sweep when its first configuration has ended."""
    with subprocess.Popen(
        [*COMMAND, "sweep", CONFIG_NAME, *VARY, "--workers", "1"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        assert child.stdout is not None
        said = ""
        while "1/3" not in said:
            said += child.stderr.readline()
        child.send_signal(signal.SIGTERM)
        out, err = child.stdout.read(), said + child.stderr.read()
    return Ended(child.returncode, out, err)


@pytest.fixture(scope="module")
def resumed(interrupted: Ended, folder: Path) -> Ended:
    return give(folder, *VARY, "--resume", "--json")


def test_an_interruption_is_status_130_and_says_how_to_go_on(interrupted: Ended) -> None:
    assert interrupted.status == 130
    assert "training 3 configurations in 1 process (run.workers is 1)" in interrupted.err
    assert "1/3  val_loss" in interrupted.err
    assert interrupted.err.endswith("error: interrupted\n")
    assert "give the same command with --resume" in interrupted.out


def test_what_goes_on_trains_only_what_is_left(resumed: Ended, folder: Path) -> None:
    assert resumed.status == 0, resumed.err
    assert "going on with sweep" in resumed.err
    assert "1/3" not in resumed.err
    found = json.loads(resumed.out)
    states = [one["state"] for one in found["configurations"]]
    assert states == ["FINISHED", "FINISHED", "FAILED"]
    assert len(list_sweeps(folder / ".iovalence")) == 1
    assert len(list_runs(folder / ".iovalence")) == 3


def test_the_answer_is_one_json_object_with_the_best_run(resumed: Ended) -> None:
    found = json.loads(resumed.out)
    best = found["configurations"][found["ranking"][0] - 1]
    assert found["status"] == "FINISHED"
    assert found["best"]["run_id"] == best["run_id"]
    assert found["best"]["metrics"]["test_accuracy"] > 0.8
    assert found["best"]["metrics"]["val_loss"] == best["metrics"]["val_loss"]


def test_the_best_run_alone_has_a_report_and_figures_of_the_test_part(
    resumed: Ended, folder: Path
) -> None:
    best = json.loads(resumed.out)["best"]["run_id"]
    runs = list_runs(folder / ".iovalence")
    assert [run.run_id for run in runs if run.report.is_file()] == [best]
    assert [run.run_id for run in runs if run.test_predictions.is_file()] == [best]
    assert [run.run_id for run in runs if _has_test_figures(run)] == [best]


def _has_test_figures(run: RunFolder) -> bool:
    return run.metrics.is_file() and '"part": "test"' in run.metrics.read_text()


def test_all_runs_are_under_one_parent_in_mlflow_and_of_one_flow(
    resumed: Ended, folder: Path
) -> None:
    workspace = folder / ".iovalence"
    client = open_store(default_uri(workspace), workspace)
    experiment = client.get_experiment_by_name("breast_cancer")
    runs = client.search_runs([experiment.experiment_id])
    parents = {run.data.tags.get("mlflow.parentRunId") for run in runs} - {None}
    (parent,) = [run for run in runs if run.info.run_id in parents]
    assert len(runs) == 4
    assert {run.info.status for run in runs} == {"FINISHED", "FAILED"}
    assert parent.info.status == "FINISHED"


def test_a_person_reads_the_order_what_failed_and_the_best(resumed: Ended, folder: Path) -> None:
    (sweep,) = list_sweeps(folder / ".iovalence")
    rows = sweep_rows(sweep.record())
    assert [row[0] for row in rows] == ["1", "2", ""]
    lines = "\n".join(summarise_sweep(sweep))
    assert "failed      learning_rate=1e30: the loss must be finite" in lines
    assert "best: learning_rate=" in lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a sweep must vary something, got no --vary"),
        (["--vary", "dropout=2"], "training.dropout must be < 1, got 2 (--vary)"),
        (["--vary", "dropout=0.1..0.2"], "a range needs --random N"),
        (["--vary", "dropout=0.1", "--workers", "0"], "run.workers must be"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    assert main(["sweep", CONFIG_NAME, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
