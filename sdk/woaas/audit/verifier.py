"""The verification of an audit bundle, in one pass over its entries and with bounded memory.

Order: the form of the zip, the manifest, the checkpoint's signature, every entry (place in the tree and content), the
root, the checkpoints before it, and the digest of every file. Entries are checked in blocks, several at once where
there are processes for it; what needs their order (root, versions, checkpoints) is done here.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from . import merkle
from .archive import Archive
from .content import BlockCheck, Checked, Claims, out_of_place
from .cosignatures import WitnessKey, cosigned_at, parse_witnesses, signed_at
from .history import Trail, check_history
from .leaves import VersionChain
from .manifest import Manifest, parse_manifest
from .notes import Checkpoint, VerifierKey, open_checkpoint, parse_vkeys
from .parquet import FILE as PARQUET
from .parquet import ParquetCheck
from .records import Entry, read_blocks
from .report import Malformed, Problem, Rejected, Report, TooManyProblems
from .strict_json import hashes, parse_exactly, whole_number
from .table import FILE as TABLE
from .table import TableCheck
from .workers import check_blocks

_RANGE = frozenset({"from", "to", "size", "left", "right"})
_PDF = "report.pdf"


class Trust(NamedTuple):
    """What a verification relies on beside the bundle."""

    vkeys: tuple[str, ...] | None
    earlier_note: bytes | None
    witnesses: tuple[str, ...]
    quorum: int | None
    hourly: bool
    processes: int


def verify(
    bundle: str | Path,
    *,
    vkeys: Iterable[str] | None = None,
    earlier_checkpoint: str | bytes | None = None,
    witnesses: Iterable[str] = (),
    quorum: int | None = None,
    hourly: bool = False,
    processes: int = 0,
) -> Report:
    """Verify a downloaded audit export offline; whatever is wrong with the bundle is in the report, not raised.

    Args:
        bundle: the zip file.
        vkeys: verifier keys obtained apart from the bundle. Without them the bundle's own are used, which proves only
            that it agrees with itself: the report then notes `key not pinned`.
        earlier_checkpoint: a signed checkpoint kept from before; the bundle must prove that the log only grew since.
        witnesses: verifier keys of witnesses (type 0x04); `quorum` of them, by default all, must have cosigned.
        hourly: refuse a bundle in which more than an hour passes between two checkpoints; else that is only noted.
        processes: how many to start for a long bundle, beside this one; each takes some 50 MB.

    Raises:
        OSError: the file cannot be opened.
    """
    earlier = earlier_checkpoint.encode() if isinstance(earlier_checkpoint, str) else earlier_checkpoint
    trust = Trust(None if vkeys is None else tuple(vkeys), earlier, tuple(witnesses), quorum, hourly, processes)
    report = Report(key_pinned=trust.vkeys is not None)
    if not report.key_pinned:
        report.notes.append("key not pinned: the bundle's own key was used; pass a verifier key that you trust")
    try:
        with Archive(Path(bundle)) as archive:
            _verify_archive(archive, report, trust)
    except Rejected as rejection:
        report.problems.append(Problem(rejection.verdict, "bundle", str(rejection)))
    except TooManyProblems:
        report.notes.append("there are more problems than are listed")
    return report


def _verify_archive(archive: Archive, report: Report, trust: Trust) -> None:
    manifest = parse_manifest(archive.read("manifest.json"))
    report.origin, report.tenant, report.complete = manifest.origin, manifest.tenant, manifest.complete
    report.first_index, report.end_index, report.tree_size = (
        manifest.first_index,
        manifest.end_index,
        manifest.tree_size,
    )
    _check_files(archive, manifest)
    try:
        keys = _keys(archive, trust.vkeys)
        checkpoint = open_checkpoint(archive.read("checkpoint.txt"), keys, "checkpoint.txt")
        report.signed_by, report.root = checkpoint.signed_by, checkpoint.root
        if (checkpoint.origin, checkpoint.size) != (manifest.origin, manifest.tree_size):
            report.refuse("checkpoint.txt", "its origin or size is not that of the manifest")
        _check_witnesses(checkpoint, parse_witnesses(trust.witnesses), trust.quorum, report)
        earlier = None
        if trust.earlier_note is not None:
            earlier = open_checkpoint(trust.earlier_note, keys, "the earlier checkpoint")
        signed_at(checkpoint, keys)
        trail = Trail(archive, checkpoint, keys, report, hourly=trust.hourly)
        order = _Order(archive, manifest, checkpoint, report, trail, earlier.size if earlier else None)
        for checked in _checked(archive, manifest, checkpoint, trust.processes):
            order.take(checked)
        order.end()
        trail.end()
        check_history(archive, checkpoint, keys, report, earlier=earlier, earlier_root=order.earlier_root)
        if _PDF in archive:
            report.notes.append(f"{_PDF} is for reading: its words are not compared with the entries")
    finally:
        # Also where form is at fault: a file that was changed is a stronger finding than one that cannot be read.
        _check_digests(archive, manifest, report)


def _check_files(archive: Archive, manifest: Manifest) -> None:
    listed, present = set(manifest.digests), archive.names - {"manifest.json"}
    if odd := listed ^ present:
        msg = f"manifest.json and the zip do not have the same files: {', '.join(sorted(odd))}"
        raise Malformed(msg)
    if ("previous-checkpoint.txt" in present) != ("consistency.json" in present):
        msg = "previous-checkpoint.txt and consistency.json come together"
        raise Malformed(msg)
    if "range.json" in present and not manifest.complete:
        msg = "range.json cannot prove a filtered selection"
        raise Malformed(msg)
    if not manifest.is_whole_log and not present & {"range.json", "inclusion.jsonl"}:
        msg = "neither inclusion.jsonl nor range.json proves the entries"
        raise Malformed(msg)


def _keys(archive: Archive, vkeys: Iterable[str] | None) -> tuple[VerifierKey, ...]:
    if vkeys is None:
        vkeys = archive.read("keys/vkeys.txt").decode("utf-8", "replace").splitlines()
    return parse_vkeys(vkeys)


def _check_witnesses(
    checkpoint: Checkpoint, witnesses: tuple[WitnessKey, ...], quorum: int | None, report: Report
) -> None:
    if not witnesses:
        return
    report.witnessed_by = tuple(cosigned_at(checkpoint, witnesses))
    needed = len({key.public for key in witnesses}) if quorum is None else quorum
    if len(report.witnessed_by) < needed:
        report.refuse("checkpoint.txt", f"{len(report.witnessed_by)} of the known witnesses cosigned it, not {needed}")


def _checked(archive: Archive, manifest: Manifest, checkpoint: Checkpoint, processes: int) -> Iterator[Checked]:
    claims = Claims(
        manifest.tenant,
        manifest.first_index,
        manifest.end_index,
        manifest.complete,
        checkpoint.size,
        checkpoint.root,
        manifest.filter,
    )
    tables = [kind(archive) for file, kind in ((TABLE, TableCheck), (PARQUET, ParquetCheck)) if file in archive]
    if not tables:
        yield from check_blocks(read_blocks(archive), claims, processes)
        return

    def also(entry: Entry, report: Report) -> None:
        for table in tables:
            table.check(entry, report)

    # A table is one more stream in the order of the entries, so both are read here.
    yield from map(BlockCheck(claims, also).check, read_blocks(archive))
    for table in tables:
        table.end()


class _Order:
    """Takes the checked blocks over, one after the other: the root they lead to, versions, and checkpoints on the way.

    `earlier_root` is the root at `earlier_size`, where the entries themselves give it.
    """

    def __init__(
        self,
        archive: Archive,
        manifest: Manifest,
        checkpoint: Checkpoint,
        report: Report,
        trail: Trail,
        earlier_size: int | None,
    ) -> None:
        self._manifest = manifest
        self._checkpoint = checkpoint
        self._report = report
        self._trail = trail
        self._earlier_size = earlier_size
        self._next = manifest.first_index
        self._fold, self._right = _range_fold(archive, manifest)
        # Entries left out of a filtered bundle may hold the missing link of any chain.
        self._chain = VersionChain(from_start=manifest.first_index == 0) if manifest.complete else None
        self.earlier_root: bytes | None = None
        if self._fold is not None:
            self._look(self._fold)

    def take(self, checked: Checked) -> None:
        """Take the next block.

        Raises:
            Rejected: nothing can be said of what comes behind it.
        """
        report = self._report
        entries, withheld, opened, sealed, erased = checked.counts
        report.entries += entries
        report.withheld += withheld
        report.opened += opened
        report.sealed += sealed
        report.erased += erased
        for problem in checked.problems:
            report.refuse(problem.file, problem.reason, problem.index, problem.verdict)
        if self._chain is not None:
            for step in checked.steps:
                if broken := self._chain.follow(step):
                    report.refuse("entries.jsonl", broken, step[0])
        if checked.indexes is not None:
            first, last = checked.indexes
            if first < self._next:
                raise out_of_place(first, self._next)
            self._next = last + 1
            if self._fold is not None:
                self._extend(self._fold, checked.hashes)
        if checked.fault is not None:
            raise checked.fault

    def end(self) -> None:
        """Check that the entries are as many as claimed, and the root.

        Raises:
            Rejected: they are not.
        """
        manifest, report = self._manifest, self._report
        if self._next > manifest.end_index or (manifest.complete and self._next < manifest.end_index):
            msg = f"entries.jsonl ends before entry {self._next}, the manifest claims [.., {manifest.end_index})"
            raise Rejected(msg)
        if manifest.withheld != report.withheld:
            claim = f"{manifest.withheld} entries are claimed to be withheld, {report.withheld} are"
            report.refuse("manifest.json", claim)
        if self._fold and self._right is not None:
            try:
                root = self._fold.root_with(self._right, self._checkpoint.size)
            except ValueError as error:
                raise Malformed(str(error)) from error
            if root != self._checkpoint.root:
                report.refuse(
                    "entries.jsonl", "the entries do not lead to the signed root: one was changed, moved or added"
                )

    def _extend(self, fold: merkle.RangeFold, leaves: list[bytes]) -> None:
        """Fold the leaves, stopping at each size of which something is known."""
        done = 0
        while done < len(leaves):
            end = fold.size + len(leaves) - done
            known = (size for size in (self._trail.size, self._earlier_size) if size and fold.size < size <= end)
            part = leaves[done : done + min(known, default=end) - fold.size]
            fold.extend(part)
            done += len(part)
            self._look(fold)

    def _look(self, fold: merkle.RangeFold) -> None:
        if fold.size == self._earlier_size:
            self.earlier_root = fold.root()
        if fold.size == self._trail.size:
            self._trail.check(fold.root())


def _range_fold(archive: Archive, manifest: Manifest) -> tuple[merkle.RangeFold | None, list[bytes] | None]:
    """The fold of a gap-free bundle and the hashes to its right; None for what the bundle has not got."""
    if "range.json" in archive:
        proof = parse_exactly(archive.read("range.json"), _RANGE)
        claimed = tuple(whole_number(proof, key) for key in ("from", "to", "size"))
        if claimed != (manifest.first_index, manifest.end_index, manifest.tree_size):
            msg = "range.json is about another range or size than the manifest"
            raise Rejected(msg)
        try:
            return merkle.RangeFold(manifest.first_index, hashes(proof, "left")), hashes(proof, "right")
        except ValueError as error:
            raise Malformed(str(error)) from error
    if manifest.complete and manifest.first_index == 0:
        return merkle.RangeFold(0), [] if manifest.is_whole_log else None
    return None, None


def _check_digests(archive: Archive, manifest: Manifest, report: Report) -> None:
    for name, expected in sorted(manifest.digests.items()):
        if archive.digest(name) != expected:
            report.refuse(name, "its SHA-256 is not the one in manifest.json")
