"""Rules of the code that no linter knows, over the syntax trees of every module."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from woaas_core.errors import catalogue
from woaas_core.events.envelope import event_types
from woaas_infra import assembly  # noqa: F401 - loads every part, so that all they declare is known

ROOT = Path(__file__).parents[2]
HOMES = ("core", "security", "work_orders", "solver_farm", "billing", "capacity_market", "graphql", "api", "infra")
# Rules that need no database: they hold most of the thinking and are tested without one.
PURE = ("lifecycle.py", "pricing.py", "matching.py", "sharing.py", "access.py", "tree.py", "proofs.py", "note.py",
        "checker.py", "kpis.py", "envelope.py")  # fmt: skip


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for home in HOMES:
        for path in sorted((ROOT / home / f"woaas_{home}").rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


MODULES = list(modules())


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_only_core_ends_a_transaction() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in MODULES
        for name, node in calls(tree)
        if name.split(".")[-1] in ("commit", "rollback")
        and name.split(".")[-2:-1] in (["uow"], ["connection"], ["session"], ["transaction"])
        and path.parts[0] not in ("core", "infra")
    ]
    assert found == []


def test_only_the_clock_reads_the_time() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in MODULES
        for name, node in calls(tree)
        if name in ("datetime.now", "datetime.utcnow", "date.today", "time.time", "time.time_ns")
        and path.name not in ("clock.py", "ids.py")
        and "postgres" not in path.parts
    ]
    assert found == []


def test_no_tenant_is_set_beyond_a_transaction() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in MODULES
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and ("SET app." in node.value or ("set_config('app." in node.value and ", true)" not in node.value))
    ]
    assert found == []


def test_doors_and_pure_rules_hold_no_sql() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in MODULES
        for name, node in calls(tree)
        if name in ("Statement", "Statement.text", "select", "insert", "update")
        and ("rest" in path.parts or "pages" in path.parts or "engine" in path.parts or path.name in PURE)
    ]
    assert found == []


def test_every_event_type_says_what_happened() -> None:
    assert len(event_types()) > 50
    for kind in event_types():
        noun, _, verb = kind.name.partition(".")
        assert noun
        assert verb
        assert kind.description.endswith(".")


def test_every_problem_says_what_to_do() -> None:
    for code, error in catalogue().items():
        assert error.title, code
        assert error.hint, code
        assert 400 <= error.status < 600, code


@pytest.mark.slow
def test_the_layers_hold_and_a_planted_violation_is_seen(tmp_path: Path) -> None:
    def linted() -> int:
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode

    assert linted() == 0
    planted = ROOT / "billing" / "woaas_billing" / "planted_for_a_test.py"
    planted.write_text('"""Planted."""\nimport ortools\n')
    try:
        assert linted() != 0
    finally:
        planted.unlink()


def test_importing_the_api_loads_no_solver() -> None:
    code = "import sys, woaas_api.app; sys.exit(bool({'ray', 'ortools', 'numba', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
