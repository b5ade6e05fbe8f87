"""Use cases of a deal: award, and each side's commands until it is settled and closed."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET

from woaas_capacity_market import events, repository, requests
from woaas_capacity_market.counterparty import record_both, side
from woaas_capacity_market.errors import CapacityTaken
from woaas_capacity_market.inputs import ContractCommandBody
from woaas_capacity_market.lifecycle import (
    CONTRACT_COMMANDS,
    CONTRACT_ENDED,
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
    market_packages,
    market_quotes,
    market_settlements,
)
from woaas_capacity_market.resources import CONTRACT, REQUEST
from woaas_capacity_market.settlement import split
from woaas_capacity_market.sharing import LEVELS, Level, digest_of, shared_fields
from woaas_capacity_market.views import own_contracts, own_requests
from woaas_core.errors import Forbidden, Gone, GuardFailed, NotFound
from woaas_core.ids import encode_id, uuid7
from woaas_core.money import Currency, Money
from woaas_core.wire import invalid
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants
from woaas_work_orders.orders import outsourcing
from woaas_work_orders.orders.resources import OPERATION
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


async def read_package(uow: "UnitOfWork", principal: Principal, contract_id: UUID) -> dict[str, Any]:
    """The released package; each reading by the partner is recorded in both logs.

    Raises:
        Forbidden: the role may not read packages.
        NotFound: none released.
        Gone: the contract has ended; the partner keeps no access.
    """
    if "package" not in principal.require(CONTRACT, "read").readable:
        raise Forbidden
    contract = await get(uow, principal, contract_id)
    row = await repository.package(uow, contract_id)
    if row is None:
        raise NotFound
    if contract["party"] == Party.PARTNER:
        if contract["state"] in CONTRACT_ENDED:
            msg = "The contract has ended and its package with it."
            raise Gone(msg)
        await record_both(
            uow,
            events.PACKAGE_OBSERVED,
            row,
            subject=encode_id("ctr", contract_id),
            data={"contract_id": encode_id("ctr", contract_id), "sha256": row["sha256"].hex()},
        )
    return {
        "contract_id": encode_id("ctr", contract_id),
        "fields": row["fields"],
        "sha256": row["sha256"].hex(),
        "released_at": row["released_at"],
    }


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
    reason = None if body.reason is UNSET else body.reason
    match name:
        case "accept":
            return {"accepted_at": uow.clock.now(), "partner_name": (await tenants.get(uow))["name"]}, {}
        case "package":
            return {}, {"sha256": await _release_package(uow, principal, row)}
        case "report":
            good, scrap = (Decimal("0" if q is UNSET else str(q)) for q in (body.good, body.scrap))
            if not good and not scrap:
                raise invalid("/good", "required", "Report pieces: 'good', 'scrap' or both.")
            counted = {"good": row["good"] + good, "scrap": row["scrap"] + scrap}
            return counted, {"good": str(good), "scrap": str(scrap)}
        case "inspect":
            if body.result is UNSET:
                raise invalid("/result", "required", "'result' is required: pass, rework or reject.")
            return {"inspection_result": body.result}, {"result": body.result}
        case "settle":
            return {}, await _settle(uow, row)
        case "dispute":
            return {"disputed_from": row["state"], "dispute_reason": reason}, {}
        case "resolve":
            return {"disputed_from": None, "dispute_reason": None}, {}
        case _:
            return {}, {}


async def _release_package(uow: "UnitOfWork", principal: Principal, row: "Record") -> str:
    """Freeze what the ladder's last step carries of the operation; later changes of the order do not reach it."""
    request = await repository.shown(uow, own_requests, row["request_id"])
    assert request is not None
    if LEVELS[request["disclosure"]["level"]] < Level.PACKAGE:
        msg = "The request was disclosed to a lower level; no package goes out under it."
        raise GuardFailed(msg, members={"missing": ["disclosure level 'package'"]})
    order, operation = await lock_operation(uow, principal, request["operation_id"])
    requests.require_exportable(order)
    fields = shared_fields(
        Level.PACKAGE,
        order.head,
        operation,
        readable=principal.access(OPERATION).readable,
        named=request["disclosure"]["custom_fields"],
    )
    digest = digest_of(fields)
    await repository.insert(
        uow, market_packages, {**_sides(row), "fields": fields, "sha256": digest, "released_at": uow.clock.now()}
    )
    return digest.hex()


async def _settle(uow: "UnitOfWork", row: "Record") -> dict[str, Any]:
    parts = split(Money(row["price_minor"], Currency(row["currency"])))
    amounts = {
        "gross_minor": parts.gross.amount_minor,
        "fee_minor": parts.fee.amount_minor,
        "net_minor": parts.net.amount_minor,
        "currency": row["currency"],
    }
    await repository.insert(uow, market_settlements, {**_sides(row), **amounts, "settled_at": uow.clock.now()})
    return amounts


async def _cancel(uow: "UnitOfWork", principal: Principal, contract_id: UUID, seen: "Record") -> None:
    """Give capacity and operation back; the request ends, so that a new one can be made."""
    await repository.release_capacity(uow, contract_id)
    await requests.void(uow, seen["request_id"])
    await outsourcing.bring_back(uow, principal, seen["operation_id"])


def _sides(row: "Record") -> dict[str, Any]:
    return {
        name: row[name] for name in ("id", "buyer_tenant_id", "partner_tenant_id", "buyer_party_id", "partner_party_id")
    }


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
