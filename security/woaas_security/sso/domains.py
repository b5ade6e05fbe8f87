"""Showing that a domain is a tenant's: a DNS record that only who runs the domain can set."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from woaas_core.ids import encode_id
from woaas_security.sso import events, repository

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

LABEL = "_woaas"
_SOONEST, _LATEST = timedelta(minutes=2), timedelta(hours=6)
_TIMEOUT_S = 5.0

TextRecords = Callable[[str], Awaitable[list[str]]]
"""Looks up the TXT records of a name: none where there is no such name, OSError where no answer could be had."""


class Check(NamedTuple):
    """The records to look for, by domain."""

    connection_id: UUID
    expected: dict[str, str]


def renewed(known: Sequence[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """The entries of these domains: those that were there as they are, new ones with a record to set."""
    kept = {entry["name"]: entry for entry in known}
    return [
        kept.get(name)
        or {"name": name, "record": f"woaas-verification={secrets.token_urlsafe(24)}", "verified_at": None}
        for name in dict.fromkeys(names)
    ]


def verified(entries: Sequence[dict[str, Any]]) -> list[str]:
    """The domains among them that are the tenant's."""
    return [entry["name"] for entry in entries if entry["verified_at"]]


async def due(uow: "UnitOfWork") -> list[Check]:
    """What to look up now; again in a while, and more seldom the longer nobody has set it."""
    checks = []
    for row in await repository.due(uow):
        now = uow.clock.now()
        again = min(_LATEST, max(_SOONEST, (now - row["updated_at"]) / 10))
        await repository.postpone(uow, row["id"], now + again)
        open_ones = {e["name"]: e["record"] for e in row["domains"] if not e["verified_at"]}
        checks.append(Check(row["id"], open_ones))
    return checks


async def look_up(check: Check, records: TextRecords) -> list[str]:
    """The domains that have their record; one that nobody answers for has none today."""
    return [name for name, expected in check.expected.items() if expected in await _of(name, records)]


async def settle(uow: "UnitOfWork", check: Check, found: Sequence[str]) -> None:
    """Note which domains are the tenant's."""
    row = await repository.get(uow, check.connection_id, lock=True)
    if row is None:
        return
    now = uow.clock.now()
    entries = [{**e, "verified_at": e["verified_at"] or _if_found(e, check, found, now)} for e in row["domains"]]
    if entries == row["domains"]:
        return
    is_done = len(verified(entries)) == len(entries)
    values = {
        **row,
        "domains": entries,
        "verified_domains": verified(entries),
        "domains_due_at": None if is_done else row["domains_due_at"],
    }
    after = await repository.change(uow, row["id"], values)
    uow.record(
        events.DOMAIN_VERIFIED,
        subject=encode_id("sso", row["id"]),
        version=(row["version"], after["version"]),
        changes={"domains": entries},
    )


async def text_records(name: str) -> list[str]:
    """The TXT records of a name, as the system's resolvers have them."""
    from dns.asyncresolver import resolve  # noqa: PLC0415 - only the worker asks
    from dns.exception import DNSException  # noqa: PLC0415
    from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415

    try:
        answer = await resolve(name, "TXT", lifetime=_TIMEOUT_S)
    except (NXDOMAIN, NoAnswer):
        return []
    except DNSException as error:
        raise OSError(str(error)) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


async def _of(domain: str, records: TextRecords) -> list[str]:
    try:
        return await records(f"{LABEL}.{domain}")
    except OSError:
        return []


def _if_found(entry: dict[str, Any], check: Check, found: Sequence[str], now: Any) -> str | None:
    # What was looked up must still be what is asked for: in between the domain may have been taken out and put back.
    is_found = entry["name"] in found and check.expected.get(entry["name"]) == entry["record"]
    return now.isoformat() if is_found else None
