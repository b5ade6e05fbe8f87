"""Iterated greedy on all workers: what they find becomes the solve's best plan; one that is stuck takes the best."""

from collections.abc import Sequence

from woaas_solver_farm.engine.best import Best
from woaas_solver_farm.engine.budget import Budget
from woaas_solver_farm.engine.decoding import MAKESPAN
from woaas_solver_farm.engine.rounds import advance_all
from woaas_solver_farm.engine.tables import Tables

from .greedy import BEST, STALE, Walk, run, stand_at, start_walk
from .line import Ints, Line, genes_of_sequence

_PATIENCE = 3000


class Islands:
    """One walk a seed, all from the sequence given, if any."""

    def __init__(self, t: Tables, line: Line, best: Best, seeds: Sequence[int], sequence: Ints | None) -> None:
        self._t, self._line, self._best = t, line, best
        self._price = float(t.goals[0][MAKESPAN])
        self._walks = [start_walk(line, sequence, seed) for seed in seeds]
        for walk in self._walks:
            self._offer(walk)

    def advance(self, budget: Budget, *, until_s: float, iterations: int | None) -> None:
        """Advance all walks until time or iterations are up, or the bound is met."""
        target = int(self._best.bound / self._price + 1e-6)
        advance_all(
            self._walks,
            lambda walk, steps: run(self._line, walk, steps, target),
            self._share,
            budget=budget,
            until_s=until_s,
            iterations=iterations,
            is_done=lambda: self._best.is_optimal,
        )

    def _share(self, walk: Walk) -> None:
        self._offer(walk)
        for other in self._walks:
            if other.counts[STALE] > _PATIENCE and other.counts[BEST] > walk.counts[BEST]:
                stand_at(other, walk.best, int(walk.counts[BEST]))

    def _offer(self, walk: Walk) -> None:
        self._best.offer_genes(genes_of_sequence(self._t, walk.best))
