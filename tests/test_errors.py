import pickle

import pytest

from iovalence import errors

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.IOValenceError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_pickling_with_all_its_faults(kind):
    err = pickle.loads(pickle.dumps(kind(["one", "two", "three"])))
    assert type(err) is kind
    assert err.faults == ("one", "two", "three")
    assert str(err) == "one\ntwo\nthree"


def test_the_exit_statuses_are_those_of_the_contract():
    assert [int(status) for status in errors.ExitStatus] == [0, 1, 2, 3, 4, 5, 130]
