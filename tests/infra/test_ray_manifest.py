"""The manifest of the Ray cluster, read as Ray's own autoscaler for KubeRay reads it."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from woaas_core.settings import Settings

FOLDER = Path(__file__).parents[2] / "infra/ray"
# In a process of its own: Ray takes over, once and for all, the environment it is first imported in.
AS_RAY_READS_IT = """
import json, sys
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.autoscaler._private.util import validate_config
config = _derive_autoscaling_config_from_ray_cr(json.load(sys.stdin))
validate_config(config)
json.dump(config["available_node_types"], sys.stdout)
"""


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return read("cluster.yaml")


def groups(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [manifest["spec"]["headGroupSpec"], *manifest["spec"]["workerGroupSpecs"]]


def test_the_autoscaler_of_ray_takes_it(manifest: dict[str, Any]) -> None:
    placed = {**manifest, "metadata": {**manifest["metadata"], "namespace": "default"}}
    read_by_ray = subprocess.run(
        [sys.executable, "-c", AS_RAY_READS_IT], input=json.dumps(placed), capture_output=True, text=True, check=False
    )
    assert read_by_ray.returncode == 0, read_by_ray.stderr
    kinds = json.loads(read_by_ray.stdout)
    assert kinds["headgroup"]["resources"]["CPU"] == 0
    assert kinds["solvers"]["resources"]["CPU"] % 2 == 0
    assert (kinds["solvers"]["min_workers"], kinds["solvers"]["max_workers"]) == (0, 8)


def test_it_allows_as_many_runs_as_the_farm(manifest: dict[str, Any], tmp_path: Path) -> None:
    (solvers,) = manifest["spec"]["workerGroupSpecs"]
    places = solvers["maxReplicas"] * int(solvers["rayStartParams"]["num-cpus"]) // 2
    assert places == Settings.load({}, home=tmp_path, secret_key="test" * 8).solver_runs_at_once


def test_every_node_runs_the_same_ray_behind_the_same_token(manifest: dict[str, Any]) -> None:
    pods = [g["template"] for g in (*groups(manifest), read("solver.yaml")["spec"])]
    containers = [c for pod in pods for c in pod["spec"]["containers"]]
    assert manifest["spec"]["rayVersion"] == version("ray")
    assert len({c["image"] for c in containers}) == 1
    for container in containers:
        env = {e["name"]: e.get("value") or e["valueFrom"]["secretKeyRef"] for e in container["env"]}
        assert env["RAY_AUTH_MODE"] == "token"
        assert env["RAY_AUTH_TOKEN"] == {"name": "woaas-ray", "key": "token"}
        assert set(container["resources"]) == {"requests", "limits"}


def test_nothing_is_offered_to_the_outside(manifest: dict[str, Any]) -> None:
    assert manifest["spec"]["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert all(g["template"]["spec"]["securityContext"]["runAsNonRoot"] for g in groups(manifest))
