"""`iovalence compare` as a person and a program use it."""

import json

import pytest

from flows.command import main
from flows.comparison import save_page
from iovalence.comparison.compare import compare_runs


@pytest.fixture
def run_command(first, capsys):
    """Return a function that compares runs of the workspace: status, output, errors."""

    def run(*arguments):
        status = main(["compare", *arguments, "--workspace", str(first.root.parents[1])])
        return status, *capsys.readouterr()

    return run


def test_a_person_reads_what_differed_by_how_much_and_on_which_rows(run_command, first, faster):
    status, told, _ = run_command(first.run_id, "faster")
    assert status == 0
    assert f"{faster.run_id} is " in told
    assert "in the test part of both and in train of neither" in told
    assert "training.learning_rate" in told
    assert "these differ too, and change no figure: tracking.run_name" in told
    assert "Log loss" in told


def test_a_program_reads_one_object_and_where_the_page_is(run_command, first, tmp_path):
    page = tmp_path / "compared.html"
    status, told, _ = run_command(first.run_id, "faster", "--json", "-o", str(page))
    found = json.loads(told)
    assert status == 0
    assert found["runs"][0]["run_id"] == first.run_id
    assert found["pairs"][0]["differences"][0]["what"] == "training.learning_rate"
    assert found["page"] == str(page)
    assert page.read_text().startswith("<!doctype html>")


def test_a_page_without_a_name_is_kept_in_the_workspace(first, faster, tmp_path):
    page = save_page(compare_runs([first, faster]), tmp_path, None)
    assert page.parent == tmp_path / "comparisons"
    assert page.name.startswith(first.run_id)
    assert page.is_file()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("faster",), "two runs or more must be named to compare them, got 1"),
        (("faster", "faster"), "each run must be named once"),
        (("faster", "nothing"), "'nothing' must name a run"),
        (("faster", "nothing", "-o", "page.pdf"), "--out must end in .html, got 'page.pdf'"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(run_command, arguments, fault):
    status, told, errors = run_command(*arguments)
    assert (status, told) == (2, "")
    assert errors.startswith(f"error: {fault}")
    assert errors.count("\n") == 1


def test_a_damaged_file_is_one_line_and_status_3(run_command, altered):
    altered.metrics.write_text("{")
    status, told, errors = run_command("faster", altered.run_id)
    assert (status, told) == (3, "")
    assert "metrics.json must hold an EvaluationResult" in errors.replace(" a E", " an E")
    assert errors.count("\n") == 1
