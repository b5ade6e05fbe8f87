"""Token buckets per caller, in this process."""

import math
from collections import OrderedDict
from time import monotonic
from typing import NamedTuple

from woaas_core.errors import RateLimited

_KEPT = 50_000


class Budget(NamedTuple):
    """What is left of a bucket: whole requests, seconds until it is full again, and until the next if it is empty."""

    limit: int
    remaining: int
    reset_s: int
    retry_after_s: int = 0

    def check(self) -> None:
        """Refuse where the bucket was empty.

        Raises:
            RateLimited: with Retry-After.
        """
        if self.retry_after_s:
            raise RateLimited(retry_after_s=self.retry_after_s)

    def headers(self) -> dict[str, str]:
        """The IETF draft's RateLimit-* headers."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }


class RateLimiter:
    """A bucket per caller that holds a minute's budget and refills steadily."""

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._rate = per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> Budget:
        """Take one request from a caller's bucket.

        Raises:
            RateLimited: it is empty; Retry-After says when there is one again.
        """
        budget = self.draw(caller)
        budget.check()
        return budget

    def peek(self, caller: str) -> Budget:
        """How a caller's bucket stands; nothing is taken."""
        level = self._level(caller, monotonic())
        full = math.ceil((self._limit - level) / self._rate)
        return Budget(self._limit, int(level), full, 0 if level >= 1 else self._wait_s(level))

    def draw(self, caller: str) -> Budget:
        """The same without raising: from an empty bucket nothing is taken and ``retry_after_s`` is set."""
        now = monotonic()
        level = self._level(caller, now)
        if level < 1:
            return self.peek(caller)
        self._buckets[caller] = (level - 1, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > _KEPT:
            self._buckets.popitem(last=False)
        return Budget(self._limit, int(level - 1), math.ceil((self._limit - level + 1) / self._rate))

    def _level(self, caller: str, now: float) -> float:
        level, seen = self._buckets.get(caller, (float(self._limit), now))
        return min(self._limit, level + (now - seen) * self._rate)

    def _wait_s(self, level: float) -> int:
        return max(1, math.ceil((1 - level) / self._rate))
