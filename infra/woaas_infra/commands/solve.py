"""``woaas-server solve``."""

import sys
from pathlib import Path

import msgspec

from woaas_infra.errors import CannotStart
from woaas_solver_farm.problem import Metric


def solve(
    file: Path,
    *,
    time_limit: float = 20.0,
    workers: int = 1,
    objective: Metric | None = None,
    seed: int | None = None,
    json: bool = False,
) -> None:
    """Solve a scheduling problem in a file with the farm's engine; needs no server.

    Parameters
    ----------
    file
        .fjs, .jsp or .txt (permutation flow shop) text, or the JSON problem of the API
    time_limit
        Seconds to look for a better plan
    workers
        Processors to use
    objective
        The one metric to minimise; the file's own objective unless given
    seed
        The same seed makes the same plan, within an iteration limit
    json
        Print the whole result as JSON
    """
    from woaas_solver_farm.cli_solve import solve_file  # noqa: PLC0415 - keeps --help fast
    from woaas_solver_farm.problem_errors import ProblemError  # noqa: PLC0415

    try:
        result = solve_file(file, time_limit_s=time_limit, workers=workers, objective=objective, seed=seed)
    except ProblemError as error:
        raise CannotStart(f"{file}: {error}") from error
    except OSError as error:
        raise CannotStart(f"{file}: {error.strerror or error}") from error
    if json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return
    names = ("status", "objective", "bound", "seconds", "checked")
    sys.stdout.write("".join(f"{name}: {result[name]}\n" for name in names))
