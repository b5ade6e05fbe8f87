"""How much a solve may still do: by the clock, by iterations, or until the caller says stop."""

import time
from collections.abc import Callable

from woaas_solver_farm.durations import seconds
from woaas_solver_farm.problem import Limits

DEFAULT_TIME_LIMIT_S = 20.0
_GENEROUS_S = 3600.0
# Reasons and check of an operation, kept back from the search so that the answer comes in time.
_CLOSING_S = 70e-6


class Budget:
    """Limits resolved once; the clock starts when this is made. ``time_limit_s`` is the search's part.

    With iterations the time limit is only a cap, and every decision goes by counts.
    """

    def __init__(self, limits: Limits, should_stop: Callable[[], bool] | None, *, operations: int) -> None:
        given = seconds(limits.time_limit) if isinstance(limits.time_limit, str) else limits.time_limit
        self.iterations = limits.iterations
        default = DEFAULT_TIME_LIMIT_S if limits.iterations is None else _GENEROUS_S
        whole = default if given is None else given
        self._whole_s = whole
        self.time_limit_s = max(whole / 2, whole - operations * _CLOSING_S)
        self.seed = limits.seed
        self.workers = limits.workers or 1
        self._should_stop = should_stop
        self._began = time.monotonic()

    def keep_back(self, closing_s: float) -> None:
        """Leave at least so much of the time for what follows the search, but never more than half."""
        self.time_limit_s = max(self._whole_s / 2, min(self.time_limit_s, self._whole_s - closing_s))

    def elapsed_s(self) -> float:
        """Seconds since the solve began."""
        return time.monotonic() - self._began

    def remaining_s(self) -> float:
        """Seconds until the limit, at least 0."""
        return max(0.0, self.time_limit_s - self.elapsed_s())

    def is_over(self) -> bool:
        """True when the time is up or the caller wants to stop."""
        return self.elapsed_s() >= self.time_limit_s or (self._should_stop is not None and self._should_stop())
