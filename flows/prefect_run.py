"""Own how a command calls a flow: once its server is ready, and without depending on it after."""

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from flows.interruption import interruptible
from flows.server import Server
from iovalence.errors import TrackingError

if TYPE_CHECKING:
    from prefect import Flow

Result = TypeVar("Result")
DRAIN_SECONDS = 10


@dataclass
class _Outcome(Generic[Result]):
    """Hold how the flow's own work ended, whatever Prefect makes of it."""

    results: tuple[Result, ...] = ()
    error: BaseException | None = None


def run_flow(flow: "Flow[..., Result]", server: Server, **parameters: object) -> Result:
    """Run a flow on a server; return its result or raise its error.

    The server may go away while the flow runs: what counts is how the work itself ended.

    Raises:
        TrackingError: The server does not answer when the flow begins.
    """
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_CLIENT_MAX_RETRIES,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    server.wait()
    outcome: _Outcome[Result] = _Outcome()
    watched = flow.with_options()
    watched.fn = _watch(flow.fn, outcome)
    settings = {
        PREFECT_API_URL: server.url,
        PREFECT_CLIENT_MAX_RETRIES: server.max_retries,
        # The heartbeat's thread is joined at the end of a flow: a second, for a mark no one reads.
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    with temporary_settings(settings), _sending(server):
        try:
            watched(**parameters)
        except Exception as err:
            if outcome.error is None and not outcome.results:
                raise _explain(err, server) from err
    if outcome.error is not None:
        raise outcome.error
    return outcome.results[0]


def _watch(work: Callable[..., Result], outcome: _Outcome[Result]) -> Callable[..., Result]:
    @functools.wraps(work)
    def watched(*args: Any, **kwargs: Any) -> Result:
        try:
            # Prefect's own handler would end the process before the run is closed.
            with interruptible():
                result = work(*args, **kwargs)
        except BaseException as err:
            outcome.error = err
            raise
        outcome.results = (result,)
        return result

    return watched


def _explain(err: Exception, server: Server) -> TrackingError:
    cause = str(err).splitlines()[0] if str(err) else type(err).__name__
    return TrackingError(
        f"the Prefect server must take a flow, got '{cause}' ({server.url}); "
        "`iovalence doctor` may name the cause"
    )


@contextmanager
def _sending(server: Server) -> Iterator[None]:
    """Send Prefect's events and log for a block, and leave none behind at its end.

    What is left is sent when the interpreter ends, which takes a minute where the server has
    gone. Nobody reads the events of a server of our own.
    """
    from prefect.events.clients import NullEventsClient, PrefectEventsClient
    from prefect.events.worker import EventsWorker, emit_events_to_cloud
    from prefect.logging.handlers import APILogWorker

    if server.is_own:
        EventsWorker.set_client_override(NullEventsClient)
    elif not emit_events_to_cloud():
        EventsWorker.set_client_override(PrefectEventsClient, reconnection_attempts=1)
    # A log line that a server gone away cannot take is not a line on standard error.
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield
    finally:
        EventsWorker.drain_all(timeout=DRAIN_SECONDS)
        APILogWorker.drain_all(timeout=DRAIN_SECONDS)
        EventsWorker.set_client_override(None)
        logging.raiseExceptions = before
