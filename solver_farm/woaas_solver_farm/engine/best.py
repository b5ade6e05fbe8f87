"""The best plan of a solve so far and what is proven about it; offers may come from several threads."""

import threading

from woaas_solver_farm.objective import objective_of, rank
from woaas_solver_farm.problem import Problem
from woaas_solver_farm.result import Incumbent, OnIncumbent, Status

from .budget import Budget
from .decoding import Genes, Plan, decode_all, new_plan
from .flat import Flat
from .plan import Writer
from .tables import Tables


class Best:
    """Keeps a plan if it is better: first by operations placed, then by the goals in order.

    ``bound`` is what no plan can beat in the first goal.
    """

    def __init__(self, problem: Problem, t: Tables, flat: Flat, budget: Budget, on_incumbent: OnIncumbent | None):
        self.writer = Writer(problem, t)
        self.genes: Genes | None = None
        self.plan: Plan = new_plan(t.job_of.size)
        self.incumbents: list[Incumbent] = []
        self.bound = float("-inf")
        self.is_optimal = False
        self.is_infeasible = self.writer.is_impossible()
        self._objective = objective_of(problem)
        self._t, self._flat, self._budget, self._on_incumbent = t, flat, budget, on_incumbent
        self._worth: tuple[float, ...] | None = None
        self._lock = threading.RLock()

    @property
    def values(self) -> tuple[float, ...] | None:
        """The goals' values in order."""
        return None if self._worth is None else self._worth[1:]

    def offer_genes(self, genes: Genes) -> bool:
        """Keep the plan the genes decode to, if it is better; true if it was."""
        return self.offer(genes, decode_all(self._t, self._flat, genes)[0])

    def offer(self, genes: Genes, plan: Plan) -> bool:
        """Keep a plan if it is better; true if it was."""
        worth = (float((plan.mode < 0).sum()), *rank(self._objective, self.writer.metrics(plan)))
        with self._lock:
            if self._worth is not None and worth >= self._worth:
                return False
            self._worth = worth
            self.genes = Genes(genes.order.copy(), plan.mode.copy(), genes.not_before.copy(), plan.operator.copy())
            self.plan = kept = Plan(*(part.copy() for part in plan))
            incumbent = Incumbent(at=round(self._budget.elapsed_s(), 3), objective=worth[1])
            self.incumbents.append(incumbent)
            self.is_optimal |= self._meets_bound()
            if self._on_incumbent is not None:
                self._on_incumbent(
                    incumbent, lambda: self.writer.result(kept, incumbent.objective, self.status_of(kept))
                )
            return True

    def raise_bound(self, bound: float) -> None:
        """Take note of a bound, which may prove the plan optimal."""
        with self._lock:
            self.bound = max(self.bound, round(bound, 6))
            self.is_optimal |= self._meets_bound()

    def status_of(self, plan: Plan) -> Status:
        """What may be said of a plan now."""
        if (plan.mode < 0).any():
            return "infeasible" if self.is_infeasible else "unknown"
        return "optimal" if self.is_optimal or not plan.mode.size else "feasible"

    def _meets_bound(self) -> bool:
        """True if the plan is whole and its only goal is as good as can be."""
        return (
            self._worth is not None and self._worth[0] == 0 and len(self._worth) == 2 and self._worth[1] <= self.bound
        )
