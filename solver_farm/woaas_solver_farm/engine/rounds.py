"""Searches side by side, one a worker, in rounds short enough to listen to the clock and to whoever says stop."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .budget import Budget

W = TypeVar("W")

_ROUND_S = 0.05
_FIRST_STEPS = 32


def advance_all(
    walks: Sequence[W],
    advance: Callable[[W, int], bool],
    offer: Callable[[W], object],
    *,
    budget: Budget,
    until_s: float,
    iterations: int | None,
    is_done: Callable[[], bool],
    first_steps: int = _FIRST_STEPS,
    after_round: Callable[[], object] = lambda: None,
) -> None:
    """Advance each walk by so many steps a round, offering those that got better, until time or iterations are up.

    ``after_round`` may let the walks learn from each other. With iterations the rounds are equal, so that of equally
    good plans the same one is offered first.
    """
    with ThreadPoolExecutor(len(walks)) as pool:
        left, chunk = iterations, first_steps
        while (left is None or left > 0) and budget.elapsed_s() < until_s and not (is_done() or budget.is_over()):
            steps = chunk if left is None else min(chunk, left)
            began = budget.elapsed_s()
            improved = list(pool.map(lambda walk: advance(walk, steps), walks))  # noqa: B023
            spent = budget.elapsed_s() - began
            if left is None:
                chunk = max(1, min(4 * chunk, int(chunk * _ROUND_S / max(spent, 1e-4))))
            else:
                left -= steps
            for walk, is_better in zip(walks, improved, strict=True):
                if is_better:
                    offer(walk)
            after_round()
