"""The verification of an audit bundle, in one pass over its entries and with bounded memory.

Order: the form of the zip, the manifest, the checkpoint's signature, every entry (place in the tree and content), the
root, the checkpoints before it, and the digest of every file.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from . import merkle
from .archive import Archive
from .content import ContentCheck
from .cosignatures import WitnessKey, cosigned_at, parse_witnesses
from .history import Trail, check_history
from .manifest import Manifest, parse_manifest
from .notes import Checkpoint, VerifierKey, open_checkpoint, parse_vkeys
from .records import Entry, read_entries
from .report import Malformed, Problem, Rejected, Report, TooManyProblems
from .strict_json import hashes, parse_object, whole_number
from .table import FILE as TABLE
from .table import TableCheck


class Trust(NamedTuple):
    """What a verification relies on beside the bundle."""

    vkeys: tuple[str, ...] | None
    earlier_note: bytes | None
    witnesses: tuple[str, ...]
    quorum: int | None
    hourly: bool


def verify(
    bundle: str | Path,
    *,
    vkeys: Iterable[str] | None = None,
    earlier_checkpoint: str | bytes | None = None,
    witnesses: Iterable[str] = (),
    quorum: int | None = None,
    hourly: bool = False,
) -> Report:
    """Verify a downloaded audit export offline; whatever is wrong with the bundle is in the report, not raised.

    Args:
        bundle: the zip file.
        vkeys: verifier keys obtained apart from the bundle. Without them the bundle's own are used, which proves only
            that it agrees with itself: the report then notes `key not pinned`.
        earlier_checkpoint: a signed checkpoint kept from before; the bundle must prove that the log only grew since.
        witnesses: verifier keys of witnesses (type 0x04); `quorum` of them, by default all, must have cosigned.
        hourly: refuse a bundle in which more than an hour passes between two checkpoints; else that is only noted.

    Raises:
        OSError: the file cannot be opened.
    """
    earlier = earlier_checkpoint.encode() if isinstance(earlier_checkpoint, str) else earlier_checkpoint
    trust = Trust(None if vkeys is None else tuple(vkeys), earlier, tuple(witnesses), quorum, hourly)
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
        trail = Trail(archive, checkpoint, keys, report, hourly=trust.hourly)
        checks = [ContentCheck(manifest, report).check]
        table = TableCheck(archive, report) if TABLE in archive else None
        if table is not None:
            checks.append(table.check)
        earlier_size = earlier.size if earlier else None
        earlier_root = _check_entries(archive, manifest, checkpoint, report, trail, checks, earlier_size)
        trail.end()
        if table is not None:
            table.end()
        check_history(archive, checkpoint, keys, report, earlier=earlier, earlier_root=earlier_root)
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


def _check_entries(
    archive: Archive,
    manifest: Manifest,
    checkpoint: Checkpoint,
    report: Report,
    trail: Trail,
    checks: Sequence[Callable[[Entry], None]],
    earlier_size: int | None,
) -> bytes | None:
    """Check every entry and the root; returns the root at `earlier_size` where the entries themselves give it."""
    fold, right = _range_fold(archive, manifest)
    earlier_root = _begin(fold, trail, earlier_size)
    expected = manifest.first_index
    for entry in read_entries(archive):
        if entry.log_index != expected and (manifest.complete or not expected < entry.log_index < manifest.end_index):
            msg = f"entries.jsonl has entry {entry.log_index} where {expected} was expected"
            raise Rejected(msg)
        expected = entry.log_index + 1
        if entry.proof is not None and checkpoint.root != merkle.root_from_inclusion(
            entry.leaf_hash, entry.log_index, checkpoint.size, entry.proof
        ):
            report.refuse("inclusion.jsonl", "the leaf is not in the signed tree at this index", entry.log_index)
        if fold:
            fold.append(entry.leaf_hash)
            if expected == earlier_size:
                earlier_root = fold.root()
            if expected == trail.size:
                trail.check(fold.root())
        for check in checks:
            check(entry)
    if expected > manifest.end_index or (manifest.complete and expected < manifest.end_index):
        msg = f"entries.jsonl ends before entry {expected}, the manifest claims [.., {manifest.end_index})"
        raise Rejected(msg)
    if manifest.withheld != report.withheld:
        report.refuse("manifest.json", f"{manifest.withheld} entries are claimed to be withheld, {report.withheld} are")
    if fold and right is not None:
        try:
            root = fold.root_with(right, checkpoint.size)
        except ValueError as error:
            raise Malformed(str(error)) from error
        if root != checkpoint.root:
            report.refuse(
                "entries.jsonl", "the entries do not lead to the signed root: one was changed, moved or added"
            )
    return earlier_root


def _begin(fold: merkle.RangeFold | None, trail: Trail, earlier_size: int | None) -> bytes | None:
    """Check what was signed where the range begins; returns the root there if it is the one of `earlier_size`."""
    if fold is None:
        return None
    if fold.size == trail.size:
        trail.check(fold.root())
    return fold.root() if fold.size == earlier_size else None


def _range_fold(archive: Archive, manifest: Manifest) -> tuple[merkle.RangeFold | None, list[bytes] | None]:
    """The fold of a gap-free bundle and the hashes to its right; None for what the bundle has not got."""
    if "range.json" in archive:
        proof = parse_object(archive.read("range.json"))
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
