"""The made-up factory at four sizes: our engine beside dispatching rules and, where it gets anywhere, CP-SAT.

Every solve runs in a process of its own, so that its memory is its own: `python -m benchmarks.solver.factory ours
ORDERS SEED SECONDS POLICY` prints one as JSON.
"""

import json
import resource
import subprocess
import sys
import time
from typing import Any

import msgspec

from benchmarks.solver.results import Trial, is_full, measured, version_of
from benchmarks.solver.tables import show
from woaas_solver_farm.generator import Shape, generate
from woaas_solver_farm.objective import PRESETS
from woaas_solver_farm.problem import Limits, Objective, Problem, Term
from woaas_solver_farm.result import Incumbent, Metrics

WORKERS = 2
SECONDS = {50: 10.0, 200: 20.0, 1000: 30.0, 3000: 60.0}
GRID = [(slack, setup) for slack in (1.0, 4.0, 20.0) for setup in (0.1, 0.3)]
# CP-SAT gets four times our time, and finds nothing beyond this size.
EXACT_ORDERS, EXACT_FACTOR = 50, 4
POLICIES = {
    "sum": Objective(terms=(Term(metric="weighted_tardiness"), Term(metric="setup_time"))),
    "min_changeover": PRESETS["min_changeover"],
}


def main() -> None:
    """Measure all sizes and print the tables."""
    plans: list[list[object]] = []
    goals: list[list[object]] = []
    for orders, seconds in SECONDS.items():
        for seed in range(1, 6 if is_full() else 2):
            rules = _measured("rules", orders, seed, 0.0, "sum")
            ours = {policy: _measured("ours", orders, seed, seconds, policy) for policy in POLICIES}
            exact = _measured("exact", orders, seed, seconds, "sum") if orders <= EXACT_ORDERS else None
            named = [*((name, rules[name]) for name in ("EDD", "FIFO", "ATCS")), *_named(ours, exact)]
            plans += [
                [orders, seed, name, f["objective"], f["tardiness"], f["setup"], f.get("cpu"), f.get("load")]
                for name, f in named
            ]
            goals.append(_goals(orders, seed, rules, ours, exact))
    show(
        "Weighted tardiness and set-up, minutes",
        ("orders", "seed", "plan", "sum", "weighted tardiness", "set-up", "CPU s", "load"),
        plans,
    )
    show(
        "Against the goals",
        (
            "orders",
            "seed",
            "first plan CPU s",
            "wall s",
            "RSS MB",
            "% below ATCS",
            "% below EDD",
            "% below CP-SAT",
            "set-up % below EDD, no later",
            "with policy",
        ),
        goals,
    )


def _named(ours: dict[str, dict[str, Any]], exact: dict[str, Any] | None) -> list[tuple[str, dict[str, Any]]]:
    named = [(f"ours, {policy}", figures) for policy, figures in ours.items()]
    return named if exact is None else [*named, ("CP-SAT", exact)]


def _goals(
    orders: int, seed: int, rules: dict[str, Any], ours: dict[str, dict[str, Any]], exact: dict[str, Any] | None
) -> list[object]:
    plan, edd = ours["sum"], rules["EDD"]
    below = [_below(plan["objective"], rules[name]["objective"]) for name in ("ATCS", "EDD")]
    # The fewest set-up minutes among the plans that are no later than EDD's.
    punctual = {policy: f["setup"] for policy, f in ours.items() if f["tardiness"] <= edd["tardiness"]}
    policy = min(punctual, key=lambda name: int(punctual[name]), default=None)
    return [
        *(orders, seed, plan["first_cpu"], plan["wall"], plan["rss_mb"], *below),
        None if exact is None else _below(plan["objective"], exact["objective"]),
        None if policy is None else _below(punctual[policy], edd["setup"]),
        policy or "none",
    ]


def _below(value: float, other: float) -> float:
    return round(100 * (1 - value / other), 1) if other else 0.0


def _measured(engine: str, orders: int, seed: int, seconds: float, policy: str) -> dict[str, Any]:
    version = version_of("solver_farm/woaas_solver_farm", "benchmarks/solver/factory.py")
    trial = Trial(f"{engine}-{policy}", version, f"factory-{orders}", seed, seconds)
    arguments = [engine, str(orders), str(seed), str(seconds), policy]

    def run() -> dict[str, Any]:
        command = [sys.executable, "-m", "benchmarks.solver.factory", *arguments]
        figures: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return figures

    return measured(trial, run)


# --- one solve, in a process of its own ------------------------------------------------------------------------------


def _problem(orders: int, seed: int, policy: str) -> Problem:
    return msgspec.structs.replace(generate(Shape(orders=orders), seed), objective=POLICIES[policy])


def _ours(orders: int, seed: int, seconds: float, policy: str) -> dict[str, Any]:
    from woaas_solver_farm.engine.solve import solve  # noqa: PLC0415 - this process alone needs the kernels
    from woaas_solver_farm.engine.warm import warm  # noqa: PLC0415

    warm()
    problem = _problem(orders, seed, policy)
    firsts: list[float] = []
    cpu, wall = time.process_time(), time.monotonic()

    def hear(_incumbent: Incumbent, _result: object) -> None:
        if not firsts:
            firsts.append(round(time.process_time() - cpu, 2))

    result = solve(problem, Limits(time_limit=seconds, workers=WORKERS, seed=1), on_incumbent=hear)
    assert result.accepted
    assert not result.overflow
    return {
        "objective": result.metrics.weighted_tardiness + result.metrics.setup_time,
        "tardiness": result.metrics.weighted_tardiness,
        "setup": result.metrics.setup_time,
        "first_cpu": firsts[0],
        "cpu": round(time.process_time() - cpu, 1),
        "wall": round(time.monotonic() - wall, 1),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _rules(orders: int, seed: int) -> dict[str, Any]:
    """EDD and first come first served know no set-ups; ATCS is the best of six points."""
    from woaas_solver_farm.engine.baselines import baselines  # noqa: PLC0415
    from woaas_solver_farm.engine.dispatch import Rule, dispatch_to, wished_ends  # noqa: PLC0415
    from woaas_solver_farm.engine.flat import flatten  # noqa: PLC0415
    from woaas_solver_farm.engine.plan import Writer  # noqa: PLC0415
    from woaas_solver_farm.engine.tables import build_tables  # noqa: PLC0415

    problem = _problem(orders, seed, "sum")
    t = build_tables(problem)
    flat, writer = flatten(t), Writer(problem, t)

    def plan(metrics: Metrics) -> dict[str, Any]:
        setup, tardiness = metrics.setup_time, metrics.weighted_tardiness
        return {"objective": setup + tardiness, "tardiness": tardiness, "setup": setup}

    plain = baselines(problem)
    wished = wished_ends(t)
    grid = [
        plan(writer.metrics(dispatch_to(t, flat, Rule(slack, setup, 0.2, 0.0, 0.0), wished)[1]))
        for slack, setup in GRID
    ]
    return {
        "EDD": plan(plain["edd"].metrics),
        "FIFO": plan(plain["fifo"].metrics),
        "ATCS": min(grid, key=lambda figures: float(figures["objective"])),
    }


def _exact(orders: int, seed: int, seconds: float) -> dict[str, Any]:
    """CP-SAT from the complete plan of the best rule."""
    from woaas_solver_farm.engine.best import Best  # noqa: PLC0415
    from woaas_solver_farm.engine.budget import Budget  # noqa: PLC0415
    from woaas_solver_farm.engine.cp import model as cp  # noqa: PLC0415
    from woaas_solver_farm.engine.dispatch import Rule, dispatch  # noqa: PLC0415
    from woaas_solver_farm.engine.flat import flatten  # noqa: PLC0415
    from woaas_solver_farm.engine.tables import build_tables  # noqa: PLC0415

    problem = _problem(orders, seed, "sum")
    t = build_tables(problem)
    flat = flatten(t)
    best = Best(problem, t, flat, Budget(Limits(), None, operations=0), None)
    for slack, setup in GRID:
        best.offer_genes(dispatch(t, flat, Rule(slack, setup, 0.2, 0.0, 0.0)))
    cpu = time.process_time()
    cp.solve_exactly(
        t,
        best.plan,
        cp.Budget(EXACT_FACTOR * seconds, None, WORKERS, 1),
        on_genes=best.offer_genes,
        on_bound=best.raise_bound,
        should_stop=lambda: False,
    )
    metrics = best.writer.metrics(best.plan)
    setup, tardiness = metrics.setup_time, metrics.weighted_tardiness
    used = round(time.process_time() - cpu, 1)
    return {"objective": setup + tardiness, "tardiness": tardiness, "setup": setup, "cpu": used}


def _run(engine: str, orders: int, seed: int, seconds: float, policy: str) -> dict[str, Any]:
    if engine == "rules":
        return _rules(orders, seed)
    return _exact(orders, seed, seconds) if engine == "exact" else _ours(orders, seed, seconds, policy)


if __name__ == "__main__":
    print(json.dumps(_run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5])))
