"""The plan: the chart of the one in force or proposed, solving anew and publishing."""

from collections.abc import Callable, Mapping

from woaas_api.console.forms import given
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.vocabulary import PLAN_REASONS, WORDS

_KEPT = 20
_LONGEST_S = 600
_SHOWN_OVERFLOW = 60
_SHOWN_LATE = 5
_COMPARED = ("late_orders", "total_tardiness", "setup_time", "makespan")
_OPERATION_STATES = ("pending", "waiting", "ready", "running", "suspended", "held", "completed", "skipped", "cancelled")


@page("GET", "/plan", needs=("GET /schedules/{id}/gantt",))
async def show_plan(page: Page) -> Outcome:
    """A plan as a chart or as a table."""
    schedules = (await page.get("/schedules", {"limit": str(_KEPT)}))["data"]
    chosen = await _chosen(page, schedules)
    run = await _run(page)
    is_table = page.query.get("view") == "table"
    values = {
        "schedules": schedules,
        "schedule": chosen,
        "run": run,
        "rows": (await page.get(f"/schedules/{chosen['id']}/gantt"))["rows"] if chosen and is_table else [],
        "overflow": await _overflow(page, chosen),
        "compared": _COMPARED,
        "late": await _late(page, chosen),
        "is_table": is_table,
        "policies": (await page.get("/policies"))["data"] if page.may("schedule_run", "create") else [],
        "words": _words(page),
        "place": "plan",
    }
    return Shown("plan/head.html" if page.wants_fragment("plan-head") else "plan/plan.html", values)


@page("POST", "/plan/solve", needs=("POST /schedule-runs",))
async def solve(page: Page) -> Outcome:
    """Ask for a new plan."""
    seconds = page.form.get("seconds", "")
    limit = min(int(seconds), _LONGEST_S) if seconds.isdigit() and int(seconds) else 20
    body = given(policy=page.form.get("policy", ""), time_limit=f"PT{limit}S")
    run = await page.post("/schedule-runs", body)
    return SeeOther(f"/console/plan?run={run['id']}")


@page("GET", "/plan/runs/{key:str}", needs=("GET /schedule-runs/{id}",))
async def show_run(page: Page, key: str) -> Outcome:
    """How far a run is; once it has a plan, that plan."""
    run = await page.get(f"/schedule-runs/{key}")
    if run.get("finished_at") and run.get("schedule_id"):
        return SeeOther(f"/console/plan?schedule={run['schedule_id']}", Notice(page.text("The new plan is here.")))
    return Shown("plan/run.html", {"run": run})


@page("POST", "/plan/runs/{key:str}/stop", needs=("POST /schedule-runs/{id}/stop",))
async def stop(page: Page, key: str) -> Outcome:
    """Stop a run and keep its best plan."""
    await page.post(f"/schedule-runs/{key}/stop", {})
    return SeeOther(f"/console/plan?run={key}")


@page("POST", "/plan/{key:str}/publish", needs=("POST /schedules/{id}/publish",))
async def publish(page: Page, key: str) -> Outcome:
    """Make a plan the one that the floor works by."""
    await page.post(f"/schedules/{key}/publish", given(reason=page.form.get("reason", "").strip()))
    return SeeOther(
        f"/console/plan?schedule={key}", Notice(page.text("The plan is published; the floor works by it now."))
    )


async def _chosen(page: Page, schedules: list[JSON]) -> JSON | None:
    """The plan asked for, else the newest proposal or the one in force, whichever is newer."""
    if page.query.get("schedule"):
        found: JSON = await page.get(f"/schedules/{page.query['schedule']}")
        return found
    current = [s for s in schedules if s.get("state") in ("published", "proposed")]
    return next(iter(current or schedules), None)


async def _overflow(page: Page, schedule: JSON | None) -> list[JSON]:
    """The orders with operations that have no good place, each with how many and why."""
    by_order: dict[str, list[str]] = {}
    for item in (schedule or {}).get("overflow") or ():
        by_order.setdefault(item["work_order_id"], []).append(item["reason"])
    shown = list(by_order)[:_SHOWN_OVERFLOW]
    if not shown or not page.sees("work_order", "number"):
        return []
    orders = await page.get("/work-orders", {"id": ",".join(shown), "fields": "id,number,title", "limit": "200"})
    return [{**o, "reasons": by_order[o["id"]]} for o in orders["data"]]


async def _late(page: Page, schedule: JSON | None) -> list[JSON]:
    """The orders that are the latest, each with what made it late."""
    if schedule is None or not page.sees("slot", "reasons"):
        return []
    found = await page.get(f"/schedules/{schedule['id']}/late-orders", {"limit": str(_SHOWN_LATE)})
    late: list[JSON] = found["data"]
    for order in late:
        for link in order["chain"]:
            link["why"] = [words for words in map(_why(page), link.get("reasons", ())) if words]
    return late


def _why(page: Page) -> Callable[[str], str]:
    """A reason in the reader's language, with what it names; the chain itself is shown and not said again."""

    def said(reason: str) -> str:
        kind, _, what = reason.partition(":")
        if kind in ("chain", "late") or kind not in PLAN_REASONS:
            return ""
        words = page.text(PLAN_REASONS[kind])
        return words if kind in ("predecessor", "setup") or not what else f"{words} ({what})"

    return said


async def _run(page: Page) -> JSON | None:
    """The run asked for, else one under way."""
    if page.query.get("run"):
        found: JSON = await page.get(f"/schedule-runs/{page.query['run']}")
        return found
    if not page.sees("schedule_run", "status"):
        return None
    under_way = await page.get("/schedule-runs", {"status": "queued,solving,feasible", "limit": "1"})
    return next(iter(under_way["data"]), None)


def _words(page: Page) -> Mapping[str, object]:
    """What the chart says, in the reader's language."""
    return {
        "late": page.text("late, due"),
        "due": page.text("due"),
        "why": page.text("Why here"),
        "partners": page.text("Partners"),
        "failed": page.text("The plan could not be read."),
        "states": {state: page.text(WORDS[state]) for state in _OPERATION_STATES},
        "reasons": {reason: page.text(words) for reason, words in PLAN_REASONS.items()},
    }


PAGES = (show_plan, solve, show_run, stop, publish)
