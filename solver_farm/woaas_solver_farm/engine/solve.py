"""Problem and limits in, checked plan out: dispatch, search, an exact try where it pays, search again, check."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np

from woaas_solver_farm.checker import check
from woaas_solver_farm.objective import objective_of, rank
from woaas_solver_farm.problem import Limits, Place, Problem
from woaas_solver_farm.problem_validation import OperationNames
from woaas_solver_farm.result import Incumbent, OnIncumbent, Result, Status

from . import dispatch as dispatching
from .bounds import lower_bound
from .budget import Budget
from .calendars import NEVER
from .cp import model as cp
from .decoding import Genes, Plan, decode_all, new_plan
from .explain import explain
from .flat import flatten
from .plan import Writer
from .search import prices_of, search, start_walk
from .tables import OUTSIDE, Tables, build_tables

# What share of the time the phases take; whatever one leaves goes to the last search.
_RULES_SHARE, _FIRST_SEARCH_SHARE, _EXACT_SHARE = 0.1, 0.2, 0.45
# Where one step of the search takes milliseconds, better rules win more than better sequences.
_LARGE, _LARGE_RULES_SHARE = 3000, 0.6
_ROUND_S = 0.05
_COUNTED_RULES = 12
_EFFORT_PER_ITERATION = 1e-4


def solve(
    problem: Problem,
    limits: Limits | None = None,
    *,
    on_incumbent: OnIncumbent | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Result:
    """The best plan found within the limits, accepted by the checker or marked as not.

    Pure apart from the clock: with ``iterations``, equal arguments give equal plans. ``limits`` override the
    problem's own. Both callbacks are called from this solve's threads and must be quick. The first solve of a
    process loads the compiled kernels (a second), or compiles them if ``engine.warm`` never ran (a minute).
    """
    budget = Budget(
        limits or problem.limits or Limits(), should_stop, operations=sum(len(job.operations) for job in problem.jobs)
    )
    return _Solve(problem, budget, on_incumbent).run()


class _Solve:
    def __init__(self, problem: Problem, budget: Budget, on_incumbent: OnIncumbent | None) -> None:
        self.problem = problem
        self.budget = budget
        self.on_incumbent = on_incumbent
        self.objective = objective_of(problem)
        self.t: Tables = build_tables(problem)
        self.flat = flatten(self.t)
        self.writer = Writer(problem, self.t)
        self.genes: Genes | None = None
        self.plan: Plan = new_plan(self.t.job_of.size)
        self.best: tuple[float, ...] | None = None
        self.incumbents: list[Incumbent] = []
        self.bound = lower_bound(self.t)
        self.is_optimal = False
        self.is_infeasible = self.writer.is_impossible()

    def run(self) -> Result:
        if self.t.job_of.size:
            self._known_plans()
            self._rules()
            for phase in self._phases():
                if self._is_done():
                    break
                phase()
        return self._finish()

    def _phases(self) -> list[Callable[[], None]]:
        iterations, total = self.budget.iterations, self.budget.time_limit_s
        if not cp.is_worthwhile(self.t):
            return [lambda: self._search(0, total, iterations)]
        first = iterations if iterations is None else iterations // 3
        rest = iterations if iterations is None or first is None else iterations - first
        return [
            lambda: self._search(0, total * _FIRST_SEARCH_SHARE, first),
            lambda: self._exact(total * _EXACT_SHARE),
            lambda: self._search(1, total, rest),
        ]

    def _is_done(self) -> bool:
        return self.is_optimal or self.budget.is_over()

    # --- where the first plans come from ---------------------------------------------------------------------------

    def _known_plans(self) -> None:
        for places in (self.problem.warm_start, self.problem.baseline):
            if places:
                self._offer_genes(self._genes_of_places(places))

    def _genes_of_places(self, places: tuple[Place, ...]) -> Genes:
        """The order and modes of an earlier plan, held to its starts; operations it lacks go last."""
        t = self.t
        names = OperationNames(self.problem)
        machines = {machine.id: i for i, machine in enumerate(self.problem.machines)}
        genes = self._dispatched(next(dispatching.rules(0)))
        starts = np.full(t.job_of.size, NEVER, np.int64)
        for place in places:
            found = names.find(place.operation, near=place.job, strict=place.job is not None)
            assert found is not None
            i = int(t.first_operation[found[0]]) + found[1]
            machine = OUTSIDE if place.machine is None else machines.get(place.machine, -2)
            modes = [m for m in range(t.first_mode[i], t.first_mode[i + 1]) if t.machine[m] == machine]
            genes.mode[i] = modes[0] if modes else -1
            genes.not_before[i] = max(int(t.release[i]), place.start)
            starts[i] = place.start
        known = new_plan(t.job_of.size)
        known.start[:] = known.setup_start[:] = starts
        known.mode[:] = genes.mode
        return dispatching.genes_of(t, self.flat, genes.order, known)._replace(not_before=genes.not_before)

    def _rules(self) -> None:
        """Dispatch by one rule after another, drawing new ones around the best; a round has a rule for each worker."""
        rules = dispatching.rules(self.budget.seed)
        draws = [next(rules)]
        tried = 0
        with ThreadPoolExecutor(self.budget.workers) as pool:
            while not tried or not self._are_rules_enough(tried):
                best: dispatching.Rule | None = None
                for rule, genes in zip(draws, pool.map(self._dispatched, draws), strict=True):
                    if self._offer_genes(genes):
                        best = rule
                        self._offer_genes(dispatching.genes_of(self.t, self.flat, genes.order, self.plan))
                tried += len(draws)
                draws = [rules.send(best), *(next(rules) for _ in range(self.budget.workers - 1))]

    def _dispatched(self, rule: dispatching.Rule) -> Genes:
        return dispatching.dispatch(self.t, self.flat, rule)

    def _are_rules_enough(self, tried: int) -> bool:
        if self.budget.iterations is not None:
            return tried >= _COUNTED_RULES or self.budget.is_over()
        share = _RULES_SHARE if self.t.job_of.size < _LARGE else _LARGE_RULES_SHARE
        return self.budget.is_over() or self.budget.elapsed_s() > self.budget.time_limit_s * share

    # --- improving -------------------------------------------------------------------------------------------------

    def _search(self, part: int, until_s: float, iterations: int | None) -> None:
        assert self.genes is not None
        seeds = [(self.budget.seed * 2 + part) * 1009 + worker for worker in range(self.budget.workers)]
        walks = [start_walk(self.t, self.flat, self.genes, seed) for seed in seeds]
        with ThreadPoolExecutor(len(walks)) as pool:
            left, chunk = iterations, 32
            while (left is None or left > 0) and self.budget.elapsed_s() < until_s and not self.budget.is_over():
                steps = chunk if left is None else min(chunk, left)
                began = self.budget.elapsed_s()
                improved = list(pool.map(lambda walk: search(self.flat, walk, steps), walks))  # noqa: B023
                spent = self.budget.elapsed_s() - began
                chunk = max(1, min(4 * chunk, int(chunk * _ROUND_S / max(spent, 1e-4))))
                left = left if left is None else left - steps
                for walk, is_better in zip(walks, improved, strict=True):
                    if is_better:
                        self._offer(walk.best, walk.best_plan)

    def _exact(self, share_s: float) -> None:
        effort = None if self.budget.iterations is None else self.budget.iterations * _EFFORT_PER_ITERATION
        seconds = min(share_s, self.budget.remaining_s())
        budget = cp.Budget(seconds, effort, self.budget.workers, self.budget.seed)
        answer = cp.solve_exactly(
            self.t, self.plan, budget, on_genes=self._offer_genes, should_stop=self.budget.is_over
        )
        has_given = bool((self.t.fixed_mode >= 0).any())
        self.is_infeasible |= answer.is_infeasible and not has_given
        if answer.bound is not None and not has_given:
            self.bound = max(self.bound, round(answer.bound, 6))
        if answer.is_optimal and self.best is not None and not has_given:
            close = [abs(a - b) <= 1e-6 * max(1.0, abs(b)) for a, b in zip(self.best[1:], answer.values, strict=True)]
            self.is_optimal |= all(close)

    def _offer_genes(self, genes: Genes) -> bool:
        return self._offer(genes, decode_all(self.t, self.flat, genes, prices_of(self.t))[0])

    def _offer(self, genes: Genes, plan: Plan) -> bool:
        """Keep a plan if it is better: first by operations placed, then by the goals in order."""
        metrics = self.writer.metrics(plan)
        worth = (float((plan.mode < 0).sum()), *rank(self.objective, metrics))
        if self.best is not None and worth >= self.best:
            return False
        self.best = worth
        self.genes = Genes(genes.order.copy(), plan.mode.copy(), genes.not_before.copy())
        self.plan = kept = Plan(*(part.copy() for part in plan))
        incumbent = Incumbent(at=round(self.budget.elapsed_s(), 3), objective=worth[1])
        self.incumbents.append(incumbent)
        if worth[0] == 0 and len(worth) == 2 and worth[1] <= self.bound:
            self.is_optimal = True
        if self.on_incumbent is not None:
            self.on_incumbent(incumbent, lambda: self.writer.result(kept, incumbent.objective, self._status(kept)))
        return True

    # --- the answer ------------------------------------------------------------------------------------------------

    def _finish(self) -> Result:
        reasons = explain(self.problem, self.t, self.plan, self.writer)
        metrics = self.writer.metrics(self.plan)
        objective = rank(self.objective, metrics)[0]
        status = self._status(self.plan)
        result = Result(
            status=status,
            objective=objective,
            bound=objective if status == "optimal" else min(self.bound, objective) if status == "feasible" else None,
            accepted=False,
            metrics=metrics,
            assignments=self.writer.assignments(self.plan, reasons),
            incumbents=tuple(self.incumbents),
            overflow=self.writer.overflow(self.plan),
        )
        if check(self.problem, result):
            return msgspec.structs.replace(result, status="unknown", bound=None)
        return msgspec.structs.replace(result, accepted=True)

    def _status(self, plan: Plan) -> Status:
        if (plan.mode < 0).any():
            return "infeasible" if self.is_infeasible else "unknown"
        return "optimal" if self.is_optimal or not plan.mode.size else "feasible"
