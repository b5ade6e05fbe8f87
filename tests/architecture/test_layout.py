"""The shape that everything else relies on: homes, packages, one list of them everywhere."""

import tomllib
from importlib.metadata import distributions
from pathlib import Path

import graphql
import pytest

ROOT = Path(__file__).parents[2]
HOMES = ("core", "security", "work_orders", "solver_farm", "billing", "capacity_market", "graphql", "api", "infra")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("home", HOMES)
class TestHome:
    def test_it_has_one_import_package_and_no_loose_modules(self, home: str) -> None:
        assert not list((ROOT / home).glob("*.py")), "a loose module here would shadow a library of that name"
        packages = [p.parent.name for p in (ROOT / home).glob("*/__init__.py")]
        assert packages == [f"woaas_{home}"]

    def test_the_package_says_what_it_is_for_and_is_typed(self, home: str) -> None:
        package = ROOT / home / f"woaas_{home}"
        assert (package / "py.typed").exists()
        assert (package / "__init__.py").read_text().startswith('"""')
        assert (ROOT / home / "README.md").read_text().strip()


def test_every_list_of_packages_is_the_same() -> None:
    tool = PROJECT["tool"]
    wheel = {Path(p).name for p in tool["hatch"]["build"]["targets"]["wheel"]["packages"]}
    assert wheel == {f"woaas_{home}" for home in HOMES}
    assert set(tool["ruff"]["src"]) == {*HOMES, "sdk"}
    assert set(tool["importlinter"]["root_packages"]) == wheel | {"woaas"}
    assert set(HOMES) <= set(tool["mypy"]["files"])


def test_graphql_is_the_library_and_not_our_folder() -> None:
    assert "site-packages" in str(graphql.__file__)


def test_tests_are_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py")), "pytest would put tests/ before the libraries"


def test_casbin_comes_from_its_live_distribution() -> None:
    names = {d.metadata["Name"].lower() for d in distributions()}
    assert "pycasbin" in names
    assert "casbin" not in names, "the dead distribution overwrites the files of pycasbin"


def test_no_lock_names_a_package_index() -> None:
    assert not (ROOT / "uv.lock").exists()
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text(), lock
    assert '"resolved"' not in (ROOT / "api" / "package-lock.json").read_text()
