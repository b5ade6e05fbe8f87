"""The commands a new user types, against a real installation."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fixtures.server import BIN, Platform

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]

CSV = "external_ref,product,quantity,title\nR-1,P,5,First\nR-2,P,7,Second\n"


class Shell:
    """A user with a key."""

    def __init__(self, platform: Platform, key: str) -> None:
        self.platform = platform
        self.key = key

    def __call__(self, *words: str, ok: tuple[int, ...] = (0,)) -> str:
        return self.platform.run("woaas", *words, key=self.key, ok=ok)

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def shell(platform: Platform) -> Shell:
    return Shell(platform, platform.new_tenant("Shell")["api_key"])


def test_an_order_from_the_shell(shell: Shell, tmp_path: Path) -> None:
    key = shell.platform.client(shell.key)
    with key as client:
        client.work_centers.put("m1", name="M1")
        client.routings.put(
            "P", product="P", operations=[{"name": "Turning", "unit_time": "PT2M", "work_centers": ["m1"]}]
        )
    order = shell.json("work-orders", "create", "P", "10", "--due-at", "2100-01-01T00:00:00Z")
    assert order["number"] in shell("work-orders", "list")
    assert shell.json("work-orders", "release", order["number"])["state"] == "released"
    run = shell.json("schedule", "--time-limit", "1", "--publish")
    assert (run["status"], run["published"]) == ("finished", True)
    assert "Turning" in shell("work-orders", "get", order["number"])
    step = order["operations"][0]["id"]
    assert shell.json("operations", "start", step, "--work-center", "m1")["work_center"] == "m1"
    shell("operations", "report", step, "--good", "10")
    assert shell.json("operations", "complete", step)["state"] == "completed"
    assert shell.json("work-orders", "complete", order["id"])["state"] == "completed"
    assert shell("work-orders", "complete", order["id"], ok=(5,)) == ""
    assert shell("work-orders", "get", "WO-none", ok=(3,)) == ""
    assert shell.json("billing", "usage")["processed_orders"] == 1
    assert "total" in shell("billing", "preview")
    assert shell("market", "board")
    assert shell.json("market", "listings") == []
    events = shell.json("events", "list")
    assert "work_order.completed" in {e["type"] for e in events}

    orders = tmp_path / "orders.csv"
    orders.write_text(CSV)
    assert shell.json("work-orders", "import", str(orders))["created"] == 2
    assert shell.json("work-orders", "import", str(orders))["created"] == 0


def test_events_are_followed_from_a_time_on(shell: Shell) -> None:
    order = shell.json("work-orders", "create", "P", "1", "--external-ref", "followed")
    environment = {"WOAAS_API_KEY": shell.key, "WOAAS_BASE_URL": shell.platform.url, "PATH": ""}
    command = [str(BIN / "woaas"), "events", "tail", "--since", "2020-01-01T00:00:00Z", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as tail:
        assert tail.stdout is not None
        try:
            seen = (json.loads(line) for line in tail.stdout)
            assert next(e for e in seen if e["type"] == "work_order.created")["workorder"] == order["id"]
            shell("work-orders", "release", order["id"])
            assert next(e for e in seen if e["type"] == "work_order.released")["workorder"] == order["id"]
        finally:
            tail.terminate()


def test_a_file_is_solved_without_a_server(platform: Platform, tmp_path: Path) -> None:
    problem = tmp_path / "two.jsp"
    problem.write_text("3 2\n0 3 1 2\n0 2 1 4\n1 3 0 1\n")
    said = platform.run("woaas-server", "solve", str(problem), "--time-limit", "2", "--workers", "1", "--json")
    result = json.loads(said)
    assert (result["status"], result["objective"], result["checked"]) == ("optimal", 9, True)
    problem.write_text("not a problem")
    platform.run("woaas-server", "solve", str(problem), ok=(1,))


def test_the_contract_is_printed(platform: Platform) -> None:
    paths = json.loads(platform.run("woaas-server", "openapi"))["paths"]
    assert "/v1/work-orders" in paths
