"""Own the user's declared expectations, judged by Great Expectations; the one module to import it.

They look at the table as it was read, all files together, before any fix: numbers as float64,
dates as timestamps, everything else as text or true/false.
"""

import os
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from iovalence.data.table import Table
from iovalence.errors import ConfigError
from iovalence.names import nearest
from iovalence.quality.findings import MAX_EXAMPLES, Finding, list_rows, name_rows, severity_of
from iovalence.quality.section import Action, ExpectationChecks

_KEY = "quality.expectations"
_NEED_A_DATABASE = {
    "unexpected_rows_expectation",
    "expect_query_results_to_match_comparison",
    "expect_table_row_count_to_equal_other_table",
}
_COLUMN_KEYS = ("column", "column_A", "column_B", "column_list")
_MAX_TEXT = 200  # characters of anything that Great Expectations says


def check_expectations(table: Table, section: ExpectationChecks) -> tuple[Finding, ...]:
    """Report the declared expectations that the table does not meet.

    Args:
        table: N rows.
        section: The expectations, and what happens when one is not met.

    Raises:
        ConfigError: An expectation does not exist, or not with these arguments or columns; one
            line for each.
    """
    if section.action == "off" or not section.declared:
        return ()
    # Importing warns of deprecated modules, and judging warns of what the result says anyway.
    with warnings.catch_warnings(action="ignore"):
        _import()
        expectations = _build_all(table, section.declared)
        results = _judge(table, expectations)
    unmet = [result for result in results if not result["success"]]
    if unmet:
        return tuple(_report(table, result, section.action) for result in unmet)
    message = f"the declared expectations must hold, and all {len(results)} do"
    return (Finding(check="expectations", severity="info", count=0, share=0.0, message=message),)


def _import() -> None:
    """Import Great Expectations without its telemetry."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["DO_NOT_TRACK"] = "true"
    import great_expectations  # noqa: F401


def _build_all(table: Table, declared: tuple[dict[str, dict[str, Any]], ...]) -> list[Any]:
    built, faults = [], []
    for name, arguments in (item for one in declared for item in one.items()):
        wrong = [*_wrong_name(name)] or [*_wrong_columns(table, name, arguments)]
        faults += wrong
        if wrong:
            continue
        try:
            built.append(_implementation(name)(**arguments))
        except (ValueError, TypeError) as err:
            faults += _explain(name, arguments, err)
    if faults:
        raise ConfigError(faults)
    return built


def _implementation(name: str) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    return get_expectation_impl(name)


def _wrong_name(name: str) -> Iterator[str]:
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    names = set(list_registered_expectation_implementations()) - _NEED_A_DATABASE
    if name in _NEED_A_DATABASE:
        yield f"{_KEY}: '{name}' must not be declared: it needs a database, and this is a table"
    elif name not in names:
        yield (
            f"{_KEY}: an expectation must be one of Great Expectations', "
            f"got '{name}'{nearest(name, names)}"
        )


def _wrong_columns(table: Table, name: str, arguments: dict[str, Any]) -> Iterator[str]:
    if name == "expect_column_to_exist":
        return
    columns = table.columns.column_names
    for key in _COLUMN_KEYS:
        for one in _named_columns(arguments, (key,)):
            if one not in columns:
                yield (
                    f"{_KEY}: {name}.{key} must name columns of the table, "
                    f"got '{one}'{nearest(one, columns)}"
                )


def _named_columns(
    arguments: dict[str, Any], keys: tuple[str, ...] = _COLUMN_KEYS
) -> Iterator[str]:
    for value in map(arguments.get, keys):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                yield one


def _explain(name: str, arguments: dict[str, Any], err: ValueError | TypeError) -> list[str]:
    """Return one line for each argument that Great Expectations refuses."""
    details = err.errors() if hasattr(err, "errors") else [{"loc": (name,), "msg": str(err)}]
    by_argument = {str(detail["loc"][0]): detail["msg"] for detail in reversed(details)}
    if len(by_argument) > 1:
        by_argument.pop("__root__", None)  # follows from the others
    return [_explain_one(name, arguments, key, msg) for key, msg in by_argument.items()]


def _explain_one(name: str, arguments: dict[str, Any], key: str, msg: str) -> str:
    valid = set(_implementation(name).__fields__)
    if key in arguments and key not in valid:
        return f"{_KEY}: {name} must have arguments that it knows, got '{key}'{nearest(key, valid)}"
    place = name if key in ("__root__", name) else f"{name}.{key}"
    found = f"got {arguments[key]!r}" if key in arguments else "got none"
    return f"{_KEY}: {place} must be valid, {found}: {_shorten(msg)}"


def _judge(table: Table, expectations: list[Any]) -> list[dict[str, Any]]:
    """Return a result for each expectation, in their order."""
    from great_expectations import ExpectationSuite

    for position, expectation in enumerate(expectations):
        expectation.meta = {"position": position}  # results come sorted by column
    # All at once: each judgement costs a hash of the whole table.
    suite = ExpectationSuite("declared", expectations=expectations)
    try:
        judged = _as_batch(table).validate(suite, result_format="SUMMARY")
    except (KeyError, ValueError, TypeError) as err:
        named = ", ".join(sorted({type(one).__name__ for one in expectations}))
        raise ConfigError(
            f"{_KEY}: Great Expectations must be able to judge what is declared, got "
            f"'{_shorten(str(err))}'; check the arguments of {named}"
        ) from err
    results = [result.to_json_dict() for result in judged.results]
    return sorted(results, key=lambda result: int(result["expectation_config"]["meta"]["position"]))


def _as_batch(table: Table) -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    settings = DataContextConfig(
        # Without these the context leaves a folder for its pages among the temporary files.
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=settings)
    asset = context.data_sources.add_pandas("tables").add_dataframe_asset("table")
    whole = asset.add_batch_definition_whole_dataframe("whole")
    return whole.get_batch({"dataframe": table.columns.to_pandas(ignore_metadata=True)})


def _report(table: Table, judged: dict[str, Any], action: Action) -> Finding:
    config, result = judged["expectation_config"], judged["result"]
    arguments = {key: value for key, value in config["kwargs"].items() if key != "batch_id"}
    written = ", ".join(f"{key}: {value}" for key, value in arguments.items())
    count = result.get("unexpected_count") or 0
    indices = result.get("partial_unexpected_index_list") or ()
    rows = name_rows(table, np.array(indices, dtype=np.int64))
    return Finding(
        check=f"expectations.{config['type']}",
        severity=severity_of(action),
        count=count,
        share=count / table.num_rows,
        message=f"{_shorten(written)} must hold, {_describe(judged)}" + list_rows(rows, count),
        rows=rows,
        advice="correct the data or the expectation",
        columns=tuple(_named_columns(arguments)),
    )


def _describe(judged: dict[str, Any]) -> str:
    result = judged["result"]
    if "unexpected_count" in result:
        values = [value for value in result["partial_unexpected_list"] if not _is_nested(value)]
        shown = ", ".join(list(dict.fromkeys(map(str, values)))[:MAX_EXAMPLES])
        found = f"got {result['unexpected_count']} of {result['element_count']} rows otherwise"
        return f"{found}: {_shorten(shown)}" if shown else found
    if "observed_value" in result:
        return f"got {_shorten(str(result['observed_value']))}"
    failed = [*_exception_messages(judged["exception_info"])]
    return f"got no answer: {_shorten(failed[0])}" if failed else "and does not"


def _is_nested(value: object) -> bool:
    return isinstance(value, list | tuple | dict)


def _exception_messages(info: dict[str, Any]) -> Iterator[str]:
    for key, value in info.items():
        if key == "exception_message" and value:
            yield str(value)
        elif isinstance(value, dict):
            yield from _exception_messages(value)


def _shorten(text: str) -> str:
    return textwrap.shorten(text, _MAX_TEXT, placeholder=" ...")
