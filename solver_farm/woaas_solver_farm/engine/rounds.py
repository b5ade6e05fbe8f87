"""Searches side by side, one a worker, in rounds short enough to listen to the clock and to whoever says stop."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .budget import Budget

W = TypeVar("W")

_ROUND_S, _LONGEST_ROUND_S = 0.05, 0.5
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
        left, chunk, round_s = iterations, first_steps, _ROUND_S
        while (left is None or left > 0) and budget.elapsed_s() < until_s and not (is_done() or budget.is_over()):
            steps = chunk if left is None else min(chunk, left)
            began = budget.elapsed_s()
            improved = list(pool.map(lambda walk: advance(walk, steps), walks))  # noqa: B023
            spent = budget.elapsed_s() - began
            if left is None:
                chunk = max(1, min(4 * chunk, int(chunk * round_s / max(spent, 1e-4))))
            else:
                left -= steps
            began = budget.elapsed_s()
            for walk, is_better in zip(walks, improved, strict=True):
                if is_better:
                    offer(walk)
            after_round()
            # Where a plan takes long to write down, the search must not wait for that all the time.
            round_s = min(_LONGEST_ROUND_S, max(_ROUND_S, 4 * (budget.elapsed_s() - began)))
