"""The policy and the scenario that a run names: looked up once, when it is asked for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from woaas_core.errors import Invalid, NotFound
from woaas_core.ids import encode_id
from woaas_core.wire import invalid
from woaas_security.principal import Principal
from woaas_solver_farm.objective import PRESETS
from woaas_solver_farm.policies import LENGTHS, POLICY, PRESET_VERSION, preset_bodies
from woaas_solver_farm.problem import Metric, Objective, Term
from woaas_solver_farm.scenarios import SCENARIO, AddedOrder, Changes, Planned, imagined
from woaas_solver_farm.schedules import plan_rows
from woaas_work_orders.orders.creation import build_operations, new_head, steps_of
from woaas_work_orders.resources import repository as master_data
from woaas_work_orders.resources import service as master_service
from woaas_work_orders.resources.kinds import MasterKind

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

DEFAULTS: dict[str, Any] = {
    "weights": None,
    "horizon": "P14D",
    "start_at": None,
    "frozen": "PT4H",
    "time_limit": "PT20S",
    "deadline": None,
    "seed": 1,
    "iterations": None,
    "work_orders": None,
    "scenario": None,
    "baseline_schedule_id": None,
    "include_forecast": False,
    "priority": 3,
}
DEFAULT_POLICY = "on_time"


async def policies(uow: "UnitOfWork", principal: Principal) -> list[dict[str, Any]]:
    """The policies a plan can follow, as the caller may see them: the presets, then the tenant's own in use."""
    access = principal.require(POLICY.resource, "read")
    rows = await master_data.in_use(uow, POLICY.name)
    presets = [_preset(principal, code) for code in PRESETS]
    return [*presets, *(principal.show(access, row) for row in rows)]


async def policy(uow: "UnitOfWork", principal: Principal, code: str) -> dict[str, Any]:
    """A policy by code or id, as the caller may see it.

    Raises:
        NotFound: no preset and no policy of the tenant.
    """
    access = principal.require(POLICY.resource, "read")
    if code in PRESETS:
        return _preset(principal, code)
    return principal.show(access, await master_service.find(uow, principal, POLICY, code))


def _preset(principal: Principal, code: str) -> dict[str, Any]:
    about = {"id": None, "code": code, "version": PRESET_VERSION, "livemode": principal.livemode}
    return about | preset_bodies()[code]


async def with_policy(uow: "UnitOfWork", code: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a run: what was asked, over what the policy says, over the defaults.

    The policy's objective and version go with the run, so that a later change of the policy does not change it.

    Raises:
        Invalid: no such policy, it is archived, or the weights do not fit it.
    """
    code, version, body = await _policy(uow, code)
    settings = {name: body[name] for name in LENGTHS if name in body}
    params: dict[str, Any] = {**DEFAULTS, **settings, **asked}
    objective = with_weights(msgspec.convert(body["objective"], Objective), params["weights"])
    return params | {
        "policy": code,
        "policy_version": version,
        "objective": {
            "mode": objective.mode,
            "terms": [{"metric": t.metric, "weight": t.weight} for t in objective.terms],
        },
    }


def with_weights(objective: Objective, weights: Mapping[Metric, float] | None) -> Objective:
    """An objective, with the weights of the metrics named put in place of its own.

    Raises:
        Invalid: all weights are zero, or the objective counts no weights.
    """
    if weights is None:
        return objective
    if objective.mode == "lexicographic":
        raise invalid("/weights", "invalid", "The policy minimises one figure after another; it counts no weights.")
    if not any(weights.values()):
        raise invalid("/weights", "invalid", "At least one weight must be above zero.")
    merged: dict[Metric, float] = {t.metric: t.weight for t in objective.terms}
    merged.update(weights)
    terms = tuple(Term(metric=m, weight=w) for m, w in merged.items() if w > 0)
    return msgspec.structs.replace(objective, terms=terms)


async def _policy(uow: "UnitOfWork", code: str) -> tuple[str, int, dict[str, Any]]:
    if code in PRESETS:
        return code, PRESET_VERSION, preset_bodies()[code]
    row = await _named(uow, POLICY, code, "/policy")
    return row["code"], row["version"], row["body"]


async def scenario_members(uow: "UnitOfWork", key: str) -> dict[str, Any]:
    """What a run keeps of the scenario it plans: its id, version and changes.

    Raises:
        Invalid: no such scenario, it is archived, or it names what is not there.
    """
    row = await _named(uow, SCENARIO, key, "/scenario")
    changes = msgspec.convert(row["body"]["changes"], Changes)
    await _require_known(uow, changes)
    return {
        "scenario": encode_id(SCENARIO.resource.prefix, row["id"]),
        "scenario_version": row["version"],
        "changes": row["body"]["changes"],
    }


async def added_orders(uow: "UnitOfWork", scenario: str, changes: Changes) -> list[Planned]:
    """The orders that a scenario brings in, built as if they had been entered; nothing is stored."""
    return [
        await _imagined(uow, scenario, i, copy, added)
        for i, added in enumerate(changes.added)
        for copy in range(added.count)
    ]


async def _imagined(uow: "UnitOfWork", scenario: str, i: int, copy: int, added: AddedOrder) -> Planned:
    now = uow.clock.now()
    drawn = new_head(added.work_order, number=f"{scenario}-{i}-{copy}", request_hash=b"", now=now)
    head = replace(drawn, id=imagined(scenario, i, copy))
    rows = build_operations(head, await steps_of(uow, added.work_order), now)
    return head, [replace(row, id=imagined(scenario, i, copy, row.sequence)) for row in rows]


async def _named(uow: "UnitOfWork", kind: MasterKind, key: str, pointer: str) -> "Record":
    try:
        row = await master_service.look_up(uow, kind, key)
    except NotFound:
        row = None
    if row is None or row["archived_at"] is not None:
        raise invalid(pointer, "invalid", f"There is no {kind.name} {key!r} in use.")
    return row


async def _require_known(uow: "UnitOfWork", changes: Changes) -> None:
    for kind, named in (
        ("work_center", changes.work_centers),
        ("operator", changes.operators),
        ("calendar", changes.calendars),
    ):
        if not named:
            continue
        known = {r["code"] for r in await master_data.in_use(uow, kind)}
        for change in named:
            like = getattr(change, "like", None)
            if change.code not in known and like not in known:
                # What is new stands for another one, so it is that one which is missing.
                raise _unknown(kind.replace("_", " "), like if isinstance(like, str) else change.code)
    named_orders = [*changes.removed, *(change.work_order for change in changes.orders)]
    if (n := await plan_rows.first_unknown(uow, named_orders)) is not None:
        raise _unknown("work order", named_orders[n])


def _unknown(what: str, name: str) -> Invalid:
    return invalid("/scenario", "invalid", f"The scenario names a {what} that is not there: {name[:64]!r}.")
