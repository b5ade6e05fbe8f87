"""Problem and limits in, checked plan out: dispatch, search, an exact try where it pays, search again, check."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from woaas_solver_farm.checker import check
from woaas_solver_farm.objective import objective_of, rank
from woaas_solver_farm.problem import Limits, Place, Problem
from woaas_solver_farm.result import OnIncumbent, Result, judged

from . import dispatch as dispatching
from .best import Best
from .bounds import lower_bound
from .budget import Budget
from .cp import model as cp
from .decoding import CHANGES, MAKESPAN, Genes, Plan
from .disjunctive.bound import makespan_bound
from .disjunctive.islands import Islands
from .disjunctive.shop import shop_of
from .explain import explain
from .flat import flatten
from .flow_shop.islands import Islands as Line
from .flow_shop.line import line_tables, sequence_of_genes
from .known import genes_of_places
from .rounds import advance_all
from .search import search, temperature_of
from .tables import Tables, build_tables
from .walk import Walk, stand_at, start_walk
from .wheel import Wheel

# What share of the time the phases take; whatever one leaves goes to the last search.
_RULES_SHARE, _FIRST_SEARCH_SHARE, _EXACT_SHARE = 0.2, 0.2, 0.45
# A small problem is often proven at once, and nobody need wait for the search.
_BRIEF_SHARE, _BRIEF_S = 0.1, 2.0
# On a plain job shop a few rules do, and the exact try has a worker of its own; one worker alone tries it late.
_SHOP_RULES_SHARE, _SHOP_ALONE_SHARE, _SHOP_EXACT_SHARE = 0.01, 0.6, 0.2
# A dispatch of the whole plan takes as long as some hundred steps of the search.
_STEPS_PER_DISPATCH = 200
# Reasons and check beside the building of tables: on a busy machine both take longer.
_CLOSING_TO_BUILDING = 3.0
# How often the walks of one search meet.
_STAGES = 10
# A shop of so many operations gains as much from better rules as any plant.
_LARGE = 3000
# On a flow line where jobs may overtake, the best plan without overtaking is where the tabu search starts.
_LINE_SHARE = 0.3
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
        self.t: Tables = build_tables(problem)
        budget.keep_back(_CLOSING_TO_BUILDING * budget.elapsed_s())
        self.flat = flatten(self.t)
        self.wished = dispatching.wished_ends(self.t)
        self.best = Best(problem, self.t, self.flat, budget, on_incumbent)
        self.best.raise_bound(lower_bound(self.t))
        self.shop = shop_of(self.t)
        if self.shop is not None:
            self.best.raise_bound(float(self.t.goals[0][MAKESPAN]) * makespan_bound(self.t))
        self.line = line_tables(problem, self.t)
        self.islands: Islands | None = None
        self.rule = dispatching.first_rules()[0]

    def run(self) -> Result:
        if self.t.job_of.size:
            if not self.problem.permutation:
                self._known_plans()
                self._first_rules()
            for phase in self._phases():
                if self._is_done():
                    break
                phase()
        return self._finish()

    def _phases(self) -> list[Callable[[], None]]:
        iterations, total = self.budget.iterations, self.budget.time_limit_s
        if self.problem.permutation:
            return [lambda: self._overtake_nobody(total, iterations)]
        at_once: list[Callable[[], None]] = []
        if iterations is None and cp.is_small(self.t):
            at_once = [lambda: self._exact(min(_BRIEF_S, total * _BRIEF_SHARE), self.budget.workers)]
        improving = self._plant_phases() if self.shop is None else self._shop_phases()
        return [*at_once, self._more_rules, *improving]

    def _plant_phases(self) -> list[Callable[[], None]]:
        iterations, total = self.budget.iterations, self.budget.time_limit_s
        if not cp.is_worthwhile(self.t):
            return [lambda: self._search(0, total, iterations)]
        first = iterations if iterations is None else iterations // 3
        rest = iterations if iterations is None or first is None else iterations - first
        return [
            lambda: self._search(0, total * _FIRST_SEARCH_SHARE, first),
            lambda: self._exact(total * _EXACT_SHARE, self.budget.workers),
            lambda: self._search(1, total, rest),
        ]

    def _shop_phases(self) -> list[Callable[[], None]]:
        """Tabu search first; then beside the exact try, or in turns with it where turns are counted."""
        iterations, total = self.budget.iterations, self.budget.time_limit_s
        line: list[Callable[[], None]] = []
        if self.line is not None:
            third = iterations if iterations is None else iterations // 3
            line = [lambda: self._overtake_nobody(total * _LINE_SHARE, third)]
            iterations = iterations if iterations is None or third is None else iterations - third
        first = iterations if iterations is None else iterations // 2
        rest = iterations if iterations is None or first is None else iterations - first
        more = [lambda: self._search(1, total, iterations)] if len(self.t.goals) > 1 else []
        # What goals come after the makespan need time of their own.
        until = total / 2 if more else total
        workers = self.budget.workers
        if not cp.is_worthwhile(self.t):
            return [*line, lambda: self._tabu(until, iterations, workers, learns=False), *more]
        if iterations is None and workers > 1:
            return [
                *line,
                lambda: self._tabu(until * _FIRST_SEARCH_SHARE, None, workers, learns=False),
                lambda: self._tabu_beside_exact(until),
                lambda: self._tabu(until, None, workers, learns=True),
                *more,
            ]
        return [
            *line,
            lambda: self._tabu(until * _SHOP_ALONE_SHARE, first, workers, learns=False),
            lambda: self._exact(until * _SHOP_EXACT_SHARE, workers),
            lambda: self._tabu(until, rest, workers, learns=True),
            *more,
        ]

    def _is_done(self) -> bool:
        return self.best.is_optimal or self.budget.is_over()

    # --- where the first plans come from ---------------------------------------------------------------------------

    def _known_plans(self) -> None:
        for places in (self.problem.warm_start, self.problem.baseline):
            if places:
                self.best.offer_genes(self._genes_of_places(places))

    def _genes_of_places(self, places: tuple[Place, ...]) -> Genes:
        rest = self._dispatched(dispatching.first_rules()[0])[0]
        return genes_of_places(self.problem, self.t, self.flat, places, rest)

    def _first_rules(self) -> None:
        workers = self.budget.workers
        with ThreadPoolExecutor(workers) as pool:
            rules = dispatching.first_rules()
            for first in range(0, len(rules), workers):
                some = rules[first : first + workers]
                for rule, (genes, plan) in zip(some, pool.map(self._dispatched, some), strict=True):
                    if self.best.offer(genes, plan):
                        self.rule = rule
                if self.budget.is_over():
                    return

    def _more_rules(self) -> None:
        """A wheel a worker that turns around the best of the first rules."""
        t, flat, workers = self.t, self.flat, self.budget.workers
        share = _SHOP_RULES_SHARE if self.shop is not None and t.job_of.size < _LARGE else _RULES_SHARE
        iterations = self.budget.iterations
        advance_all(
            [Wheel(t, flat, self.rule, seed) for seed in self._seeds(2, workers)],
            lambda wheel, steps: wheel.advance(steps),
            lambda wheel: self.best.offer(wheel.genes, wheel.plan),
            budget=self.budget,
            until_s=self.budget.elapsed_s() + share * self.budget.remaining_s(),
            iterations=None if iterations is None else iterations // _STEPS_PER_DISPATCH,
            is_done=self._is_done,
            first_steps=1,
        )
        assert self.best.genes is not None
        self.best.offer_genes(dispatching.genes_of(t, flat, self.best.genes.order, self.best.plan))

    def _dispatched(self, rule: dispatching.Rule) -> tuple[Genes, Plan]:
        genes, plan, _ = dispatching.dispatch_to(self.t, self.flat, rule, self.wished)
        return genes, plan

    # --- improving -------------------------------------------------------------------------------------------------

    def _search(self, part: int, until_s: float, iterations: int | None) -> None:
        assert self.best.genes is not None
        genes = self.best.genes
        if not self.t.goals[:, CHANGES].any():
            # Held to the starts of an earlier plan nothing could move forward, and no change of the search lets go.
            genes = genes._replace(not_before=self.t.release.copy())
        walks = [start_walk(self.t, self.flat, genes, seed) for seed in self._seeds(part, self.budget.workers)]
        began_s = self.budget.elapsed_s()

        def progress(walk: Walk) -> float:
            if iterations is not None:
                return float(walk.numbers[1]) / iterations
            return (self.budget.elapsed_s() - began_s) / max(1e-9, until_s - began_s)

        stage = 0

        def share(done: float) -> None:
            """Ten times, all go on from the best."""
            nonlocal stage
            if int(done * _STAGES) > stage:
                stage = int(done * _STAGES)
                best = min(walks, key=lambda walk: walk.energies[0])
                for walk in walks:
                    if walk is not best:
                        stand_at(walk, best)

        advance_all(
            walks,
            lambda walk, steps: search(self.flat, walk, steps, temperature_of(walk, progress(walk))),
            lambda walk: self.best.offer(walk.best, walk.best_plan),
            budget=self.budget,
            until_s=until_s,
            iterations=iterations,
            is_done=lambda: self.best.is_optimal,
            after_round=lambda: share(progress(walks[0])),
        )

    def _overtake_nobody(self, until_s: float, iterations: int | None) -> None:
        """Search the plans in which a line's machines all take the jobs in one sequence."""
        assert self.line is not None
        places = self.problem.warm_start or self.problem.baseline
        given = sequence_of_genes(self.t, self._genes_of_places(places)) if places else None
        islands = Line(self.t, self.line, self.best, self._seeds(0, self.budget.workers), given)
        islands.advance(self.budget, until_s=until_s, iterations=iterations)

    def _tabu(self, until_s: float, iterations: int | None, workers: int, *, learns: bool) -> None:
        if self.islands is None and self.shop is not None:
            self.islands = Islands(self.t, self.shop, self.best, self._seeds(0, self.budget.workers))
        assert self.islands is not None
        self.islands.advance(workers, self.budget, until_s=until_s, iterations=iterations, learns=learns)

    def _tabu_beside_exact(self, until_s: float) -> None:
        with ThreadPoolExecutor(1) as pool:
            exact = pool.submit(self._exact, max(0.0, until_s - self.budget.elapsed_s()), 1)
            self._tabu(until_s, None, self.budget.workers - 1, learns=True)
            exact.result()

    def _seeds(self, part: int, workers: int) -> list[int]:
        return [(self.budget.seed * 3 + part) * 1009 + worker for worker in range(workers)]

    def _exact(self, share_s: float, workers: int) -> None:
        effort = None if self.budget.iterations is None else self.budget.iterations * _EFFORT_PER_ITERATION
        seconds = min(share_s, self.budget.remaining_s())
        budget = cp.Budget(seconds, effort, workers, self.budget.seed)
        has_given = bool((self.t.fixed_mode >= 0).any())
        answer = cp.solve_exactly(
            self.t,
            self.best.plan,
            budget,
            on_genes=self.best.offer_genes,
            on_bound=(lambda _: None) if has_given else self.best.raise_bound,
            should_stop=self._is_done,
        )
        self.best.is_infeasible |= answer.is_infeasible and not has_given
        if answer.bound is not None and not has_given:
            self.best.raise_bound(answer.bound)
        values = self.best.values
        if answer.is_optimal and values is not None and not has_given:
            close = [abs(a - b) <= 1e-6 * max(1.0, abs(b)) for a, b in zip(values, answer.values, strict=True)]
            self.best.is_optimal |= all(close)

    # --- the answer ------------------------------------------------------------------------------------------------

    def _finish(self) -> Result:
        best, writer = self.best, self.best.writer
        metrics = writer.metrics(best.plan)
        objective = rank(objective_of(self.problem), metrics)[0]
        status = best.status_of(best.plan)
        bounds = {"optimal": objective, "feasible": min(best.bound, objective)}
        result = Result(
            status=status,
            objective=objective,
            bound=bounds.get(status),
            accepted=False,
            metrics=metrics,
            assignments=writer.assignments(best.plan, explain(self.problem, self.t, best.plan, writer)),
            incumbents=tuple(best.incumbents),
            overflow=writer.overflow(best.plan),
        )
        return judged(result, is_sound=not check(self.problem, result))
