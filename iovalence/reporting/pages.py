"""Own how every page is made: one HTML file with its style inside, all values escaped."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from iovalence.evaluation.wording import format_count, format_score, format_seconds, format_size

if TYPE_CHECKING:
    from jinja2 import Environment

_VALUES = re.compile(r"<!--values-->.*?<!--/values-->", re.DOTALL)
_WITHHELD = "<!--withheld-->"
_NOTE = '<p class="muted">The values of single rows are in the run\'s folder alone.</p>'


def render_page(template: str, values: Mapping[str, Any]) -> str:
    """Return a page.

    Args:
        template: Name of a template beside this module.
        values: What it shows, by name.
    """
    return _environment().get_template(template).render(values)


def without_values(page: str) -> str:
    """Return a page without any value of a single row; row numbers stay."""
    return _VALUES.sub("", page).replace(_WITHHELD, _NOTE)


@cache
def _environment() -> "Environment":
    # Compiling a template takes longer than filling it in: each is compiled once.
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_read),
    )
    environment.filters.update(
        count=format_count, score=format_score, size=format_size, seconds=format_seconds
    )
    return environment


def _read(name: str) -> str:
    return files("iovalence.reporting").joinpath(name).read_text("utf-8")
