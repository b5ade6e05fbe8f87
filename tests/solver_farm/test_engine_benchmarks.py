"""The research community's flexible job shops, where they are at hand; they are not part of this repository."""

import csv
import os
from pathlib import Path

import pytest

from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.problem import Limits
from woaas_solver_farm.readers import read_problem

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("WOAAS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "scheduling"

needs_data = pytest.mark.skipif(
    not (DATA / "bks.csv").exists(),
    reason="needs the scheduling benchmarks: set WOAAS_SHARED_DATA to the folder that has scheduling/bks.csv",
)


def best_known(instance: str) -> int:
    with (DATA / "bks.csv").open() as table:
        return next(int(row["ub"]) for row in csv.DictReader(table) if row["instance"] == instance)


@needs_data
@pytest.mark.parametrize(("instance", "within"), [("mk01", 1.05), ("mk03", 1.0), ("mk04", 1.1), ("la01_edata", 1.05)])
def test_a_plan_near_the_best_known_is_found(instance: str, within: float) -> None:
    result = solve(read_problem(DATA / "fjsp" / f"{instance}.fjs"), Limits(iterations=12_000, seed=1))
    assert result.accepted
    assert result.objective is not None
    assert best_known(instance) <= result.objective <= within * best_known(instance)
    assert result.bound is not None
    assert result.bound <= best_known(instance)


@needs_data
def test_every_flexible_job_shop_is_read() -> None:
    files = sorted((DATA / "fjsp").glob("*.fjs"))
    assert files
    for path in files:
        assert read_problem(path).jobs, path.name
