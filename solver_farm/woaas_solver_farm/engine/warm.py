"""Compile the kernels ahead of time: ``python -m woaas_solver_farm.engine.warm`` at set-up or image build."""

import numpy as np

from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Operation, Problem

from .disjunctive.shop import shop_of
from .disjunctive.tabu import run
from .disjunctive.walk import BEST_ROW, stand_at, start_walk
from .flow_shop.greedy import run as search_line
from .flow_shop.greedy import start_walk as start_line
from .flow_shop.line import line_tables
from .solve import solve
from .tables import build_tables


def warm() -> None:
    """Compile every kernel, or load it from the cache of an earlier call; a minute or a second."""
    operations = tuple(Operation(id=str(i), modes=(Mode(machine="M", duration=1 + i),)) for i in range(3))
    solve(Problem(machines=(Machine(id="M"),), jobs=(Job(id="J", operations=operations),)), Limits(iterations=50))
    solve(_flow_line(), Limits(iterations=5))
    _search_a_line()
    _search_a_shop()


def _search_a_line() -> None:
    """Iterated greedy without a bound, for the same reason as below."""
    problem = _flow_line()
    line = line_tables(problem, build_tables(problem))
    assert line is not None
    search_line(line, start_line(line, None, 1), 5, -1)


def _search_a_shop() -> None:
    """Tabu search without a bound, which might prove the first plan and end the search before it begins."""
    t = build_tables(_job_shop())
    shop = shop_of(t)
    assert shop is not None
    walk = start_walk(shop, t.first_mode[:-1].copy(), np.arange(t.job_of.size), 1)
    stand_at(shop, walk, walk.kept.mode[BEST_ROW].copy(), np.arange(t.job_of.size))
    run(shop, walk, 50, -1)


def _flow_line() -> Problem:
    jobs = tuple(
        Job(id=str(j), operations=(Operation(id="1", modes=(Mode(machine="M", duration=j),)),)) for j in (1, 2)
    )
    return Problem(machines=(Machine(id="M"),), jobs=jobs, objective=minimise("makespan"), permutation=True)


def _job_shop() -> Problem:
    jobs = tuple(
        Job(
            id=f"J{j}",
            operations=tuple(
                Operation(id=str(i), modes=(Mode(machine=m, duration=3),), predecessors=(str(i - 1),) if i else ())
                for i, m in enumerate(machines)
            ),
        )
        for j, machines in enumerate(("MN", "NM", "MN", "NM", "MN"))
    )
    return Problem(machines=(Machine(id="M"), Machine(id="N")), jobs=jobs, objective=minimise("makespan"))


if __name__ == "__main__":
    warm()
