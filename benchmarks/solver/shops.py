"""Shops of the research community against their best known plans, beside plain CP-SAT and PyJobShop."""

import csv
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from typing import Any, NamedTuple

from benchmarks.solver.data import DATA
from benchmarks.solver.results import Trial, is_full, measured, version_of
from benchmarks.solver.tables import show
from woaas_solver_farm.problem import Limits, Problem
from woaas_solver_farm.problem_errors import ProblemError
from woaas_solver_farm.readers import read_problem
from woaas_solver_farm.result import Result

WORKERS, SEED = 2, 1
SECONDS = {"fjsp": 30.0, "jsp": 30.0, "sdst_pfsp": 60.0, "fjsp_sdst": 30.0}
# The larger ones of each family, and of the classics those that are not solved at once.
SUBSET = {
    "fjsp": [
        "mk02",
        "mk04",
        "mk05",
        "mk06",
        "mk07",
        "la10_edata",
        "la15_edata",
        "la15_rdata",
        "la15_vdata",
        "fattahi20",
    ],
    "jsp": ["ft10", "orb01", "ta01js", "ta03js", "ta05js", "ta09js"],
    "sdst_pfsp": None,
    "fjsp_sdst": None,
}


class Instance(NamedTuple):
    """A row of the table of best known plans."""

    kind: str
    name: str
    file: str
    best_known: float | None


Opponent = Callable[..., float | None]


def main() -> None:
    """Measure every family and print its table and means."""
    from woaas_solver_farm.engine.warm import warm  # noqa: PLC0415

    warm()
    for kind, seconds in SECONDS.items():
        rows: list[list[object]] = []
        for instance in _instances(kind):
            try:
                problem = read_problem(DATA / "scheduling" / instance.file)
            except ProblemError as error:
                print(f"{instance.name} is left out: {error}")
                continue
            rows.append([instance.name, instance.best_known, *_figures(instance, problem, seconds)])
        if rows:
            columns = [f"{engine} {column}" for engine in ENGINES for column in ("makespan", "gap %")]
            rows.append(_means(rows))
            show(
                f"{kind}, {seconds:g} s, {WORKERS} workers", ["instance", "best known", *columns, "CPU s", "load"], rows
            )


def _instances(kind: str) -> list[Instance]:
    with (DATA / "scheduling" / "bks.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if row["kind"] == kind]
    wanted = None if is_full() else SUBSET[kind]
    return [
        Instance(kind, row["instance"], row["file"], float(row["ub"]) if row["ub"] else None)
        for row in rows
        if wanted is None or row["instance"] in wanted
    ]


def _figures(instance: Instance, problem: Problem, seconds: float) -> list[object]:
    found = []
    for engine, (solve, release) in ENGINES.items():
        trial = Trial(engine, release(), instance.name, SEED, seconds)
        found.append(measured(trial, lambda solve=solve: _timed(solve, problem, seconds)))
    # Where nothing is published, the best plan of this run stands in.
    best = instance.best_known or min(f["makespan"] for f in found if f["makespan"] is not None)
    cells: list[object] = []
    for figures in found:
        makespan = figures["makespan"]
        cells += [makespan, None if makespan is None else 100 * (makespan / best - 1)]
    return [*cells, "/".join(f"{f['cpu']:.0f}" for f in found), "/".join(f"{f['load']:.0f}" for f in found)]


def _timed(solve: Opponent, problem: Problem, seconds: float) -> dict[str, Any]:
    used, began = time.process_time(), time.monotonic()
    makespan = solve(problem, seconds=seconds, workers=WORKERS, seed=SEED)
    return {
        "makespan": makespan,
        "seconds": round(time.monotonic() - began, 2),
        "cpu": round(time.process_time() - used, 2),
    }


def _means(rows: list[list[object]]) -> list[object]:
    means: list[object] = ["mean", None]
    for column in range(2, 2 + 2 * len(ENGINES)):
        values = [row[column] for row in rows]
        gaps = [value for value in values if isinstance(value, float)]
        means.append(sum(gaps) / len(gaps) if column % 2 and len(gaps) == len(rows) else None)
    return [*means, "", ""]


def _ours(problem: Problem, *, seconds: float, workers: int, seed: int) -> float | None:
    from woaas_solver_farm.engine.solve import solve  # noqa: PLC0415 - its kernels load when they are needed

    result = solve(problem, Limits(time_limit=seconds, workers=workers, seed=seed))
    assert result.accepted, "the checker refused the plan"
    assert not problem.permutation or _is_permutation(problem, result), "a job overtakes another"
    return result.objective


def _is_permutation(problem: Problem, result: Result) -> bool:
    """True if all machines take the jobs in one order; read from the plan alone."""
    orders = {
        machine.id: [
            a.job for a in sorted(result.assignments, key=lambda a: (a.start, a.end)) if a.machine == machine.id
        ]
        for machine in problem.machines
    }
    return all(one == other for one, other in pairwise(orders.values()))


def _plain(problem: Problem, *, seconds: float, workers: int, seed: int) -> float | None:
    from benchmarks.solver.plain_cp_sat import solve  # noqa: PLC0415

    return solve(problem, seconds=seconds, workers=workers, seed=seed)


def _pyjobshop(problem: Problem, *, seconds: float, workers: int, seed: int) -> float | None:
    from benchmarks.solver.pyjobshop_model import solve  # noqa: PLC0415

    return solve(problem, seconds=seconds, workers=workers, seed=seed)


ENGINES: dict[str, tuple[Opponent, Callable[[], str]]] = {
    "WOaaS": (_ours, lambda: version_of("solver_farm/woaas_solver_farm/engine")),
    "CP-SAT": (_plain, lambda: version("ortools") + version_of("benchmarks/solver/plain_cp_sat.py")),
    "PyJobShop": (_pyjobshop, lambda: version("pyjobshop") + version_of("benchmarks/solver/pyjobshop_model.py")),
}
