"""Fixtures that many tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("iovalence", deadline=None)  # how long an example takes is no property
settings.load_profile("iovalence")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of public data sets beside the project, or skip with a reason."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the public data sets are not beside the project (../shared/data)")
    return SHARED_DATA
