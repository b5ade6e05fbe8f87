"""Tabu searches on all workers, for one makespan: what they find becomes the solve's best plan, and the other way."""

from collections.abc import Sequence

from woaas_solver_farm.engine.best import Best
from woaas_solver_farm.engine.budget import Budget
from woaas_solver_farm.engine.decoding import MAKESPAN
from woaas_solver_farm.engine.rounds import advance_all
from woaas_solver_farm.engine.tables import Tables

from .shop import Shop, genes_of_starts
from .tabu import run
from .walk import BEST, BEST_ROW, Walk, stand_at, start_walk


class Islands:
    """One walk a seed, all from the best plan so far, which must exist."""

    def __init__(self, t: Tables, shop: Shop, best: Best, seeds: Sequence[int]) -> None:
        assert best.genes is not None
        self._t, self._shop, self._best = t, shop, best
        self._price = float(t.goals[0][MAKESPAN])
        self._walks = [start_walk(shop, best.genes.mode, best.genes.order, seed) for seed in seeds]

    def advance(self, workers: int, budget: Budget, *, until_s: float, iterations: int | None, learns: bool) -> None:
        """Advance the first so many walks; those that learn go on from a better plan found elsewhere."""
        walks = self._walks[:workers]

        def advance(walk: Walk, steps: int) -> bool:
            if learns:
                self._learn(walk)
            return run(self._shop, walk, steps, self._target())

        advance_all(
            walks,
            advance,
            self._offer,
            budget=budget,
            until_s=until_s,
            iterations=iterations,
            is_done=lambda: self._best.is_optimal or any(walk.counts[BEST] <= self._target() for walk in walks),
        )

    def _target(self) -> int:
        """The largest scaled makespan that meets the bound."""
        return (int(self._best.bound / self._price + 1e-6) + 1) * self._shop.scale - 1

    def _learn(self, walk: Walk) -> None:
        genes, makespan = self._best.genes, int(self._best.plan.end.max())
        if genes is not None and makespan < walk.counts[BEST] // self._shop.scale:
            stand_at(self._shop, walk, genes.mode, genes.order)

    def _offer(self, walk: Walk) -> None:
        self._best.offer_genes(genes_of_starts(self._t, walk.kept.mode[BEST_ROW], walk.kept.start[BEST_ROW]))
