"""Own the user's declared expectations, judged by Great Expectations; the one module to import it.

They look at the table as it was read, all files together, before any fix, and at its values as the
files have them: see `iovalence.quality.expected`. What cannot be judged is a wrong declaration.
"""

import os
import re
import textwrap
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from iovalence.data.table import Table
from iovalence.errors import ConfigError
from iovalence.names import nearest
from iovalence.quality.expected import ExpectedValues, Look, ReadPlain, find_look
from iovalence.quality.findings import MAX_EXAMPLES, Finding, list_rows, name_rows, severity_of
from iovalence.quality.section import Action, ExpectationChecks

_KEY = "quality.expectations"
_NEED_A_DATABASE = {
    "unexpected_rows_expectation",
    "expect_query_results_to_match_comparison",
    "expect_table_row_count_to_equal_other_table",
}
_COLUMN_KEYS = ("column", "column_A", "column_B", "column_list")
# Arguments of every expectation, few of which anybody means.
_OF_ANY = {
    *("batch_id", "catch_exceptions", "condition_parser", "description", "id", "meta", "notes"),
    *("rendered_content", "result_format", "severity", "windows"),
}
_MAX_TEXT = 200  # characters of anything that Great Expectations says


def check_expectations(
    table: Table, section: ExpectationChecks, read_plain: ReadPlain | None = None
) -> tuple[Finding, ...]:
    """Report the declared expectations that the table does not meet.

    Args:
        table: N rows.
        section: The expectations, and what happens when one is not met.
        read_plain: Reads columns of the files again; None to go by the table alone.

    Raises:
        ConfigError: An expectation does not exist, or not with these arguments or columns, or
            cannot be judged on these columns; one line for each.
    """
    if section.action == "off" or not section.declared:
        return ()
    # Importing warns of deprecated modules, and judging warns of what the result says anyway.
    with warnings.catch_warnings(action="ignore"):
        _import()
        expectations = _build_all(table, section.declared)
        results = _judge(table, expectations, read_plain)
    _require_answers(table, results)
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
        wrong = [*_wrong_name(name)] or [
            *_wrong_columns(table, name, arguments),
            *_wrong_limits(table, name, arguments),
            *_wrong_patterns(name, arguments),
        ]
        faults += wrong
        if wrong:
            continue
        try:
            built.append(_implementation(name)(**_with_dates(table, arguments)))
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


def _wrong_limits(table: Table, name: str, arguments: dict[str, Any]) -> Iterator[str]:
    limits: list[Any] = [arguments.get("min_value"), arguments.get("max_value")]
    if _has_dates(table, arguments):
        for at, key in enumerate(("min_value", "max_value")):
            if isinstance(text := limits[at], str):
                limits[at] = _read_date(text)
                if limits[at] is None:
                    yield f"{_KEY}: {name}.{key} must be a date as 2020-01-31, got '{text}'"
    low, high = limits
    kinds: tuple[Any, ...] = (int | float, datetime, str)
    for kind in kinds:
        if isinstance(low, kind) and isinstance(high, kind) and low > high:
            yield (
                f"{_KEY}: {name}.min_value must be at most max_value, got "
                f"{arguments['min_value']} and {arguments['max_value']}"
            )


def _wrong_patterns(name: str, arguments: dict[str, Any]) -> Iterator[str]:
    patterns = [arguments.get("regex"), *(arguments.get("regex_list") or ())]
    for pattern in patterns:
        try:
            re.compile(pattern if isinstance(pattern, str) else "")
        except re.error as err:
            yield f"{_KEY}: {name} must have a regular expression, got '{pattern}': {err}"


def _has_dates(table: Table, arguments: dict[str, Any]) -> bool:
    columns = [one for one in _named_columns(arguments) if one in table.columns.column_names]
    return any(pa.types.is_timestamp(table.columns[one].type) for one in columns)


def _read_date(text: str) -> datetime | None:
    """Return a date, in UTC as the columns are, or None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def _with_dates(table: Table, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with limits of a column of dates as dates."""
    if not _has_dates(table, arguments):
        return arguments
    texts = {key: arguments.get(key) for key in ("min_value", "max_value")}
    dates = {key: _read_date(text) for key, text in texts.items() if isinstance(text, str)}
    return arguments | dates


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
        return f"{_KEY}: {name} must have arguments that it knows, got '{key}'{_meant(key, valid)}"
    place = name if key in ("__root__", name) else f"{name}.{key}"
    found = f"got {arguments[key]!r}" if key in arguments else "got none"
    return f"{_KEY}: {place} must be valid, {found}: {_shorten(msg)}"


def _meant(key: str, valid: set[str]) -> str:
    """Return the argument that was meant, or all that there are."""
    return nearest(key, valid) or f"; it knows {', '.join(sorted(valid - _OF_ANY))}"


def _judge(
    table: Table, expectations: list[Any], read_plain: ReadPlain | None
) -> list[dict[str, Any]]:
    """Return a result for each expectation, in their order."""
    looks = [_look_of(table, expectation) for expectation in expectations]
    values = ExpectedValues(table, looks, read_plain)
    for position, expectation in enumerate(expectations):
        expectation.meta = {"position": position}  # results come sorted by column
    results = []
    for as_text in (False, True):
        pairs = zip(expectations, looks, strict=True)
        some = [one for one, look in pairs if look.as_text == as_text]
        if some:
            names = {name for look in looks if look.as_text == as_text for name in look.names}
            results += _judge_on(values.frame(names, as_text=as_text), some)
    return sorted(results, key=lambda result: int(result["expectation_config"]["meta"]["position"]))


def _look_of(table: Table, expectation: Any) -> Look:
    config = expectation.configuration
    names = table.columns.column_names
    named = [name for name in _named_columns(config.kwargs) if name in names]
    condition = config.kwargs.get("row_condition")
    return find_look(config.type, config.kwargs, names if condition else named)


def _judge_on(frame: Any, expectations: list[Any]) -> list[dict[str, Any]]:
    from great_expectations import ExpectationSuite

    # All at once: each judgement costs a hash of the whole frame.
    suite = ExpectationSuite("declared", expectations=expectations)
    try:
        judged = _as_batch(frame).validate(suite, result_format="SUMMARY")
    except (KeyError, ValueError, TypeError) as err:
        named = ", ".join(sorted({type(one).__name__ for one in expectations}))
        raise ConfigError(
            f"{_KEY}: Great Expectations must be able to judge what is declared, got "
            f"'{_shorten(str(err))}'; check the arguments of {named}"
        ) from err
    return [result.to_json_dict() for result in judged.results]


def _require_answers(table: Table, results: list[dict[str, Any]]) -> None:
    """Refuse what cannot be judged: numbers expected of texts, say.

    Raises:
        ConfigError: One line for each such expectation.
    """
    faults = []
    for judged in results:
        failed = [*_exception_messages(judged["exception_info"])]
        if failed:
            config = judged["expectation_config"]
            kinds = [
                f"'{name}' is {table.schema.column(name).kind}"
                for name in _named_columns(config["kwargs"])
            ]
            faults.append(
                f"{_KEY}: {config['type']} must fit its columns"
                f"{' (' + ', '.join(kinds) + ')' if kinds else ''}, got: {_shorten(failed[0])}"
            )
    if faults:
        raise ConfigError(faults)


def _as_batch(frame: Any) -> Any:
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
    return whole.get_batch({"dataframe": frame})


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
    return "and does not"


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
