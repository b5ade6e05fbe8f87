"""Compile the kernels ahead of time: ``python -m woaas_solver_farm.engine.warm`` at set-up or image build."""

from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Operation, Problem

from .solve import solve


def warm() -> None:
    """Compile every kernel, or load it from the cache of an earlier call; a minute or a second."""
    operations = tuple(Operation(id=str(i), modes=(Mode(machine="M", duration=1 + i),)) for i in range(3))
    solve(Problem(machines=(Machine(id="M"),), jobs=(Job(id="J", operations=operations),)), Limits(iterations=50))


if __name__ == "__main__":
    warm()
