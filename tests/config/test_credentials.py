"""No password stands in a configuration, and none is shown."""

import pytest

from iovalence.config.credentials import holds_secret
from tests.config.conftest import Faults, Load

DATA = "data: {train_file: train.csv}\n"
SECRETS = [
    "http://me:hunter2@host:5000",
    "postgresql://me:hunter2@host/db",
    "postgresql://me:hunt/er2@host/db",
    "redis://:hunter2@host",
    "postgresql://host/db?user=me&password=hunter2",
    "https://host/?token=hunter2",
    "https://host/a?x=1&access_token=hunter2",
    "https://host/?API_KEY=hunter2",
]
NO_SECRETS = [
    "http://host:5000",
    "https://me@host/x",
    "sqlite:///C:/me/mlflow.db",
    "sqlite:////home/me@work/mlflow.db",
    "http://host:5000/a@b",
    "postgresql://host/db?sslmode=require",
    "learning rate: 5 at me@example.com",
    "http://host/?password=",
]


@pytest.mark.parametrize("uri", SECRETS)
def test_a_password_is_found(uri: str) -> None:
    assert holds_secret(f"see {uri} there")


@pytest.mark.parametrize("uri", NO_SECRETS)
def test_what_is_no_password_is_accepted(load: Load, uri: str) -> None:
    assert load(DATA + f"tracking: {{uri: '{uri}'}}\n").tracking.uri == uri


REFUSAL = "must not hold a password or token, got one in a URI"
ADVICE = "leave it out and give it in the environment"


@pytest.mark.parametrize("uri", SECRETS)
def test_a_password_is_refused_without_being_shown(faults: Faults, uri: str) -> None:
    text = DATA + f"tracking:\n  uri: '{uri}'\n"
    assert faults(text) == (f"tracking.uri {REFUSAL} (config.yaml:3); {ADVICE}",)
    assert faults(DATA, f"tracking.uri={uri}") == (f"tracking.uri {REFUSAL} (--set); {ADVICE}",)


@pytest.mark.parametrize(
    "text",
    [
        "# {}\n",
        "comments: '{}'\n",
        "tracking: {{tags: {{a: '{}'}}}}\n",
        "tracking: '{}'\n",
        "'{}': 5\n",
        "epochs: '{}'\n",
        "data: {{train_file: '{}'}}\n",
        "tracking: !x '{}'\n",
        "comments: {{'{}': a}}\n",
        "run: [{{a: '{}'}}]\n",
    ],
)
def test_a_password_is_shown_nowhere(faults: Faults, text: str) -> None:
    found = "\n".join(faults(DATA + text.format("http://me:hunter2@host")))
    assert REFUSAL in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "override",
    ["http://me:hunter2@host", "http://me:hunter2@host=5", "a.b=[http://me:hunter2@host"],
)
def test_a_password_in_a_wrong_override_is_not_shown(faults: Faults, override: str) -> None:
    assert "hunter2" not in "\n".join(faults(DATA, override))
