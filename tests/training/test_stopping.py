import os
import signal
import threading

import pytest

from iovalence.training.stopping import stopping


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_for_a_stop_and_interrupts_at_the_end(signum):
    seen = []

    def work():
        with stopping() as asked:
            seen.append(asked())
            os.kill(os.getpid(), signum)
            seen.append(asked())

    with pytest.raises(KeyboardInterrupt):
        work()
    assert seen == [False, True]


def test_a_second_signal_interrupts_at_once():
    seen = []

    def work():
        with stopping():
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            seen.append("went on")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not seen


def test_signals_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with stopping():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_is_ignored_asks_for_nothing():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping() as asked:
            os.kill(os.getpid(), signal.SIGINT)
            assert not asked()
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_nothing_is_asked():
    seen = []

    def work():
        with stopping() as asked:
            seen.append(asked())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
