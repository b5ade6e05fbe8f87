"""Handing checkpoints to witnesses (C2SP tlog-witness) and keeping their cosignatures beside them.

Only asking and storing touch the database, each in a transaction of its own; the request to the witness lies between.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from woaas_core.db.database import Database
from woaas_core.db.statements import Statement
from woaas_core.telemetry import logger
from woaas_security.audit import store
from woaas_security.audit.cosignature import cosignatures
from woaas_security.audit.note import NoteError
from woaas_security.audit.policy import Witness
from woaas_security.audit.proofs import plan_consistency

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

log = logger(__name__)
AGAIN_AFTER = timedelta(minutes=55)
_AT_ONCE = 200
_SIZE = re.compile(r"(0|[1-9][0-9]{0,17})\n")
_OK, _CONFLICT = 200, 409

# Newest checkpoints that a witness has not cosigned, or not within the hour.
_DUE = Statement.text(
    """
    SELECT c.tenant_id, c.origin, c.size, c.note, h.size AS log_size,
      coalesce((SELECT max(k.size) FROM cosignature k
        WHERE k.tenant_id = c.tenant_id AND k.origin = c.origin AND k.witness = $1), 0) AS old_size
    FROM log_head h
    JOIN LATERAL (
      SELECT tenant_id, size, note, split_part(note, chr(10), 1) AS origin FROM checkpoint
      WHERE tenant_id = h.tenant_id ORDER BY size DESC, signed_at DESC LIMIT 1
    ) c ON true
    WHERE c.size > 0 AND NOT EXISTS (SELECT 1 FROM cosignature k
      WHERE k.tenant_id = c.tenant_id AND k.origin = c.origin AND k.size = c.size AND k.witness = $1
        AND k.cosigned_at > $2)
    ORDER BY c.tenant_id LIMIT $3
    """,
    "witness",
    "since",
    "limit",
)
_INSERT = Statement.text(
    "INSERT INTO cosignature (tenant_id, origin, size, witness, cosigned_at, line) VALUES ($1, $2, $3, $4, $5, $6) "
    "ON CONFLICT DO NOTHING",
    *("tenant_id", "origin", "size", "witness", "cosigned_at", "line"),
)


class Answer(NamedTuple):
    """What a witness answered."""

    status: int
    body: str


Post = Callable[[str, bytes], Awaitable[Answer]]
"""Posts a body to a URL; raises OSError where there is no answer."""


async def submit_due(database: Database, witness: Witness, post: Post) -> int:
    """Ask a witness to cosign the newest checkpoints it has not seen; returns how many it cosigned.

    A witness that is away or refuses is met again with the next round; one that holds another history is logged.
    """
    name = str(witness.key)
    async with database.unit_of_work() as uow:
        due = await uow.all(_DUE, witness=name, since=uow.clock.now() - AGAIN_AFTER, limit=_AT_ONCE)
    done = 0
    for row in due:
        try:
            done += await _submit(database, witness, post, row)
        except (OSError, NoteError, ValueError) as error:
            log.warning("audit.witness.failed", witness=witness.key.name, reason=str(error))
            break
    return done


async def _submit(database: Database, witness: Witness, post: Post, row: "Record") -> bool:
    answer = await post(f"{witness.url}/add-checkpoint", await _request(database, row, row["old_size"]))
    known = _SIZE.fullmatch(answer.body)
    if answer.status == _CONFLICT and known and int(known[1]) <= row["size"]:
        # The witness has seen another state than we know of: prove growth from there.
        answer = await post(f"{witness.url}/add-checkpoint", await _request(database, row, int(known[1])))
    if answer.status != _OK:
        tenant, reason = str(row["tenant_id"]), answer.body[:200]
        log.error(
            "audit.witness.refused", witness=witness.key.name, tenant_id=tenant, status=answer.status, reason=reason
        )
        return False
    async with database.unit_of_work() as uow:
        for one in cosignatures(row["note"] + answer.body, [witness.key]):
            await uow.execute(
                _INSERT,
                tenant_id=row["tenant_id"],
                origin=row["origin"],
                size=row["size"],
                witness=str(one.key),
                cosigned_at=one.at,
                line=one.line,
            )
            await uow.value(store.NOTIFY, channel=store.CHANNEL)
            return True
    log.error("audit.witness.strange_signature", witness=witness.key.name)
    return False


async def _request(database: Database, row: "Record", old_size: int) -> bytes:
    lines = [f"old {old_size}"]
    if 0 < old_size < row["size"]:
        async with database.unit_of_work() as uow:
            lines += await _consistency(uow, row["tenant_id"], row["log_size"], old_size, row["size"])
    return "\n".join([*lines, "", row["note"]]).encode()


async def _consistency(uow: "UnitOfWork", tenant_id: UUID, log_size: int, old: int, new: int) -> list[str]:
    plan = plan_consistency(old, new)
    hashes = await store.node_hashes(uow, tenant_id, log_size, (node for nodes in plan for node in nodes))
    return [store.b64(part) for part in hashes.resolve(plan)]
