"""The evaluated runs and the browser that the tests of the pages share with those of pictures."""

from tests.evaluation.conftest import (  # noqa: F401
    browser,
    classification,
    many_classes,
    regression,
    strange_names,
)
