"""Budgets of callers: token buckets that all processes share, of which each works off small shares.

A share is taken in one short statement of its own, and lasts for many requests; from an empty bucket nothing more is
asked of the database until there can be something in it again.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from woaas_api.rate_limit import Budget
from woaas_core.buckets import Source

# How much of a minute's budget a process takes at once: with four processes 2 % are out at most.
SHARE = 1 / 200
_KEPT = 50_000
_LONGEST_REFUSAL_S = 1.0
# What an operation costs beside what every request does.
COSTS: Mapping[str, int] = {
    "create_audit_export": 50,
    "create_export": 20,
    "create_schedule_run": 20,
    "create_solve": 20,
    "create_forecast": 10,
    "create_promise": 5,
    "create_move": 5,
}
COST_UNITS_PER_TOKEN = 50


@dataclass(slots=True)
class _Share:
    tokens: float = 0.0
    level: float = 0.0
    seen_at: float = 0.0
    refused_until: float = 0.0
    refused_cost: float = 0.0
    wait_s: int = 1


class Limits:
    """What this process holds of everybody's budget."""

    def __init__(self, take: Source, now: Callable[[], float] = monotonic) -> None:
        self._take = take
        self._now = now
        self._shares: OrderedDict[str, _Share] = OrderedDict()

    async def draw(self, bucket: str, per_minute: int, cost: float = 1) -> Budget:
        """Take a request's cost; from a bucket that has not so much nothing is taken, and ``retry_after_s`` is set."""
        share, cost = self._share(bucket), min(cost, per_minute)
        missing = cost - share.tokens
        if missing > 0:
            if share.refused_until > self._now() and cost >= share.refused_cost:
                return self._budget(share, per_minute, share.wait_s)
            # A debt may be more than a bucket ever holds, so it is paid as it comes.
            least = missing if share.tokens >= 0 else 0
            taken = await self._take(bucket, per_minute, per_minute / 60, missing + per_minute * SHARE // 1, least)
            now = self._now()
            share.tokens += taken.granted
            share.level, share.seen_at = taken.level, now
            if share.tokens < cost:
                wait_s = max(cost - share.tokens - taken.level, 0) / (per_minute / 60)
                share.refused_cost, share.wait_s = cost, max(1, math.ceil(wait_s))
                # Until then there is nothing to be had, or no more than others are waiting for as well.
                share.refused_until = now + min(max(wait_s, SHARE * 60), _LONGEST_REFUSAL_S)
                return self._budget(share, per_minute, share.wait_s)
        share.tokens -= cost
        return self._budget(share, per_minute)

    def debit(self, bucket: str, cost: float) -> None:
        """Take what turned out to be the cost of something afterwards; the next request pays it back first."""
        self._share(bucket).tokens -= cost

    def seen(self, bucket: str, per_minute: int) -> Budget:
        """How a bucket stood when it was last drawn from."""
        share = self._share(bucket)
        return self._budget(share, per_minute, share.wait_s if share.refused_until > self._now() else 0)

    def is_refused(self, bucket: str, per_minute: int) -> Budget | None:
        """The budget of a bucket that was found empty a moment ago."""
        share = self._shares.get(bucket)
        if share is None or share.refused_until <= self._now():
            return None
        return self._budget(share, per_minute, share.wait_s)

    def _budget(self, share: _Share, per_minute: int, wait_s: int = 0) -> Budget:
        level = min(per_minute, share.level + (self._now() - share.seen_at) * per_minute / 60)
        left = 0.0 if wait_s else max(0.0, min(per_minute, level + share.tokens))
        return Budget(per_minute, int(left), math.ceil((per_minute - left) / (per_minute / 60)), wait_s)

    def _share(self, bucket: str) -> _Share:
        found = self._shares.get(bucket)
        if found is None:
            found = self._shares[bucket] = _Share()
            if len(self._shares) > _KEPT:
                self._shares.popitem(last=False)
        self._shares.move_to_end(bucket)
        return found
