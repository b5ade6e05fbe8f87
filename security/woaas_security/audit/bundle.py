"""Writing the zip that proves a part of a tenant's log offline (`sdk/woaas/audit` verifies it, sharing no code).

A writer is fed page by page, so an export of any length needs little memory; the log itself is read by the caller.
"""

import base64
import json
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import IO, BinaryIO, NamedTuple, Self

import msgspec

from woaas_core.events.canonical import JSONValue

from .checkpoint import Checkpoint
from .note import parse_note
from .proofs import NodeHashes, plan_consistency, plan_inclusion, plan_range
from .renderings import Format, rendering_of

SCHEMA = "woaas.audit-bundle/1"
MAX_INCLUSION_PROOFS = 10_000
_SPOOL_BYTES = 8 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # One export is one sequence of bytes, whenever it is written.


class Opening(NamedTuple):
    """A value that a leaf commits to, shown to a requester who may read it."""

    field: str
    salt: bytes
    value: JSONValue


@dataclass(frozen=True, slots=True)
class ExportedEntry:
    """One log entry of an export.

    `leaf` is None where the requester may not read the entry: its hash alone then keeps the range gap-free.
    """

    index: int
    leaf: bytes | None
    leaf_hash: bytes
    openings: Sequence[Opening] = ()


@dataclass(frozen=True, slots=True)
class BundleScope:
    """What a bundle is about: the log indexes `[first_index, end_index)` and the filter applied within them, if any.

    `requested` is what was asked for (say, times) and is stated in the manifest beside the range that covers it.
    """

    tenant: str
    first_index: int
    end_index: int
    filter: Mapping[str, JSONValue] | None = None
    requested: Mapping[str, JSONValue] = field(default_factory=dict)


def proves_each(scope: BundleScope) -> bool:
    """Whether a bundle has an inclusion proof per entry instead of one proof of its range."""
    return scope.filter is not None or scope.end_index - scope.first_index <= MAX_INCLUSION_PROOFS


class BundleWriter:
    """Writes one bundle to a binary file; usable as a context manager, which closes it where nothing was raised.

    Entries come in the order of their index. A filtered export, or one of at most 10,000 entries, gets an inclusion
    proof per entry; a longer range gets one proof for all of it. `trail` are checkpoints of sizes within the range, in
    their order; they are written where the entries give the root at each size.
    """

    def __init__(
        self,
        target: BinaryIO,
        scope: BundleScope,
        *,
        checkpoint: str,
        vkeys: Iterable[str],
        hashes: NodeHashes,
        previous_checkpoint: str | None = None,
        trail: Iterable[str] = (),
        format: Format = "jsonl",
    ) -> None:
        self._scope = scope
        self._hashes = hashes
        self._digests: dict[str, str] = {}
        self._next_index = scope.first_index
        self._withheld = 0
        self._checkpoint = Checkpoint.parse(parse_note(checkpoint).text)
        if not 0 <= scope.first_index <= scope.end_index <= self._checkpoint.size:
            msg = f"[{scope.first_index}, {scope.end_index}) is not inside a log of {self._checkpoint.size} entries"
            raise ValueError(msg)
        self._proves_each = proves_each(scope)
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        self._write("checkpoint.txt", checkpoint.encode())
        self._write("keys/vkeys.txt", "".join(f"{vkey}\n" for vkey in vkeys).encode())
        self._write("VERIFY.md", files("woaas_security.audit").joinpath("VERIFY.md").read_bytes())
        self._write_history(previous_checkpoint)
        if scope.filter is None and (scope.first_index == 0 or not self._proves_each):
            self._write_trail(trail)
        # A zip takes one file at a time: the other two streams wait aside.
        self._inclusion = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115  # lives as long as the writer
        self._openings = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115
        self._rendering = rendering_of(format, checkpoint=checkpoint)
        self._entries = _Member(self._zip, "entries.jsonl")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            for part in (self._inclusion, self._openings, self._entries, self._zip):
                part.close()

    def add(self, entries: Iterable[ExportedEntry], hashes: NodeHashes | None = None) -> None:
        """Append the next entries; `hashes` prove them where those given to the writer do not.

        Raises:
            ValueError: one is out of order, outside the scope, or leaves a gap in an unfiltered export.
        """
        scope, size, hashes = self._scope, self._checkpoint.size, hashes or self._hashes
        for entry in entries:
            gap = entry.index > self._next_index and scope.filter is None
            if entry.index < self._next_index or entry.index >= scope.end_index or gap:
                msg = f"entry {entry.index} was given where {self._next_index} is next before {scope.end_index}"
                raise ValueError(msg)
            self._next_index = entry.index + 1
            self._withheld += entry.leaf is None
            self._entries.write(_entry_line(entry))
            if self._proves_each:
                proof = [_b64(part) for part in hashes.resolve(plan_inclusion(entry.index, size))]
                self._inclusion.write(_json_line({"index": entry.index, "proof": proof}))
            for name, salt, value in entry.openings:
                opening: JSONValue = {"index": entry.index, "field": name, "salt": _b64(salt), "value": value}
                self._openings.write(_json_line(opening))
            if self._rendering is not None:
                self._rendering.add(entry)

    def close(self) -> None:
        """Write the proofs and the manifest and finish the zip; the target stays open.

        Raises:
            ValueError: entries of an unfiltered export are missing.
        """
        scope = self._scope
        if scope.filter is None and self._next_index != scope.end_index:
            msg = f"entries {self._next_index} to {scope.end_index - 1} of the export are missing"
            raise ValueError(msg)
        self._digests[self._entries.name] = self._entries.close()
        with self._openings, self._inclusion:
            self._copy("openings.jsonl", self._openings)
            if self._proves_each:
                self._copy("inclusion.jsonl", self._inclusion)
            else:
                self._write("range.json", self._range_proof())
        manifest = {
            "schema": SCHEMA,
            "origin": self._checkpoint.origin,
            "tenant": scope.tenant,
            "first_index": scope.first_index,
            "end_index": scope.end_index,
            "filter": scope.filter,
            "requested": scope.requested,
            "complete": scope.filter is None,
            "tree_size": self._checkpoint.size,
            "withheld": self._withheld,
            "sha256": self._digests,
        }
        if self._rendering is not None:
            with self._rendering.finish(manifest) as file:
                self._copy(self._rendering.name, file)
        self._write("manifest.json", (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())
        self._zip.close()

    def _write_history(self, previous_checkpoint: str | None) -> None:
        if previous_checkpoint is None:
            return
        previous = Checkpoint.parse(parse_note(previous_checkpoint).text)
        if previous.size == 0:
            return  # Every log continues the empty one; RFC 6962 has no proof of that.
        plan = plan_consistency(previous.size, self._checkpoint.size)
        proof = [_b64(part) for part in self._hashes.resolve(plan)]
        self._write("previous-checkpoint.txt", previous_checkpoint.encode())
        content: JSONValue = {"from": previous.size, "to": self._checkpoint.size, "proof": proof}
        self._write("consistency.json", _json_line(content))

    def _write_trail(self, trail: Iterable[str]) -> None:
        member: _Member | None = None
        for note in trail:
            member = member or _Member(self._zip, "checkpoints.jsonl")
            member.write(_json_line({"note": note}))
        if member is not None:
            self._digests[member.name] = member.close()

    def _range_proof(self) -> bytes:
        scope, size = self._scope, self._checkpoint.size
        plan = plan_range(scope.first_index, scope.end_index, size)
        return _json_line(
            {
                "from": scope.first_index,
                "to": scope.end_index,
                "size": size,
                "left": [_b64(self._hashes(node)) for node in plan.left],
                "right": [_b64(self._hashes(node)) for node in plan.right],
            }
        )

    def _write(self, name: str, content: bytes) -> None:
        member = _Member(self._zip, name)
        member.write(content)
        self._digests[name] = member.close()

    def _copy(self, name: str, spool: IO[bytes]) -> None:
        spool.seek(0)
        member = _Member(self._zip, name)
        while chunk := spool.read(_SPOOL_BYTES):
            member.write(chunk)
        self._digests[name] = member.close()


class _Member:
    """A file of the zip, hashed while it is written."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.name = name
        info = zipfile.ZipInfo(name, _EPOCH)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        self._file = archive.open(info, "w", force_zip64=True)
        self._digest = sha256()

    def write(self, content: bytes) -> None:
        self._digest.update(content)
        self._file.write(content)

    def close(self) -> str:
        self._file.close()
        return self._digest.hexdigest()


def _entry_line(entry: ExportedEntry) -> bytes:
    """A line of `entries.jsonl`; as a leaf is a JSON object, its own bytes serve as the readable copies."""
    if entry.leaf is None:
        return b'{"index":%d,"leaf_hash":"%b"}\n' % (entry.index, base64.b64encode(entry.leaf_hash))
    return b'{"index":%d,"leaf":"%b",%b\n' % (entry.index, base64.b64encode(entry.leaf), entry.leaf[1:])


def _json_line(content: JSONValue) -> bytes:
    return msgspec.json.encode(content) + b"\n"


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
