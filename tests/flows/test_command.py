import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import typer

from flows import command
from flows.command import app, main, name_newest
from flows.quickstart import CONFIG_NAME, TABLE_NAME, write_files
from flows.summary import summarise
from iovalence import __version__
from iovalence.errors import DataError, GateError, TrackingError, TrainingError
from iovalence.runs.folder import find_run, list_runs
from iovalence.runs.journal import metric_points, read_journal
from tests.terminal import Terminal

HEAVY = ("torch", "pandas", "pyarrow", "mlflow", "great_expectations", "sklearn", "prefect")
LIST_MODULES = f"""
import sys
from flows.command import main
main(["--help"])
main(["train", "--help"])
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
COMMAND = [sys.executable, "-c", "import sys; from flows.command import main; sys.exit(main())"]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Raise, in `iovalence runs`, what a test puts into the list."""
    raised: list[BaseException] = []

    def fail(workspace: object) -> None:
        raise raised[0]

    monkeypatch.setattr("flows.summary.list_summaries", fail)
    monkeypatch.setattr("flows.commands.runs.find_workspace", lambda named: Path())
    return raised


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST_MODULES], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"


def test_every_command_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    names = list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert {
        "quickstart",
        "init",
        "check",
        "train",
        "predict",
        "reproduce",
        "gc",
        "doctor",
        "up",
    } <= set(names)
    for name in names:
        assert main([name, "--help"]) == 0
        assert f"Example: iovalence {name}" in capsys.readouterr().out


def test_every_command_has_an_answer_for_programs() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    without = [
        name
        for name, command in commands.items()
        if "--json" not in [option for parameter in command.params for option in parameter.opts]
    ]
    assert without == []


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_without_arguments_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "quickstart" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "error: missing argument 'CONFIG'; iovalence train --help shows what it"),
        (
            ["train", "--fast"],
            "error: no such option: --fast (Possible options: --set); iovalence train",
        ),
        (["trian"], "error: no such command 'trian'. Did you mean 'train'?; iovalence --help"),
        (["predict", "latest", "x.csv"], "error: missing option '-o' / '--out'; iovalence predict"),
        (["train", "nowhere.yaml"], "error: the configuration must be a file, got none"),
        (["runs", "--workspace", "nowhere"], "error: --workspace must be a folder, got 'nowhere'"),
        (
            ["sweep", "nowhere.yaml", "--by", "val_acc"],
            "error: --by must name a figure of the validation part, got 'val_acc'; did you mean "
            "'val_accuracy'?",
        ),
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
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (DataError("a fault"), 2, "error: a fault\n"),
        (TrackingError("a fault"), 3, "error: a fault\n"),
        (GateError(["one", "two"]), 4, "error: one\nerror: two\n"),
        (TrainingError("a fault"), 5, "error: a fault\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (
            ZeroDivisionError("division\nby zero"),
            1,
            "error: IOValence itself failed: ZeroDivisionError: division by zero; "
            "--debug shows where\n",
        ),
    ],
)
def test_the_exit_status_says_what_kind_of_fault_it_was(
    error: BaseException,
    status: int,
    line: str,
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing.append(error)
    assert main(["runs"]) == status
    assert capsys.readouterr() == ("", line)


def test_debug_shows_the_traceback_anywhere_among_the_arguments(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(ZeroDivisionError("division by zero"))
    assert main(["runs", "--json", "--debug"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_reader_that_has_ended_is_no_fault() -> None:
    with subprocess.Popen(
        [*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 0


def test_telemetry_is_off_in_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: dict[str, str | None] = {}
    monkeypatch.setattr(command, "_run", lambda given: seen.update(os.environ) or 0)
    assert main(["runs"]) == 0
    assert seen["DO_NOT_TRACK"] == "1"
    assert seen["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert seen["GX_ANALYTICS_ENABLED"] == "false"
    assert seen["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


REQUIRE = "evaluation.require={test_accuracy: '>= 1'}"


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    write_files(folder)
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> tuple[Ended, Ended]:
    """Train twice at once without any server; the second asks for more than can be reached."""
    settings = ("--set", "verbose=false", "--set", "epochs=3", "--json")
    children = [
        subprocess.Popen(
            [*COMMAND, "train", CONFIG_NAME, "--run-name", name, *settings, *more],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, more in (("plain", ()), ("strict", ("--set", REQUIRE)))
    ]
    words = [child.communicate() for child in children]
    ended = [Ended(child.returncode, *said) for child, said in zip(children, words, strict=True)]
    return ended[0], ended[1]


def test_a_training_prints_one_json_object_and_nothing_else(trained: tuple[Ended, Ended]) -> None:
    assert trained[0].status == 0
    assert trained[0].err == ""
    found = json.loads(trained[0].out)
    assert found["status"] == "FINISHED"
    assert Path(found["run_dir"]).name == found["run_id"]
    assert found["metrics"]["test_accuracy"] > 0.8


def test_a_requirement_that_is_not_met_is_status_4_and_the_run_is_shown(
    trained: tuple[Ended, Ended],
) -> None:
    assert trained[1].status == 4
    assert trained[1].err.startswith("error: ")
    assert "test_accuracy" in trained[1].err
    assert trained[1].err.count("\n") == 1
    found = json.loads(trained[1].out)
    assert found["status"] == "FAILED"
    assert "test_accuracy must be" in found["failure"][0]
    assert (Path(found["run_dir"]) / "report.html").exists()


@pytest.fixture
def in_trained(trained: object, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def test_runs_are_listed_with_state_data_and_result(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {line["run_name"] for line in found} == {"plain", "strict"}
    states = {line["run_name"]: line["state"] for line in found}
    assert states == {"plain": "FINISHED", "strict": "FAILED"}
    assert {line["data"] for line in found} == {TABLE_NAME}
    assert main(["runs"]) == 0
    out = capsys.readouterr().out
    assert all(line["run_id"] in out and line["result"] in out for line in found)


def test_a_model_is_measured_on_other_rows(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "plain", "--data", TABLE_NAME, "--json"]) == 0
    (part,) = json.loads(capsys.readouterr().out)["parts"]
    assert part["num_rows"] == 569
    assert main(["evaluate", "plain"]) == 0
    assert "Accuracy" in capsys.readouterr().out


def test_rows_from_a_pipe_are_predicted_and_counted_for_a_program(
    in_trained: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    piped = io.TextIOWrapper(io.BytesIO(Path(TABLE_NAME).read_bytes()))
    monkeypatch.setattr("sys.stdin", piped)
    out = tmp_path / "out.csv.gz"
    assert main(["predict", "strict", "-", "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["num_rows"] == len(gzip.decompress(out.read_bytes()).splitlines()) - 1
    assert 0 <= told["num_unlike"] < 0.1 * told["num_rows"]


def test_rows_without_labels_are_described_and_not_measured(
    in_trained: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = list(csv.reader(Path(TABLE_NAME).read_text().splitlines()))
    assert lines[0][-1] == "diagnosis"
    text = "\n".join(",".join(line[:-1]) for line in lines)
    (tmp_path / "unlabelled.csv").write_text(text + "\n")
    assert main(["evaluate", "strict", "--data", str(tmp_path / "unlabelled.csv")]) == 0
    said = capsys.readouterr()
    assert "none with a label: nothing can be measured" in said.out
    assert "malignant" in said.out
    assert "are unlike those trained on" in said.err


def test_predictions_go_to_standard_output_row_for_row(
    in_trained: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["predict", "strict", TABLE_NAME, "-o", "-"]) == 0
    rows = list(csv.DictReader(capfdbinary.readouterr().out.decode().splitlines()))
    assert [row["row"] for row in rows] == [str(number) for number in range(1, 570)]
    assert {row["prediction"] for row in rows} == {"malignant", "benign"}


def test_the_report_is_there(in_trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "latest", "--print-path"]) == 0
    assert Path(capsys.readouterr().out.strip()).read_text().startswith("<!doctype html>")


def test_the_place_of_a_report_and_of_predictions_is_told_to_programs(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "plain", "--json"]) == 0
    assert Path(json.loads(capsys.readouterr().out)["report"]).name == "report.html"
    assert main(["predict", "plain", TABLE_NAME, "-o", "said.csv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["num_rows"] == 569
    assert len(Path(found["out"]).read_text().splitlines()) == 570
    assert main(["predict", "plain", TABLE_NAME, "-o", "-", "--json"]) == 2
    assert "error: --json must go with -o FILE" in capsys.readouterr().err


def test_a_run_is_summed_up_in_about_ten_lines(
    in_trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = summarise(find_run(Path(".iovalence"), "plain"))
    assert re.match(
        r"  test        Accuracy 9.* \(.* to .* %\); always the most frequent", lines[1]
    )
    assert [line.split()[0] for line in lines[2:9]] == [
        *("test", "data", "diagnosis", "report", "model", "MLflow", "next"),
    ]
    assert len(lines) <= 12
    strict = summarise(find_run(Path(".iovalence"), "strict"))
    assert strict[-1].startswith("              what was required was not reached")
    monkeypatch.chdir(tmp_path)
    far = summarise(find_run(in_trained / ".iovalence", "plain"))[-1]
    assert far.endswith(f" --workspace {in_trained / '.iovalence'}")


def test_a_failure_is_one_line_in_the_list_of_runs(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = find_run(Path(".iovalence"), "strict")
    true = run.manifest()
    metrics = run.metrics.read_bytes()
    run.metrics.unlink()
    run.update(failure=("the loss must be finite, " * 20, "and\nmore"), is_chosen=True)
    assert main(["runs"]) == 0
    out = capsys.readouterr().out
    true.save(run.manifest_path)
    run.metrics.write_bytes(metrics)
    (line,) = [line for line in out.splitlines() if run.run_id in line]
    assert "strict (best of its sweep)" in line
    assert line.rstrip().endswith(" the loss must be fini ...")


def test_an_unknown_run_is_named_with_the_newest(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "yesterday"]) == 2
    assert "error: 'yesterday' must name a run of" in capsys.readouterr().err


def test_what_mlflow_has_is_not_sent_again(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sync", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["num_whole"] == len(list_runs(in_trained / ".iovalence"))
    assert found["sent"] == []


def test_check_says_what_it_found_and_leaves_a_page(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", CONFIG_NAME, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"][0]["num_rows"] == 569
    assert "rows read" in Path(found["page"]).read_text()
    assert Path(found["removed_rows"]).read_text().startswith('"source","row","reason"')
    assert main(["check", CONFIG_NAME]) == 0
    out, err = capsys.readouterr()
    assert "train: of 569 rows 0 leave" in out
    assert out.endswith(f"page: {found['page']}\n")
    assert "checked the rows (as before)" in err


def test_a_check_that_fails_is_status_4_after_the_table_and_its_page_opens(
    in_trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    failing = "quality.balance={action: fail, max_ratio: 1}"
    silent = ("--set", "verbose=false", "--set", failing)
    assert main(["check", CONFIG_NAME, "--open", *silent]) == 4
    out, err = capsys.readouterr()
    assert out.startswith("failure: balance: the largest class must have at most 1 rows")
    assert err.startswith("error: quality.balance: the largest class must have at most 1 rows")
    assert err.count("\n") == 1
    assert opened == [Path(out.splitlines()[-1].removeprefix("page: ")).as_uri()]
    assert "1 check failed" in Path(opened[0].removeprefix("file://")).read_text()


def test_a_dry_run_trains_nothing(in_trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = list_runs(in_trained / ".iovalence")
    assert main(["train", CONFIG_NAME, "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == {"train": 399, "validation": 85, "test": 85}
    assert found["steps_per_epoch"] == 13
    assert list_runs(in_trained / ".iovalence") == before


def test_a_run_is_made_again_and_equal(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "strict", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["equal"], found["differences"]) == (True, [])
    assert "model/weights.safetensors" in found["compared"]


def test_a_difference_is_shown_and_is_status_4(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = find_run(Path(".iovalence"), "plain")
    true = run.manifest().versions
    run.update(versions=true | {"torch": "1.0"})
    assert main(["reproduce", "plain"]) == 4
    out, err = capsys.readouterr()
    run.update(versions=true)
    assert out.startswith(f"different  run {run.run_id} was made again; what came of it is equal")
    assert f"  versions    torch: 1.0 then, {true['torch']} now\n" in out
    assert "must be the same when it is made again, got other versions: torch: 1.0 then" in err


def test_gc_says_in_a_table_what_leaves(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = Path(f".iovalence/.left.{max(psutil.pids()) + 100_000}.tmp")
    left.write_text("12345")
    assert main(["gc", "--dry-run"]) == 0
    assert re.search(r"would be removed +number +bytes\D+\btemporary +1 +5\b", _words(capsys))
    assert left.exists()
    assert main(["gc", "--json"]) == 0
    assert str(left.resolve()) in capsys.readouterr().out
    assert not left.exists()
    assert main(["gc"]) == 0
    assert "nothing was removed" in capsys.readouterr().out


def _words(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_a_dry_run_says_what_would_be_taken_for_auto(
    in_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    auto = ["--set", "learning_rate=auto", "--set", "batch_size=auto", "--set", "device=cpu"]
    assert main(["train", CONFIG_NAME, "--dry-run", *auto]) == 0
    lines = capsys.readouterr().out
    assert "13 steps of 32 rows on cpu" in lines
    assert "auto        training.batch_size would be 32: " in lines
    assert "training.learning_rate will be found by a sweep of 195 steps on the train" in lines


def test_sigterm_ends_a_training_all_processes_beside_it_and_its_run(in_trained: Path) -> None:
    forever = ["epochs=1000000", "early_stopping=false", "save_checkpoint=false"]
    settings = [part for setting in forever for part in ("--set", setting)]
    with subprocess.Popen(
        [*COMMAND, "train", CONFIG_NAME, "--run-name", "endless", *settings],
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        while "epoch" not in child.stderr.readline():
            pass
        beside = psutil.Process(child.pid).children()
        child.send_signal(signal.SIGTERM)
        last = child.stderr.read().splitlines()[-1]
    assert child.returncode == 130
    assert last == "error: interrupted"
    assert beside
    assert not any(process.is_running() for process in beside)
    (run,) = [run for run in list_runs(Path(".iovalence")) if run.manifest().run_name == "endless"]
    assert run.manifest().status == "KILLED"


def test_ten_interruptions_are_answered_once_on_a_clean_terminal(in_trained: Path) -> None:
    forever = ["epochs=1000000", "early_stopping=false", "save_checkpoint=false"]
    settings = [part for setting in forever for part in ("--set", setting)]
    terminal = Terminal([*COMMAND, "train", CONFIG_NAME, *settings], cwd=in_trained, columns=120)
    terminal.wait_for("best so far")
    for _ in range(10):
        terminal.process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert terminal.end() == 130
    shown = terminal.screen().shown()
    assert shown[-1] == "error: interrupted"
    assert shown.count("error: interrupted") == 1
    assert "epoch" not in "".join(shown)
    assert "Traceback" not in terminal.written
    assert terminal.screen().is_cursor_shown


def test_a_training_that_was_killed_goes_on_as_the_same_run_in_mlflow_too(
    in_trained: Path,
) -> None:
    settings = [*("--set", "epochs=400"), *("--set", "early_stopping=false")]
    command = [*COMMAND, "train", CONFIG_NAME, *settings]
    with subprocess.Popen(
        [*command, "--run-name", "cut"], stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        while "epoch  60/400" not in child.stderr.readline():
            pass
        child.kill()
    (run,) = [run for run in list_runs(Path(".iovalence")) if run.manifest().run_name == "cut"]
    assert run.manifest().state() == "DIED"
    done = subprocess.run([*command, "--resume", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["run_id"], outcome["status"]) == (run.run_id, "FINISHED")
    assert "training goes on after epoch" in done.stderr
    epochs = [p.epoch for p in metric_points(read_journal(run.journal)[0]) if p.key == "val_loss"]
    assert epochs == list(range(1, 401))


@pytest.mark.parametrize(
    ("given", "filled"),
    [
        (["train", "c.yaml", "--resume"], ["train", "c.yaml", "--resume", "newest"]),
        (["train", "--resume", "--json"], ["train", "--resume", "newest", "--json"]),
        (["train", "--resume", __file__], ["train", "--resume", "newest", __file__]),
        (["train", "--resume", "2026", "c.yaml"], ["train", "--resume", "2026", "c.yaml"]),
    ],
)
def test_resume_without_a_run_means_the_newest(given: list[str], filled: list[str]) -> None:
    assert name_newest(given) == filled


def test_init_drafts_a_configuration_that_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / "data")
    table = f"data/{TABLE_NAME}"
    assert main(["init", table, "--target", "diagnosis", "-o", "drafts/cancer.yaml"]) == 0
    assert capsys.readouterr().out == "drafts/cancer.yaml\n"
    more = ["--target", "diagnosis", "-o", "drafts/again.yaml", "--json"]
    assert main(["init", table, *more]) == 0
    assert json.loads(capsys.readouterr().out) == {"config": "drafts/again.yaml"}
    assert main(["check", "drafts/cancer.yaml"]) == 0
    assert main(["init", table, "--target", "diagnosis", "-o", "drafts/cancer.yaml"]) == 2
    assert "must be a new file, got one that is there" in capsys.readouterr().err


def test_doctor_finds_this_installation_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--json", "--workspace", str(tmp_path)]) == 0
    checks = {line["check"]: line for line in json.loads(capsys.readouterr().out)["checks"]}
    assert {"fastapi", "sqlalchemy", "torch", "device", "disk", "telemetry"} <= set(checks)
    assert checks["telemetry"]["state"] == "ok"


def test_without_servers_down_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down", "--workspace", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no servers ran\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["promote", "latest"], "promote"), (["retrain", "a.yaml"], "retrain")],
)
def test_what_later_work_brings_is_refused_by_name(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert f"error: `iovalence {named}` is not built yet" in capsys.readouterr().err
