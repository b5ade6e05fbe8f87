"""Fast questions: a rush and a breakdown in a 3,000-order plan, and promises and dry-run moves through a real server.

Engine figures are CPU time of the asking thread. The server is ``woaas-server up`` in a folder of its own; every
request is timed from outside, one after another.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from benchmarks.solver.results import ROOT, Trial, is_full, measured, version_of
from benchmarks.solver.tables import show
from woaas_infra.listening import free_port
from woaas_solver_farm.checker import check
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.engine.standing.plan import Standing
from woaas_solver_farm.generator import Shape, generate
from woaas_solver_farm.problem import Job, Limits, Problem

_DAY = 24 * 60
_FROZEN = 240
_RUSHES, _CLOSES, _REQUESTS = 200, 20, 100


def main() -> None:
    """Measure the engine alone, then the whole way."""
    orders = 3_000
    version = version_of("solver_farm/woaas_solver_farm/engine")
    engine = measured(Trial("standing", version, f"generated-{orders}", 1, 20), lambda: _engine(orders))
    show(
        f"Engine, {engine['operations']} operations, loaded in {engine['load_s']:.2f} s ({engine['megabytes']:.0f} MB)",
        ("question", "asked", "p50 ms CPU", "p95 ms CPU", "max ms CPU", "moved p50", "frozen moved", "load"),
        [(name, *engine[name], engine["load"]) for name in ("rush", "into a gap", "move", "breakdown")],
    )
    orders = orders if is_full() or "ORDERS" not in os.environ else int(os.environ["ORDERS"])
    version = version_of("solver_farm/woaas_solver_farm", "api/woaas_api", "core/woaas_core")
    server = measured(Trial("lane", version, f"generated-{orders}", 1, 20), lambda: _server(orders))
    show(
        f"Over HTTP, plan of {server['slots']} slots; first answer after {server['first_s']:.1f} s",
        ("request", "asked", "in time", "p50 ms", "p95 ms", "max ms", "load"),
        [(name, *server[name], server["load"]) for name in ("promise", "rush promise", "dry-run move")],
    )


# --- the engine ------------------------------------------------------------------------------------------------------


def _engine(orders: int) -> dict[str, Any]:
    problem = generate(Shape(orders=orders), seed=1)
    result = solve(problem, Limits(time_limit=20, seed=1, workers=2))
    memory, began = _resident(), time.process_time()
    standing = Standing(problem, result.assignments)
    found: dict[str, Any] = {
        "load_s": time.process_time() - began,
        "megabytes": _resident() - memory,
        "operations": len(result.assignments),
    }
    standing.at(0, _FROZEN)
    rng = random.Random(7)
    frozen = {(a.job, a.operation) for a in result.assignments if a.start < _FROZEN}
    asks: dict[str, tuple[int, Callable[[int], Any]]] = {
        "rush": (_RUSHES, lambda n: standing.insert(_new_job(problem, rng, n), rush=True)),
        "into a gap": (_RUSHES, lambda n: standing.insert(_new_job(problem, rng, n))),
        "move": (_RUSHES, lambda _: _moved(standing, rng.choice(result.assignments), rng)),
        "breakdown": (_CLOSES, lambda _: _closed(standing, problem, rng)),
    }
    for name, (times, ask) in asks.items():
        took, moved, broken = [], [], 0
        for n in range(times):
            start = time.thread_time()
            answer = ask(n)
            took.append((time.thread_time() - start) * 1000)
            moved.append(len(answer.moved))
            # On a machine that is down even frozen work cannot stay.
            broken += sum((m.job, m.operation) in frozen for m in answer.moved if name != "breakdown")
        found[name] = (times, *_spread(took), sorted(moved)[len(moved) // 2], broken)
    standing.insert(_new_job(problem, rng, -1), rush=True, keep=True)
    plan = standing.plan()
    assert check(plan.problem, plan.result) == []
    return found


def _new_job(problem: Problem, rng: random.Random, n: int) -> Job:
    """An order like the others that comes at a random moment and is wanted soon."""
    like, at = rng.choice(problem.jobs), rng.randrange(0, 20 * _DAY)
    due = at + rng.randrange(600, 3 * _DAY)
    return msgspec.structs.replace(like, id=f"RUSH-{n}", release=at, due=due, weight=16)


def _moved(standing: Standing, a: Any, rng: random.Random) -> Any:
    return standing.move(a.job, a.operation, a.machine, a.start + rng.choice((-60, 30, 120, 240)))


def _closed(standing: Standing, problem: Problem, rng: random.Random) -> Any:
    start = rng.randrange(_FROZEN, 10 * _DAY)
    return standing.close(rng.choice(problem.machines).id, start, start + 480)


# --- the whole way ---------------------------------------------------------------------------------------------------


def _server(orders: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="woaas-bench-") as home:
        port = free_port("127.0.0.1", 8765)
        command = [sys.executable, "-m", "woaas_infra", "up", "--home", home, "--port", str(port), "--no-demo"]
        log = (Path(home) / "up.out").open("w")
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        try:
            return _asked(f"http://127.0.0.1:{port}", home, orders)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _asked(url: str, home: str, orders: int) -> dict[str, Any]:
    _until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    made = subprocess.run(
        [sys.executable, "-m", "woaas_infra", "tenant", "create", "--home", home, "--name", "Bench", "--json"],
        capture_output=True, check=True, cwd=ROOT,
    )  # fmt: skip
    key = msgspec.json.decode(made.stdout)["api_key"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client:
        problem = generate(Shape(orders=orders), seed=1)
        _plant(client, problem)
        _enter(client, problem)
        schedule = _planned(client)
        slots = _pages(client, f"/v1/schedules/{schedule}/slots?limit=200")
        rng = random.Random(7)
        began = time.monotonic()
        _until(lambda: _promise(client, problem, rng, priority=3).status_code == 201)
        found: dict[str, Any] = {"slots": len(slots), "first_s": time.monotonic() - began}
        found["promise"] = _timed(lambda: _promise(client, problem, rng, priority=3), 201)
        found["rush promise"] = _timed(lambda: _promise(client, problem, rng, priority=1), 201)
        found["dry-run move"] = _timed(lambda: _move(client, schedule, rng.choice(slots)), 200)
        return found


def _plant(client: httpx.Client, problem: Problem) -> None:
    shifts = {"day": [("08:00", "16:00")], "two": [("06:00", "22:00")], "night": [("00:00", "24:00")]}
    for code, windows in shifts.items():
        days = ("mon", "tue", "wed", "thu", "fri", "sat")
        weekly = [{"day": d, "start": s, "end": e} for d in days for s, e in windows]
        _put(client, f"calendars/{code}", {"time_zone": "UTC", "weekly": weekly})
    kinds = ("day", "two", "two", "night")
    for n, machine in enumerate(problem.machines):
        body = {"name": machine.id, "calendar": kinds[n % 4], "equipment_class": machine.setup_matrix,
                "initial_setup_group": machine.initial_setup_group}  # fmt: skip
        _put(client, f"work-centers/{machine.id}", body)
    for name, matrix in problem.setup_matrices.items():
        entries = [
            {"from_group": a, "to_group": b, "duration": f"PT{t}M"} for a, row in matrix.items() for b, t in row.items()
        ]
        _put(client, f"setup-matrices/{name}", {"equipment_class": name, "entries": entries})
    for n, operator in enumerate(problem.operators):
        skills = [{"skill": skill} for skill in operator.skills]
        _put(client, f"operators/{operator.id}", {"calendar": kinds[n % 2], "qualifications": skills})
    for tool in problem.tools:
        _put(client, f"tools/{tool.id}", {"count": tool.count})


def _put(client: httpx.Client, path: str, body: dict[str, Any]) -> None:
    answer = client.put(f"/v1/{path}", json=body)
    assert answer.is_success, answer.text


def _order(job: Job, now: datetime, **more: Any) -> dict[str, Any]:
    steps = [
        {
            "name": o.modes[0].machine.partition("-")[0],
            "work_centers": [m.machine for m in o.modes],
            "unit_time": f"PT{o.modes[0].duration}M",
            "skills": [s for s in (o.modes[0].operator_skill,) if s],
            "setup_group": o.setup_group,
            "tool": o.modes[0].tools[0] if o.modes[0].tools else None,
        }
        for o in job.operations
    ]
    due = now + timedelta(minutes=job.due or 0)
    return {"product": "P", "quantity": "1", "operations": steps, "due_at": due.isoformat(), **more}


def _enter(client: httpx.Client, problem: Problem) -> None:
    now = datetime.now(UTC)
    for first in range(0, len(problem.jobs), 100):
        items = [
            {
                "key": job.id,
                "work_order": _order(
                    job, now, release=True, earliest_start_at=(now + timedelta(minutes=job.release)).isoformat()
                ),
            }
            for job in problem.jobs[first : first + 100]
        ]
        answer = client.post("/v1/work-orders/batch", json={"items": items}).raise_for_status().json()
        assert all(result["status"] == 201 for result in answer["results"]), answer["results"][0]


def _planned(client: httpx.Client) -> str:
    run = client.post("/v1/schedule-runs", json={"time_limit": "PT20S", "horizon": "P60D"}).raise_for_status()
    ended: dict[str, Any] = {}

    def has_ended() -> bool:
        ended.update(client.get(run.headers["location"]).json())
        return ended["finished_at"] is not None

    _until(has_ended, patience_s=600)
    schedule: str = ended["schedule_id"]
    client.post(f"/v1/schedules/{schedule}/publish", json={}).raise_for_status()
    return schedule


def _promise(client: httpx.Client, problem: Problem, rng: random.Random, *, priority: int) -> httpx.Response:
    at = datetime.now(UTC) + timedelta(minutes=rng.randrange(0, 14 * _DAY))
    job = msgspec.structs.replace(rng.choice(problem.jobs), due=rng.randrange(600, 3 * _DAY))
    order = _order(job, at, priority=priority, earliest_start_at=at.isoformat())
    return client.post("/v1/promises", json={"work_order": order})


def _move(client: httpx.Client, schedule: str, slot: dict[str, Any]) -> httpx.Response:
    start = datetime.fromisoformat(slot["start_at"]) + timedelta(minutes=120)
    body = {"operation_id": slot["operation_id"], "work_center": slot["work_center"], "start_at": start.isoformat()}
    return client.post(f"/v1/schedules/{schedule}/moves?dry_run=true", json=body)


def _timed(ask: Callable[[], httpx.Response], wanted: int) -> tuple[int, int, float, float, float]:
    took, in_time = [], 0
    for _ in range(_REQUESTS):
        began = time.monotonic()
        in_time += ask().status_code == wanted
        took.append((time.monotonic() - began) * 1000)
    return _REQUESTS, in_time, *_spread(took)


def _pages(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(path + (f"&cursor={cursor}" if cursor else "")).raise_for_status().json()
        found += page["data"]
        cursor = page["next_cursor"]
    return found


def _spread(took: Sequence[float]) -> tuple[float, float, float]:
    ranked = sorted(took)
    return ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.95)], ranked[-1]


def _until(is_so: Callable[[], bool], *, patience_s: float = 180) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            if is_so():
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            msg = "it took too long"
            raise TimeoutError(msg)
        time.sleep(0.5)


def _resident() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
