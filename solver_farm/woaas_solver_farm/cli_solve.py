"""Solving a file without a server: what ``woaas-server solve`` prints."""

import time
from pathlib import Path
from typing import Any

import msgspec

from woaas_solver_farm.checker import check
from woaas_solver_farm.objective import minimise
from woaas_solver_farm.problem import Limits, Metric
from woaas_solver_farm.problem_errors import ProblemError
from woaas_solver_farm.problem_validation import faults
from woaas_solver_farm.readers import read_problem


def solve_file(
    path: Path, *, time_limit_s: float, workers: int, objective: Metric | None = None, seed: int | None = None
) -> dict[str, Any]:
    """The result object of a solved file with ``seconds`` (the solve alone, on the clock) and ``checked``.

    ``checked`` is the independent checker's word on what is printed, asked again here. Where no plan of everything was
    found, ``objective`` is null and ``accepted`` false; what is placed is there all the same, the rest is ``overflow``.

    Raises:
        ProblemError: the file is no problem.
        OSError: it cannot be read.
    """
    from woaas_solver_farm.engine.solve import solve  # noqa: PLC0415 - keeps other commands fast
    from woaas_solver_farm.engine.warm import warm  # noqa: PLC0415

    # Where set-up has not compiled the kernels, that is not the solve's time.
    warm()

    problem = read_problem(path)
    if objective is not None:
        problem = msgspec.structs.replace(problem, objective=minimise(objective))
        if found := faults(problem):
            raise ProblemError(found)
    given = problem.limits or Limits()
    limits = msgspec.structs.replace(
        given, time_limit=time_limit_s, workers=workers, seed=given.seed if seed is None else seed
    )
    began = time.monotonic()
    result = solve(problem, limits)
    seconds = time.monotonic() - began
    shown: dict[str, Any] = msgspec.to_builtins(result)
    return {**shown, "seconds": round(seconds, 3), "checked": not check(problem, result)}
