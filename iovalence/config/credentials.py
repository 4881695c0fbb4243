"""Own finding passwords where none may stand: a configuration is copied into every run."""

import re

_SECRET = re.compile(
    # user:password@ before a host; a port and a path that holds an @ are not one.
    r"://[^/?#\s:@]*:(?!\d+/)[^\s@]+@"
    r"|(://|^[\w+]+:)\S*[?&;](\w*password|passwd|pwd|\w*token|\w*secret\w*|api_?key)=[^&;\s'\"]",
    re.IGNORECASE,
)


def holds_secret(text: str) -> bool:
    """Return whether a text holds a URI with a password or a token in it."""
    return bool(_SECRET.search(text))
