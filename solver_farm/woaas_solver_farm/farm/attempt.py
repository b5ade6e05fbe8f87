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
from woaas_solver_farm.objective import objective_of, value
from woaas_solver_farm.problem import Place, Problem
from woaas_solver_farm.problem_builder import build
from woaas_solver_farm.result import BaselinePlan, Result
from woaas_solver_farm.schedules import queue
from woaas_solver_farm.schedules.outcome import figures, record_end
from woaas_solver_farm.schedules.planning import plan_request, read_snapshot
from woaas_solver_farm.schedules.queue import Claim, Grant

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

log = logger(__name__)

MAX_ATTEMPTS = 5


class Pace(Struct, frozen=True, kw_only=True):
    """How the farm keeps time, in seconds."""

    poll_s: float = 0.25
    lease_s: float = 15.0
    grace_s: float = 5.0
    rest_after_s: float = 300.0
    scale_s: float = 1.0
    start_s: float = 180.0


class Lost(Exception):
    """The run belongs to somebody else by now; nothing more may be written for it."""


class Attempt:
    """A claim being worked on."""

    def __init__(self, database: Database, executor: Executor, grant: Grant, *, threads: int, pace: Pace) -> None:
        run = grant.run
        self.claim = Claim(run["tenant_id"], run["id"], run["fence"])
        self.budget_s = grant.budget_s
        self._database = database
        self._executor = executor
        self._run = run
        self._grant = grant
        self._threads = threads
        self._pace = pace
        self._best: Result | None = results.decode(run["best"]) if run["best"] else None
        self._stop_asked = bool(run["stop_requested"])
        self._began = 0.0
        # What attempts before this one used, and what the worker of this one has told.
        self._cpu_before_s: float = run["cpu_s"]
        self._cpu_told_s: float | None = None
        self._problem = Problem()
        self._solving: Solving | None = None
        self._starting: asyncio.Timeout | None = None

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
        is_over = self._stop_asked or self._grant.left_s <= 0 or self._run["attempt"] > MAX_ATTEMPTS
        if is_over and self._best is None:
            await self._end_with_best(self._problem)
            return
        self._problem = problem = await self._read_problem()
        if is_over:
            await self._end_with_best(problem)
            return
        warm = msgspec.structs.replace(problem, warm_start=_places(self._best)) if self._best else problem
        task = Task(
            key=str(self.claim.run_id),
            tenant=str(self.claim.tenant_id),
            problem=problems.encode(warm),
            workers=self._threads,
            compares=self._run["kind"] == "plan",
            budget_s=max(0.0, min(self.budget_s, self._grant.left_s - self._elapsed())),
        )
        self._solving = solving = await self._start(task)
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

    async def _start(self, task: Task) -> Solving:
        """A worker on the task; on a cluster that is growing it may take a while to come up.

        Raises:
            WorkerLost: none came up in time, or the run was to stop meanwhile.
        """
        try:
            async with asyncio.timeout(self._pace.start_s) as self._starting:
                return await self._executor.start(task)
        except TimeoutError as error:
            msg = "no worker came up in time"
            raise WorkerLost(msg) from error
        finally:
            self._starting = None

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
            durations = {"model_version": snapshot.durations.model_version, "learned_from": built.learned_from}
            if not await queue.keep_problem(uow, self.claim, raw, notes=built.notes, durations=durations):
                raise Lost
        return await asyncio.to_thread(problems.decode, raw)

    async def _last_word(self, solving: Solving) -> Done | Failed:
        """Keep every better plan until the result is there."""
        async for message in solving.messages():
            self._cpu_told_s = message.cpu_s
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
                progress=self._progress(),
                cpu_s=self._cpu_s(),
                **figures(best),
            )
        if not kept:
            raise Lost
        self._best = best

    async def _watch(self) -> None:
        """Hold the lease, pass on the wish to stop, and kill a worker that does not heed it or lost its run.

        A deadline is such a wish, though nobody's: the run ends as finished.
        """
        loop = asyncio.get_running_loop()
        held_at, kill_at = loop.time(), float("inf")
        while loop.time() < kill_at:
            await asyncio.sleep(self._pace.poll_s)
            try:
                async with inside(self._database, self.claim.tenant_id) as uow:
                    asked = await queue.stop_asked(uow, self.claim)
                    if asked is not None and loop.time() - held_at > self._pace.lease_s / 3:
                        await queue.hold(
                            uow, self.claim, self._pace.lease_s, progress=self._progress(), cpu_s=self._cpu_s()
                        )
                        held_at = loop.time()
            except DATABASE_LOST as error:
                # It may be back before the lease has run out; the worker needs no database meanwhile.
                log.warning("solver.database.lost", error=str(error), run=str(self.claim.run_id))
                continue
            if asked is None:
                break
            self._stop_asked = self._stop_asked or asked
            if not (self._stop_asked or self._is_late()):
                continue
            if self._solving is not None and kill_at == float("inf"):
                await self._solving.stop()
                kill_at = loop.time() + self._pace.grace_s
            elif self._starting is not None:
                self._starting.reschedule(loop.time())
        if self._solving is not None:
            await self._solving.kill()

    def _elapsed(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    def _is_late(self) -> bool:
        """Whether the deadline has come."""
        return self._elapsed() >= self._grant.left_s

    def _progress(self) -> float:
        return min(0.99, self._elapsed() / self.budget_s) if self.budget_s else 0.0

    def _cpu_s(self) -> float:
        """CPU seconds of all attempts; what a worker has not told of is taken to be all that it could have used."""
        told = self._cpu_told_s
        return self._cpu_before_s + (told if told is not None else self._elapsed() * self._threads)

    async def _after_loss(self) -> None:
        """Back into the queue; if it was to stop, or too many workers died of it, the end with what there is."""
        if self._stop_asked or self._is_late() or self._run["attempt"] >= MAX_ATTEMPTS:
            await self._end_with_best(self._problem)
        else:
            await self._give_back()

    async def _end_with_best(self, problem: Problem) -> None:
        if self._best is not None:
            faults = await asyncio.to_thread(check, problem, self._best)
            await self._end_checked(problem, results.judged(self._best, is_sound=not faults))
        elif self._stop_asked:
            await self._end("stopped", problem, None)
        elif self._is_late():
            await self._end("failed", problem, None, error="the deadline passed before there was a plan")
        else:
            await self._end("failed", problem, None, error="the solver stopped unexpectedly each time it tried")

    async def _end_checked(
        self, problem: Problem, result: Result, baselines: Mapping[str, BaselinePlan] | None = None
    ) -> None:
        """Only what the independent checker accepted becomes a plan."""
        if not result.checked:
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
                uow,
                self.claim,
                status,
                problem=problem,
                result=result,
                baselines=baselines,
                reached=self._reached(problem, result),
                error=error,
            )
            if ended:
                await self._settle(uow)
        write: Any = log.info if ended else log.warning
        write("solver.run.ended" if ended else "solver.run.lost", run=str(self.claim.run_id), status=status)

    def _reached(self, problem: Problem | None, result: Result | None) -> float | None:
        """What a plan is worth, be it of part of the work: the rest is overflow that somebody else may do."""
        if self._run["kind"] != "plan" or problem is None or result is None:
            return None
        return value(objective_of(problem), result.metrics)

    async def _give_back(self) -> None:
        async with inside(self._database, self.claim.tenant_id) as uow:
            if await queue.give_back(uow, self.claim):
                await self._settle(uow)

    async def _settle(self, uow: "UnitOfWork") -> None:
        await queue.settle(uow, self.claim, cpu_s=self._cpu_s(), charged_s=self._grant.charged_s)


def _places(best: Result) -> tuple[Place, ...]:
    """A plan as the next attempt's start."""
    return tuple(
        Place(
            operation=a.operation,
            job=a.job,
            machine=None if a.outsourced else a.machine,
            start=a.start,
            operator=a.operator,
            mode=a.mode,
        )
        for a in best.assignments
    )
