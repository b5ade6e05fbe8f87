"""The check before every signature: the log as it is stored continues the log as it was last signed.

Only leaf hashes and what was signed are trusted, not the stored edge of the tree. From the last signed size on every
leaf hash is read once and folded in; where this process has not seen the log yet, the signed root itself is first
computed again from the stored tiles.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from woaas_security.audit import store
from woaas_security.audit.checkpoint import Checkpoint, open_checkpoint
from woaas_security.audit.journal import SignedJournal
from woaas_security.audit.note import NoteError, VerifierKey
from woaas_security.audit.proofs import subtrees
from woaas_security.audit.tree import Frontier

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

PAGE = 20_000


class LogBroken(Exception):
    """What is stored does not continue what was signed: this log gets nothing more until a person has looked."""


class Continuity:
    """The trees that may be signed: by tenant the edge of the last state that was shown to continue the signed one."""

    def __init__(self, journal: SignedJournal, known: tuple[VerifierKey, ...], origin: str) -> None:
        self._journal = journal
        self._known = known
        self._origin = origin
        self._edges: dict[UUID, Frontier] = {}

    def use(self, known: tuple[VerifierKey, ...]) -> None:
        """Know further keys of ours, after a rotation."""
        self._known = known

    async def extend(self, uow: "UnitOfWork", heads: "list[Record]") -> dict[UUID, Frontier | LogBroken]:
        """By tenant the edge of the whole stored log, or why it must not be signed."""
        found: dict[UUID, Frontier | LogBroken] = {}
        for head in heads:
            tenant_id = head["tenant_id"]
            try:
                if tenant_id not in self._edges:
                    self._edges[tenant_id] = await self._signed_edge(uow, head)
                _check_size(self._edges[tenant_id].size, head)
            except LogBroken as broken:
                found[tenant_id] = broken
        sound = [head for head in heads if head["tenant_id"] not in found]
        await self._read_on(uow, sound)
        for head in sound:
            edge = self._edges[head["tenant_id"]]
            stored = _stored_root(head)
            if edge.size == head["size"] and edge.root() == stored:
                found[head["tenant_id"]] = edge
                continue
            # Also the next time it is looked at it must be shown from what was signed.
            del self._edges[head["tenant_id"]]
            found[head["tenant_id"]] = LogBroken(f"its entries do not lead to the root stored for size {head['size']}")
        return found

    async def _read_on(self, uow: "UnitOfWork", heads: "list[Record]") -> None:
        while behind := [head for head in heads if self._edges[head["tenant_id"]].size < head["size"]]:
            sizes = {head["tenant_id"]: self._edges[head["tenant_id"]].size for head in behind}
            leaves: dict[UUID, list[bytes]] = {}
            for row in await uow.all(store.LEAVES_SINCE, tenants=list(sizes), sizes=list(sizes.values()), page=PAGE):
                leaves.setdefault(row["tenant_id"], []).append(row["leaf_hash"])
            for head in behind:
                missing = head["size"] - sizes[head["tenant_id"]]
                self._edges[head["tenant_id"]].extend(leaves.get(head["tenant_id"], [])[:missing])
            if not leaves:
                return  # A gap; the sizes then differ.

    async def _signed_edge(self, uow: "UnitOfWork", head: "Record") -> Frontier:
        """The edge of the tree that was signed last, from stored hashes; empty where nothing was signed yet."""
        signed = await self._last_signed(uow, head["tenant_id"])
        if signed is None or signed.size == 0:
            return Frontier()
        _check_size(signed.size, head)
        nodes = subtrees(0, signed.size)
        try:
            hashes = await store.node_hashes(uow, head["tenant_id"], head["size"], nodes)
            edge = Frontier.from_bytes(signed.size.to_bytes(8, "big") + b"".join(map(hashes, nodes)))
        except (LookupError, ValueError) as error:
            msg = f"hashes below its signed size {signed.size} are missing"
            raise LogBroken(msg) from error
        if edge.root() != signed.root:
            msg = f"its root at size {signed.size} is not the one that was signed"
            raise LogBroken(msg)
        return edge

    async def _last_signed(self, uow: "UnitOfWork", tenant_id: UUID) -> Checkpoint | None:
        """The larger of the checkpoints that journal and database have; each must be signed by us."""
        name = store.origin_of(self._origin, tenant_id)
        keys = [VerifierKey(name, key.public) for key in self._known]
        notes = [self._journal.newest(name)]
        row = await uow.first(store.NEWEST_CHECKPOINT, tenant_id=tenant_id, origin=name)
        notes.append(row["note"] if row else None)
        try:
            signed = [open_checkpoint(note, keys) for note in notes if note is not None]
        except NoteError as error:
            msg = f"its newest checkpoint is not signed by a key of the key file: {error}"
            raise LogBroken(msg) from error
        return max(signed, key=lambda one: one.size, default=None)


def _check_size(signed: int, head: "Record") -> None:
    if signed > head["size"]:
        msg = f"it has {head['size']} entries, {signed} were signed: entries are lost, or a backup was restored"
        raise LogBroken(msg)


def _stored_root(head: "Record") -> bytes | None:
    try:
        frontier = Frontier.from_bytes(head["frontier"])
    except ValueError:
        return None
    return frontier.root() if frontier.size == head["size"] else None
