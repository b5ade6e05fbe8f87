"""Compile the kernels ahead of time: ``python -m woaas_solver_farm.engine.warm`` at set-up or image build."""

from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Operation, Problem

from .solve import solve


def warm() -> None:
    """Compile every kernel, or load it from the cache of an earlier call; a minute or a second."""
    operations = tuple(Operation(id=str(i), modes=(Mode(machine="M", duration=1 + i),)) for i in range(3))
    solve(Problem(machines=(Machine(id="M"),), jobs=(Job(id="J", operations=operations),)), Limits(iterations=50))
    solve(_job_shop(), Limits(iterations=50))
    solve(_flow_line(), Limits(iterations=5))


def _flow_line() -> Problem:
    jobs = tuple(
        Job(id=str(j), operations=(Operation(id="1", modes=(Mode(machine="M", duration=j),)),)) for j in (1, 2)
    )
    return Problem(machines=(Machine(id="M"),), jobs=jobs, objective=minimise("makespan"), permutation=True)


def _job_shop() -> Problem:
    """No bound proves its best plan, or the tabu search would never start."""
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
