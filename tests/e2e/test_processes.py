"""Processes die by kill -9 while orders are being worked on: nothing acknowledged is lost, nothing counts twice."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from fixtures.processes import eventually, is_alive, mentioning
from fixtures.server import BIN, Platform, start

import woaas
from woaas import Client
from woaas.audit import verify
from woaas.resources.schedules import ScheduleRun
from woaas.types.work_orders import WorkOrder
from woaas_infra.postgres import postmaster

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]


@pytest.fixture(scope="module")
def installation() -> Iterator[Platform]:
    """One installation whose processes these tests kill in turn; in the end it stops cleanly and leaves nothing."""
    made = Path(tempfile.mkdtemp(prefix="woaas-kill-"))
    running = start(made, "--no-demo")
    try:
        yield running
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0, (made / "up.out").read_text()
        eventually(lambda: mentioning(str(made)) == [], "nothing is left")
    finally:
        for pid in mentioning(str(made)):
            os.kill(pid, signal.SIGKILL)
        running.process.wait(10)
        rmtree(made, ignore_errors=True)


def descendants(pid: int) -> list[int]:
    """The living processes below one."""
    found: list[int] = []
    with suppress(OSError):  # it may end meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def process_named(platform: Platform, name: str) -> int | None:
    """The pid of a child of ``up``, not that of a watcher between."""
    if name == "postgres":
        server = postmaster.living(platform.home / "postgres" / "data")
        return server.pid if server else None
    for pid in descendants(platform.process.pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        if words[1:4] == [b"-m", b"woaas_infra", name.encode()] and is_alive(pid):
            return pid
    return None


def until_answered(step, *arguments: str, **options: object):  # type: ignore[no-untyped-def]
    """Repeat a call under its idempotency key until the service has answered it."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return step(*arguments, **options)
        except (woaas.APIConnectionError, woaas.ServerError):
            assert time.monotonic() < deadline


@dataclass
class Load:
    """Orders made, worked on and completed one after the other, until told to stop."""

    client: Client
    label: str
    done: dict[str, str] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.one(f"{self.label}-{len(self.done)}")
        except BaseException as error:
            self.error = error

    def one(self, name: str) -> None:
        order = until_answered(self.create, name)
        operation = order.operations[0].id
        until_answered(self.client.operations.report, operation, kind="run", good=1, idempotency_key=f"{name}-r")
        until_answered(self.client.operations.complete, operation, idempotency_key=f"{name}-o")
        until_answered(self.client.work_orders.complete, order.id, idempotency_key=f"{name}-c")
        self.done[name] = order.id

    def create(self, name: str) -> WorkOrder:
        step = {"name": "Turning", "unit_time": "PT1M"}
        return self.client.work_orders.create(
            product="P",
            quantity=1,
            title=name,
            release=True,
            operations=[step],  # type: ignore[list-item]
            idempotency_key=f"{name}-n",
        )

    def __enter__(self) -> "Load":
        self._thread = threading.Thread(target=self.run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._thread.join(150)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error


def check_books(platform: Platform, client: Client, load: Load, tmp_path: Path) -> None:
    """What was acknowledged is there once: orders, keys, usage, log."""
    eventually(lambda: client.billing.usage().processed_orders == len(load.done), "all counted")
    made = {o.title: o for o in client.work_orders.list(limit=200)}
    assert {name: made[name].id for name in load.done} == load.done
    assert len(list(client.work_orders.list(limit=200))) == len(load.done)
    assert {o.state for o in made.values()} == {"completed"}
    for name, order_id in list(load.done.items())[-3:]:
        assert load.create(name).id == order_id
    assert sorted(u.id for u in client.billing.usage_events()) == sorted(f"{i}:processed" for i in load.done.values())
    events = list(client.events.iterate())
    assert [e.auditindex for e in events] == list(range(len(events)))
    assert sum(e.type == "work_order.completed" for e in events) == len(load.done)
    assert len({e.id for e in events}) == len(events)
    eventually(lambda: (next(iter(client.audit.checkpoints())).size or 0) >= len(events), "all signed")
    report = verify(client.audit.export().wait(timeout=180).download(tmp_path / "bundle.zip"))
    assert report.ok, str(report)
    assert report.entries >= len(events)


@pytest.mark.parametrize("name", ["serve", "background", "postgres"])
def test_a_killed_process_comes_back_and_the_books_are_right(installation: Platform, name: str, tmp_path: Path) -> None:
    key = installation.new_tenant(f"Killed {name}")["api_key"]
    with installation.client(key) as client:
        with Load(client, name) as load:
            eventually(lambda: len(load.done) >= 2 or load.error, "some orders before the kill")
            before = process_named(installation, name)
            assert before is not None
            os.kill(before, signal.SIGKILL)
            at = len(load.done)
            eventually(lambda: process_named(installation, name) not in (before, None), f"{name} is back")
            eventually(lambda: len(load.done) >= at + 3 or load.error, "orders after the kill")
        check_books(installation, client, load, tmp_path)
    assert installation.process.poll() is None


def to_solve(client: Client) -> ScheduleRun[Any]:
    """A run over thirty late orders on two machines: too many for a proven best plan, so it takes its whole time."""
    for code in ("m1", "m2"):
        client.work_centers.put(code, name=code)
    due = datetime.now(UTC)
    for minutes in range(5, 35):
        step = {"name": "Turning", "unit_time": f"PT{minutes}M", "work_centers": ["m1", "m2"]}
        client.work_orders.create(product="P", quantity=7, due_at=due, release=True, operations=[step])  # type: ignore[list-item]
    return client.schedule_runs.create(policy="on_time", time_limit=4)


def check_ended_once(client: Client, run: ScheduleRun[Any]) -> None:
    """One end, one plan; where the work was cut off its lease has to run out first."""
    assert run.wait(timeout=240).status == "finished"
    # An order made now comes after the run's end in the log, and reading what we wrote waits for it.
    client.work_orders.create(product="P", quantity=1)
    ended = [e for e in client.events.iterate() if e.type == "schedule_run.finished"]
    assert [e.subject for e in ended] == [run.id]
    assert [s.id for s in client.schedules.list()] == [run.schedule_id]


def test_a_killed_solver_is_started_again_and_the_run_ends_once(installation: Platform) -> None:
    key = installation.new_tenant("Killed solver")["api_key"]
    with installation.client(key) as client:
        run = to_solve(client)
        eventually(lambda: client.schedule_runs.get(run.id).status in ("solving", "feasible"), "it is being solved")
        solver = process_named(installation, "solver")
        assert solver is not None
        os.kill(solver, signal.SIGKILL)
        check_ended_once(client, run)


def test_a_killed_up_leaves_no_orphan_and_its_home_works_again(installation: Platform, tmp_path: Path) -> None:
    first, port = installation.process, int(installation.url.rpartition(":")[2])
    keys = [installation.new_tenant(name)["api_key"] for name in ("Killed up", "Solving")]
    with installation.client(keys[0]) as client, installation.client(keys[1]) as solving:
        with Load(client, "up") as load:
            eventually(lambda: len(load.done) >= 2 or load.error, "some orders before the kill")
            second = subprocess.run(
                [str(BIN / "woaas-server"), "up", "--home", str(installation.home), "--port", "0"],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert second.returncode != 0
            assert str(first.pid) in second.stderr
            assert installation.url in second.stderr
            run = to_solve(solving)
            eventually(lambda: solving.schedule_runs.get(run.id).status in ("solving", "feasible"), "it is solved")
            below = descendants(first.pid)
            first.kill()
            first.wait(10)
            eventually(lambda: not any(is_alive(pid) for pid in below), "no orphan")
            at = len(load.done)
            installation.process = start(installation.home, "--no-demo", port=port).process
            eventually(lambda: len(load.done) >= at + 3 or load.error, "orders after the kill")
        check_books(installation, client, load, tmp_path)
        check_ended_once(solving, run)
