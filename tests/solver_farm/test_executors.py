"""What the dispatcher may rely on, whatever solves: the same claims for Ray's actors and for the tests' threads."""

import asyncio
import os
import signal
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from fixtures.farm import ThreadExecutor
from fixtures.long_problem import long_problem
from fixtures.processes import eventually, is_alive

from woaas_core.settings import Settings
from woaas_solver_farm import problem as problems
from woaas_solver_farm import result as results
from woaas_solver_farm.farm import actors
from woaas_solver_farm.farm.actors import RayExecutor
from woaas_solver_farm.farm.embedded_ray import Connection, prepare_environment
from woaas_solver_farm.farm.executor import Better, Done, Executor, Failed, Message, Solving, Task, WorkerLost
from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Operation, Problem

pytestmark = pytest.mark.anyio

EASY = Problem(
    machines=(Machine(id="M"),),
    jobs=tuple(
        Job(id=f"J{i}", operations=(Operation(id="a", modes=(Mode(machine="M", duration=3),)),)) for i in range(3)
    ),
    limits=Limits(iterations=20),
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for the module, as Ray has one in a process of ours."""
    return "asyncio"


@pytest.fixture(scope="module")
async def ray_executor(anyio_backend: str) -> AsyncIterator[RayExecutor]:
    """One embedded Ray for the module, in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="wr") as home:
        executor = RayExecutor(Settings.load({}, home=Path(home), secret_key="test" * 8), places=2, threads=1)
        yield executor
        await executor.close()


@pytest.fixture(params=["threads", pytest.param("ray", marks=pytest.mark.slow)])
def executor(request: pytest.FixtureRequest) -> Executor:
    """Each of the two."""
    if request.param == "threads":
        return ThreadExecutor()
    return request.getfixturevalue("ray_executor")  # type: ignore[no-any-return]


def task(problem: Problem, key: str = "run", tenant: str = "tenant") -> Task:
    return Task(key, tenant, problems.encode(problem), 1)


async def heard(solving: Solving) -> list[Message]:
    return [message async for message in solving.messages()]


class TestTheContract:
    async def test_the_last_word_is_a_checked_result(self, executor: Executor) -> None:
        *_, last = await heard(await executor.start(task(EASY)))
        assert isinstance(last, Done)
        assert results.decode(last.result).accepted

    async def test_better_plans_come_before_it_each_with_its_plan(self, executor: Executor) -> None:
        *better, last = await heard(await executor.start(task(long_problem(3))))
        assert isinstance(last, Done)
        told = [m for m in better if isinstance(m, Better)]
        objectives = [objective for m in told for _, objective in m.incumbents]
        assert objectives == sorted(objectives, reverse=True)
        assert [results.decode(m.result).objective for m in told] == [m.incumbents[-1][1] for m in told]

    async def test_stopped_it_ends_with_its_best_plan(self, executor: Executor) -> None:
        solving = await executor.start(task(long_problem()))
        messages = solving.messages()
        first = await anext(messages)
        assert isinstance(first, Better)
        await solving.stop()
        *_, last = [message async for message in messages]
        assert isinstance(last, Done)
        result = results.decode(last.result)
        assert result.accepted
        assert result.objective is not None
        assert result.objective <= first.incumbents[-1][1]

    async def test_killed_it_says_so(self, executor: Executor) -> None:
        solving = await executor.start(task(long_problem(10)))
        messages = solving.messages()
        await anext(messages)
        await solving.kill()
        with pytest.raises(WorkerLost):
            async for _ in messages:
                pass

    async def test_a_worker_serves_again_after_each_of_these(self, executor: Executor) -> None:
        for key in ("a", "b"):
            *_, last = await heard(await executor.start(task(EASY, key)))
            assert isinstance(last, Done)

    async def test_what_is_no_problem_fails_once(self, executor: Executor) -> None:
        (only,) = await heard(await executor.start(Task("run", "tenant", b"{", 1)))
        assert isinstance(only, Failed)


@pytest.mark.slow
class TestRay:
    async def test_a_process_killed_outright_is_a_lost_worker(self, ray_executor: RayExecutor) -> None:
        solving = await ray_executor.start(task(long_problem()))
        messages = solving.messages()
        await anext(messages)
        os.kill(await solving.pid(), signal.SIGKILL)
        with pytest.raises(WorkerLost):
            async for _ in messages:
                pass
        *_, last = await heard(await ray_executor.start(task(EASY)))
        assert isinstance(last, Done)

    async def test_each_tenant_has_a_process_of_its_own(self, ray_executor: RayExecutor) -> None:
        pids: dict[str, set[int]] = {}
        for tenant in ("a", "b", "a", "b"):
            solving = await ray_executor.start(task(EASY, tenant=tenant))
            pids.setdefault(tenant, set()).add(await solving.pid())
            await heard(solving)
        assert not pids["a"] & pids["b"]

    async def test_nothing_runs_that_no_solve_needs(self, ray_executor: RayExecutor) -> None:
        await heard(await ray_executor.start(task(EASY)))
        commands = []
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # one that is coming or going
                commands.append(" ".join(process.cmdline()))
        assert any("raylet" in c for c in commands)
        assert not [c for c in commands if "monitor.py" in c or "dashboard.py" in c]

    async def test_nothing_listens_but_on_loopback(self, ray_executor: RayExecutor) -> None:
        await heard(await ray_executor.start(task(EASY)))
        found: list[Any] = []
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # one that is coming or going
                found += [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert found, "an embedded Ray listens somewhere"
        assert {c.laddr.ip.removeprefix("::ffff:") for c in found} <= {"127.0.0.1", "::1"}

    async def test_after_a_rest_it_starts_anew_and_leaves_nothing(self, ray_executor: RayExecutor) -> None:
        await ray_executor.rest()
        # Others of this process, such as a platform that other tests use, have comings and goings of their own.
        others = set(psutil.Process().children())
        await heard(await ray_executor.start(task(EASY)))
        heads = set(psutil.Process().children()) - others
        started = heads.union(*(head.children(recursive=True) for head in heads))
        assert len(started) > len(heads) > 0
        await ray_executor.rest()
        await asyncio.to_thread(eventually, lambda: not any(is_alive(p.pid) for p in started), "nothing of it is left")
        *_, last = await heard(await ray_executor.start(task(EASY)))
        assert isinstance(last, Done)


class TestStarting:
    def test_the_token_is_private_to_the_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # A process has one token for good, and another Ray of this one may have been first.
        monkeypatch.setenv("RAY_AUTH_TOKEN", "")
        prepare_environment(Settings.load({}, home=tmp_path, secret_key="test" * 8))
        token = tmp_path / "ray.token"
        assert token.stat().st_mode & 0o077 == 0
        assert len(token.read_text()) >= 32
        assert os.environ["RAY_AUTH_TOKEN"] == token.read_text()

    async def test_one_called_off_leaves_the_start_to_the_next(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[str] = []
        may_end = threading.Event()

        def connect(_: Settings) -> Connection:
            begun.append("ray")
            may_end.wait(30)
            return Connection(ray="module")

        monkeypatch.setattr(actors, "connect", connect)
        executor = RayExecutor(Settings.load({}, home=tmp_path, secret_key="test" * 8), places=1, threads=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await executor.connect()
        may_end.set()
        assert await executor.connect() == "module"
        assert begun == ["ray"]

    async def test_one_that_failed_is_tried_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tries: list[str] = []

        def connect(_: Settings) -> Connection:
            tries.append("ray")
            if len(tries) == 1:
                raise ConnectionError
            return Connection(ray="module")

        monkeypatch.setattr(actors, "connect", connect)
        executor = RayExecutor(Settings.load({}, home=tmp_path, secret_key="test" * 8), places=1, threads=1)
        with pytest.raises(ConnectionError):
            await executor.connect()
        assert await executor.connect() == "module"
