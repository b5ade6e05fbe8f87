"""When to try again, and when a repeat could do the work twice."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from ._errors import APIError
from ._request import Request

BACKOFF_S = 0.5
LONGEST_PAUSE_S = 60.0
NOT_READY_RETRIES = 10


def may_repeat_unanswered(request: Request[object], error: httpx2.TransportError) -> bool:
    """Whether a repeat is safe when no answer came: nothing was sent, or the service recognises the repeat."""
    never_sent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    is_guarded = "If-Match" in request.headers and request.method != "POST"  # done once, a repeat would answer 412
    return never_sent or (request.is_repeatable and not is_guarded)


def may_repeat_refused(request: Request[object], failure: APIError, attempt: int, max_retries: int) -> bool:
    """Whether a refusal may be otherwise next time: 408, 409 for a running twin, 429 and what the server failed at.

    Effects that are not in yet (503 `not_ready`) are waited for longer: the service already held each try for 2 s.
    """
    if failure.code == "not_ready":
        return max_retries > 0 and attempt < max(max_retries, NOT_READY_RETRIES)
    if attempt >= max_retries or not (request.is_repeatable or failure.status in {429, 503}):
        return False
    is_running_twin = failure.status == 409 and failure.code == "idempotency_in_progress"
    return failure.status in {408, 429} or failure.status >= 500 or is_running_twin


def pause_after(response: httpx2.Response, attempt: int) -> float:
    """Seconds until the next try: what `Retry-After` asks for, else the backoff."""
    asked = retry_after_s(response)
    return backoff(min(attempt, 3)) if asked is None else asked


def backoff(attempt: int) -> float:
    """Half a second doubled at each attempt, less up to a quarter of it so that clients spread out."""
    return BACKOFF_S * (1 << attempt) * random.uniform(0.75, 1.0)  # noqa: S311  # jitter needs no secrecy


def retry_after_s(response: httpx2.Response) -> float | None:
    """What `Retry-After` asks for, as seconds or as a date; None where it says nothing usable."""
    value = response.headers.get("retry-after", "")
    try:
        if value[:1].isdigit():
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
