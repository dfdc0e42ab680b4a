"""How long to wait before the next connection: growing and jittered; far longer when a person must act first."""

import random
from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_never

from config.settings import MqttSettings
from sync.errors import UpstreamError, UpstreamRefusedError


def pause_s(settings: MqttSettings, attempt: int, error: BaseException | None, chance: Callable[[], float]) -> float:
    """Seconds before attempt ``attempt + 1``; ``chance`` gives 0..1. A refusal waits near the maximum at once."""
    if isinstance(error, UpstreamRefusedError):
        grown_s = settings.backoff_max_s
    else:
        grown_s = min(settings.backoff_max_s, settings.backoff_first_s * 2 ** min(attempt - 1, 32))
    return grown_s * (0.5 + chance() / 2)


async def until_served(
    settings: MqttSettings, serve: Callable[[], Awaitable[None]], failed: Callable[[UpstreamError], None]
) -> None:
    """Call ``serve`` until it returns, pausing after each UpstreamError, which ``failed`` is told first."""

    def wait(state: RetryCallState) -> float:
        return pause_s(settings, state.attempt_number, _error(state), random.random)

    def tell(state: RetryCallState) -> None:
        error = _error(state)
        if isinstance(error, UpstreamError):
            failed(error)

    attempts = AsyncRetrying(
        stop=stop_never, wait=wait, retry=retry_if_exception_type(UpstreamError), before_sleep=tell, reraise=True
    )
    await attempts(serve)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
