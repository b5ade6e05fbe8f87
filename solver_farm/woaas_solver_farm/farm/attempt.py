"""One attempt at a claimed run: build, solve, watch, end."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.telemetry import logger
from woaas_solver_farm import problem as problems
from woaas_solver_farm import result as results
from woaas_solver_farm.checker import check
from woaas_solver_farm.farm.executor import Better, Done, Executor, Failed, Solving, Task, WorkerLost
from woaas_solver_farm.farm.tenants import inside
from woaas_solver_farm.problem import Place, Problem
from woaas_solver_farm.problem_builder import build
from woaas_solver_farm.result import BaselinePlan, Result
from woaas_solver_farm.schedules import queue
from woaas_solver_farm.schedules.outcome import figures, record_end
from woaas_solver_farm.schedules.planning import plan_request, read_snapshot
from woaas_solver_farm.schedules.queue import Claim

if TYPE_CHECKING:
    from asyncpg import Record

log = logger(__name__)

MAX_ATTEMPTS = 5


class Pace(Struct, frozen=True, kw_only=True):
    """How the farm keeps time, in seconds."""

    poll_s: float = 0.25
    lease_s: float = 15.0
    grace_s: float = 5.0
    rest_after_s: float = 300.0


class Lost(Exception):
    """The run belongs to somebody else by now; nothing more may be written for it."""


class Attempt:
    """A claim being worked on."""

    def __init__(self, database: Database, executor: Executor, run: "Record", *, workers: int, pace: Pace) -> None:
        self.claim = Claim(run["tenant_id"], run["id"], run["fence"])
        self._database = database
        self._executor = executor
        self._run = run
        self._workers = workers
        self._pace = pace
        self._best: Result | None = results.decode(run["best"]) if run["best"] else None
        self._stop_asked = bool(run["stop_requested"])
        self._began = 0.0
        self._problem = Problem()
        self._solving: Solving | None = None

    async def carry_out(self) -> None:
        """Bring the run to its end, or back into the queue if the worker or this process goes down."""
        ids = {"run": str(self.claim.run_id), "tenant_id": str(self.claim.tenant_id), "fence": self.claim.fence}
        self._began = asyncio.get_running_loop().time()
        # From the claim on: that a first Ray takes longer to start than a lease lasts must not cost the run.
        watcher = asyncio.create_task(self._watch())
        try:
            await self._solve()
        except Lost:
            log.warning("solver.run.lost", **ids)
        except asyncio.CancelledError:
            await self._give_back()
            raise
        except WorkerLost as error:
            log.warning("solver.worker.lost", error=str(error), attempt=self._run["attempt"], **ids)
            await self._after_loss()
        except DATABASE_LOST as error:
            # The lease runs out and the run is claimed again, here or elsewhere.
            log.warning("solver.database.lost", error=str(error), **ids)
        except Exception as error:
            log.exception("solver.run.failed", exc_info=error, **ids)
            await self._end("failed", None, None, error=f"{type(error).__name__}: {error}"[:500])
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _solve(self) -> None:
        self._problem = problem = await self._read_problem()
        if self._stop_asked or self._run["attempt"] > MAX_ATTEMPTS:
            await self._end_with_best(problem)
            return
        warm = msgspec.structs.replace(problem, warm_start=_places(self._best)) if self._best else problem
        task = Task(str(self.claim.run_id), problems.encode(warm), self._workers, compares=self._run["kind"] == "plan")
        self._solving = solving = await self._executor.start(task)
        try:
            if self._stop_asked:
                await solving.stop()
            last = await self._last_word(solving)
        except BaseException:
            # Whatever ends the attempt, its worker does not go on for nobody.
            await solving.kill()
            raise
        finally:
            self._solving = None
        if isinstance(last, Done):
            await self._end_checked(problem, results.decode(last.result), last.baselines)
        else:
            await self._end("failed", None, None, error=last.error[:500])

    async def _read_problem(self) -> Problem:
        """The problem of the first attempt; reading the plant is done once, so that every attempt solves the same."""
        if self._run["problem"] is not None:
            return await asyncio.to_thread(problems.decode, self._run["problem"])
        async with inside(self._database, self.claim.tenant_id) as uow:
            snapshot = await read_snapshot(uow, self._run)
            request = plan_request(self._run, uow.clock.now())
        built = await asyncio.to_thread(build, snapshot, request)
        raw = await asyncio.to_thread(problems.encode, built.problem)
        async with inside(self._database, self.claim.tenant_id) as uow:
            if not await queue.keep_problem(uow, self.claim, raw, built.notes):
                raise Lost
        return await asyncio.to_thread(problems.decode, raw)

    async def _last_word(self, solving: Solving) -> Done | Failed:
        """Keep every better plan until the result is there."""
        async for message in solving.messages():
            if not isinstance(message, Better):
                return message
            await self._improve(message)
        msg = "the stream ended without a result"
        raise WorkerLost(msg)

    async def _improve(self, message: Better) -> None:
        best = results.decode(message.result)
        async with inside(self._database, self.claim.tenant_id) as uow:
            kept = await queue.improve(
                uow,
                self.claim,
                best=message.result,
                incumbents=[{"at": at, "objective": objective} for at, objective in message.incumbents],
                **figures(best),
            )
        if not kept:
            raise Lost
        self._best = best

    async def _watch(self) -> None:
        """Hold the lease, pass on the wish to stop, and kill a worker that does not heed it or lost its run."""
        loop = asyncio.get_running_loop()
        held_at, kill_at = loop.time(), float("inf")
        while loop.time() < kill_at:
            await asyncio.sleep(self._pace.poll_s)
            try:
                async with inside(self._database, self.claim.tenant_id) as uow:
                    asked = await queue.stop_asked(uow, self.claim)
                    if asked is not None and loop.time() - held_at > self._pace.lease_s / 3:
                        await queue.hold(uow, self.claim, self._pace.lease_s, self._progress())
                        held_at = loop.time()
            except DATABASE_LOST as error:
                # It may be back before the lease has run out; the worker needs no database meanwhile.
                log.warning("solver.database.lost", error=str(error), run=str(self.claim.run_id))
                continue
            if asked is None:
                break
            if asked and not self._stop_asked:
                self._stop_asked = True
                if self._solving is not None:
                    await self._solving.stop()
            if self._stop_asked and self._solving is not None:
                kill_at = min(kill_at, loop.time() + self._pace.grace_s)
        if self._solving is not None:
            await self._solving.kill()

    def _progress(self) -> float:
        limit = self._run["time_limit"].total_seconds()
        return min(0.99, (asyncio.get_running_loop().time() - self._began) / limit) if limit else 0.0

    async def _after_loss(self) -> None:
        """Back into the queue; if it was to stop, or too many workers died of it, the end with what there is."""
        if self._stop_asked or self._run["attempt"] >= MAX_ATTEMPTS:
            await self._end_with_best(self._problem)
        else:
            await self._give_back()

    async def _end_with_best(self, problem: Problem) -> None:
        if self._best is not None:
            faults = await asyncio.to_thread(check, problem, self._best)
            best = msgspec.structs.replace(self._best, accepted=not faults)
            await self._end_checked(problem, best)
        elif self._stop_asked:
            await self._end("stopped", problem, None)
        else:
            await self._end("failed", problem, None, error="the solver stopped unexpectedly each time it tried")

    async def _end_checked(
        self, problem: Problem, result: Result, baselines: Mapping[str, BaselinePlan] | None = None
    ) -> None:
        """Only what the independent checker accepted becomes a plan."""
        if not result.accepted:
            await self._end("failed", None, None, error="the checker refused the plan")
            return
        await self._end("stopped" if self._stop_asked else "finished", problem, result, baselines=baselines)

    async def _end(
        self,
        status: str,
        problem: Problem | None,
        result: Result | None,
        *,
        baselines: Mapping[str, BaselinePlan] | None = None,
        error: str | None = None,
    ) -> None:
        async with inside(self._database, self.claim.tenant_id) as uow:
            ended = await record_end(
                uow, self.claim, status, problem=problem, result=result, baselines=baselines, error=error
            )
        write: Any = log.info if ended else log.warning
        write("solver.run.ended" if ended else "solver.run.lost", run=str(self.claim.run_id), status=status)

    async def _give_back(self) -> None:
        async with inside(self._database, self.claim.tenant_id) as uow:
            await queue.give_back(uow, self.claim)


def _places(best: Result) -> tuple[Place, ...]:
    """A plan as the next attempt's start."""
    return tuple(
        Place(
            operation=a.operation,
            job=a.job,
            machine=None if a.outsourced else a.machine,
            start=a.start,
            operator=a.operator,
        )
        for a in best.assignments
    )
