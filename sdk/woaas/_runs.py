"""Handles of background work: wait for its end, stop it, follow what it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from ._endpoint import endpoint
from ._errors import RunFailedError, WaitTimeoutError
from ._models import Model
from ._modes import Bound, M
from ._request import Request, path, post, read
from ._transport import Pause

if TYPE_CHECKING:
    from typing import Self

    from ._transport import Executor, Steps

FIRST_POLL_S = 0.1
LONGEST_POLL_S = 2.0
ENDED = frozenset({"finished", "stopped", "failed"})


class Run(Model, Bound[M]):
    """Background work at the service: its last known state, and how to go on with it."""

    id: str
    status: str
    progress: object
    error: object
    created_at: datetime | None
    finished_at: datetime | None

    collection: ClassVar[str]

    def _bind(self, executor: Executor[M]) -> Self:
        self._executor = executor
        return self

    @property
    def is_ended(self) -> bool:
        """Whether it came to an end, good or bad."""
        return self.status in ENDED

    @endpoint
    def stop(self) -> Request[Model]:
        """Ask it to stop; a solve keeps its best plan."""
        return post(path(f"{self.collection}/{{}}/stop", self.id), Model)

    def _until_ended(
        self, on_progress: Callable[[Self], None] | None, timeout: timedelta | float | None
    ) -> Steps[Self]:
        """Poll until the end, more seldom as it takes longer; tells `on_progress` each change.

        Raises:
            RunFailedError: it ended as `failed`.
            WaitTimeoutError: it did not end in time.
        """
        limit_s = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        deadline = None if limit_s is None else time.monotonic() + limit_s
        poll_s = FIRST_POLL_S
        while True:
            before = self.to_dict()
            fresh = yield from self._executor.exchange(read(path(f"{self.collection}/{{}}", self.id), Model))
            self._refresh(fresh)
            if on_progress is not None and self.to_dict() != before:
                on_progress(self)
            if self.status == "failed":
                raise RunFailedError(f"{self.id} failed: {_reason(self.error)}", self.id)
            if self.is_ended:
                return self
            if deadline is not None and time.monotonic() + poll_s > deadline:
                raise WaitTimeoutError(f"{self.id} is still {self.status} after {limit_s} s")
            yield Pause(poll_s)
            poll_s = min(poll_s * 1.5, LONGEST_POLL_S)

    def _refresh(self, fresh: Model) -> None:
        executor = self._executor
        self.__dict__.clear()
        Model.__init__(self, fresh.to_dict())
        self._executor = executor


def _reason(error: object) -> str:
    if isinstance(error, Model):
        error = error.to_dict()
    if isinstance(error, dict):
        return str(error.get("detail") or error.get("title") or error.get("code") or error)
    return str(error or "no reason given")
