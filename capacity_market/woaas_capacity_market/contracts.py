"""Use cases of a deal: award, and each side's commands until it is settled and closed."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET

from woaas_capacity_market import events, packages, repository, requests
from woaas_capacity_market.counterparty import record_both, shared_key, side
from woaas_capacity_market.errors import CapacityTaken
from woaas_capacity_market.inputs import ContractCommandBody
from woaas_capacity_market.lifecycle import (
    CONTRACT_COMMANDS,
    QUOTE_TRANSITIONS,
    REQUEST_COMMANDS,
    REQUEST_TRANSITIONS,
    Party,
    QuoteState,
    RequestState,
    step,
    step_contract,
)
from woaas_capacity_market.models import (
    market_contracts,
    market_quotes,
    market_settlements,
)
from woaas_capacity_market.resources import CONTRACT, REQUEST
from woaas_capacity_market.settlement import split
from woaas_capacity_market.views import own_contracts
from woaas_core.errors import GuardFailed, NotFound
from woaas_core.ids import encode_id, uuid7
from woaas_core.money import Currency, Money
from woaas_core.wire import invalid
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants
from woaas_work_orders.orders import outsourcing
from woaas_work_orders.orders.service import lock_operation

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def get(uow: "UnitOfWork", principal: Principal, contract_id: UUID) -> "Record":
    """A contract as one's own side sees it.

    Raises:
        NotFound: missing, or between others.
    """
    principal.require(CONTRACT, "read")
    row = await repository.shown(uow, own_contracts, contract_id)
    if row is None:
        raise NotFound
    return row


async def award(uow: "UnitOfWork", principal: Principal, request_id: UUID, quote_id: UUID) -> "Record":
    """Give an own request to a quote: the contract, the partner's capacity and the operation move in one transaction.

    Locks the order, the listing, the request and its quotes, in this order. An offer of the partner's that stands is
    agreed by awarding it; a counter-offer must have been accepted first.

    Raises:
        CapacityTaken: the listing has no window left, or the request was awarded before.
        InvalidTransition, ExportControlled: see each.
    """
    access = principal.require(REQUEST, "award")
    seen = await requests.get(uow, principal, request_id)
    quote = await repository.quote(uow, quote_id)
    if quote is None or quote["request_id"] != request_id:
        raise NotFound
    order, _ = await lock_operation(uow, principal, seen["operation_id"])
    requests.require_exportable(order)
    contract_id, now = uuid7(), uow.clock.now()
    window = await repository.commit_capacity(
        uow, quote_id=quote_id, contract_id=contract_id, not_before=now, due_at=seen["due_at"]
    )
    row = await requests.lock_fresh(uow, principal, request_id)
    if window is None or row["state"] == RequestState.AWARDED:
        raise CapacityTaken(members={"state": row["state"], "allowed_commands": []})
    step(REQUEST_TRANSITIONS, row["state"], "award", permitted=access.actions & REQUEST_COMMANDS)
    quote = await _agreed(uow, quote_id)
    values: dict[str, Any] = {
        **{
            side: quote[side] for side in ("buyer_tenant_id", "partner_tenant_id", "buyer_party_id", "partner_party_id")
        },
        **{term: quote[term] for term in ("request_id", "price_minor", "currency", "lead_time")},
        "id": contract_id,
        "quote_id": quote_id,
        "buyer_name": (await tenants.get(uow))["name"],
        "partner_name": None,
        "due_at": row["due_at"],
        "window_start_at": window["start_at"],
        "window_end_at": window["end_at"],
        "state": "awarded",
        "disputed_from": None,
        "dispute_reason": None,
        "inspection_result": None,
        "good": Decimal(0),
        "scrap": Decimal(0),
        "accepted_at": None,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    await repository.insert(uow, market_contracts, values)
    await requests.award_to(uow, row, contract_id=contract_id, winner=quote_id)
    await outsourcing.outsource(uow, principal, row["operation_id"], contract_id=contract_id)
    await _record(uow, events.CONTRACT_AWARDED, values, before=None, work_order_id=row["work_order_id"])
    return await get(uow, principal, contract_id)


async def command(
    uow: "UnitOfWork", principal: Principal, contract_id: UUID, name: str, body: ContractCommandBody
) -> "Record":
    """Carry out one side's command on a contract and record it in both logs.

    Raises:
        NotFound: not a party.
        WrongParty: the other side's to do.
        InvalidTransition, GuardFailed: see each.
    """
    access = principal.require(CONTRACT, name)
    seen = await get(uow, principal, contract_id)
    if seen["operation_id"] is not None and name in ("cancel", "package"):
        await lock_operation(uow, principal, seen["operation_id"])  # the order's lock comes before the contract's
    row = await repository.lock(uow, market_contracts, contract_id)
    assert row is not None
    state = step_contract(
        row["state"],
        name,
        side(uow, row),
        inspection_result=row["inspection_result"],
        disputed_from=row["disputed_from"],
        permitted=access.actions & CONTRACT_COMMANDS,
    )
    changes, data = await _effects(uow, principal, row, name, body)
    after = await repository.write(uow, market_contracts, row, **changes, state=state)
    if name == "cancel":
        await _cancel(uow, principal, contract_id, seen)
    await _record(
        uow,
        events.CONTRACT_COMMANDED[name],
        after,
        before=row["version"],
        work_order_id=seen["work_order_id"],
        data=data,
    )
    return await get(uow, principal, contract_id)


async def _agreed(uow: "UnitOfWork", quote_id: UUID) -> "Record":
    """The winning quote, locked, with its terms agreed."""
    quote = await repository.lock(uow, market_quotes, quote_id)
    assert quote is not None
    if quote["state"] == QuoteState.ACCEPTED:
        return quote
    if quote["state"] in (QuoteState.SUBMITTED, QuoteState.COUNTERED) and quote["offered_by"] == Party.BUYER:
        msg = "Your counter-offer has not been accepted by the partner."
        raise GuardFailed(msg, members={"missing": ["the partner's acceptance"]})
    state = step(QUOTE_TRANSITIONS, quote["state"], "accept", permitted=())
    await repository.write(uow, market_quotes, quote, state=state)
    await record_both(
        uow,
        events.QUOTE_COMMANDED["accept"],
        quote,
        subject=encode_id("quo", quote_id),
        version=(quote["version"], quote["version"] + 1),
        data={"request_id": encode_id("mrq", quote["request_id"]), "state": state},
    )
    return quote


async def _effects(
    uow: "UnitOfWork", principal: Principal, row: "Record", name: str, body: ContractCommandBody
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a command changes beside the state, and the facts its event carries."""
    changes: dict[str, Any] = {}
    data: dict[str, Any] = {}
    match name:
        case "accept":
            changes = {"accepted_at": uow.clock.now(), "partner_name": (await tenants.get(uow))["name"]}
        case "package":
            data = {"sha256": await packages.release(uow, principal, row)}
        case "report":
            good, scrap = (Decimal("0" if q is UNSET else str(q)) for q in (body.good, body.scrap))
            if not good and not scrap:
                raise invalid("/good", "required", "Report pieces: 'good', 'scrap' or both.")
            changes = {"good": row["good"] + good, "scrap": row["scrap"] + scrap}
            data = {"good": str(good), "scrap": str(scrap)}
        case "inspect":
            if body.result is UNSET:
                raise invalid("/result", "required", "'result' is required: pass, rework or reject.")
            changes = data = {"inspection_result": body.result}
        case "settle":
            data = await _settle(uow, row)
        case "dispute":
            changes = {"disputed_from": row["state"], "dispute_reason": body.reason or None}
        case "resolve":
            changes = {"disputed_from": None, "dispute_reason": None}
    return changes, data


async def _settle(uow: "UnitOfWork", row: "Record") -> dict[str, Any]:
    parts = split(Money(row["price_minor"], Currency(row["currency"])))
    amounts = {
        "gross_minor": parts.gross.amount_minor,
        "fee_minor": parts.fee.amount_minor,
        "net_minor": parts.net.amount_minor,
        "currency": row["currency"],
    }
    await repository.insert(uow, market_settlements, {**shared_key(row), **amounts, "settled_at": uow.clock.now()})
    return amounts


async def _cancel(uow: "UnitOfWork", principal: Principal, contract_id: UUID, seen: "Record") -> None:
    """Give capacity and operation back; the request ends, so that a new one can be made."""
    await repository.release_capacity(uow, contract_id)
    await requests.void(uow, seen["request_id"])
    await outsourcing.bring_back(uow, principal, seen["operation_id"])


async def _record(
    uow: "UnitOfWork",
    kind: Any,
    row: Any,
    *,
    before: int | None,
    work_order_id: UUID | None,
    data: dict[str, Any] | None = None,
) -> None:
    contract = encode_id("ctr", row["id"])
    await record_both(
        uow,
        kind,
        row,
        subject=contract,
        version=(before, row["version"]),
        work_order_id=work_order_id,
        data={"contract_id": contract, "state": row["state"], **(data or {})},
    )
