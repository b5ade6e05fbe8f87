"""The verification of an audit bundle, in one pass over its entries and with bounded memory.

Order: the form of the zip, the manifest, the checkpoint's signature, every entry (place in the tree and content), the
root, the checkpoints before it, and the digest of every file.
"""

from collections.abc import Iterable
from pathlib import Path

from . import merkle
from .archive import Archive
from .content import ContentCheck
from .manifest import Manifest, parse_manifest
from .notes import Checkpoint, VerifierKey, open_checkpoint, parse_vkeys
from .records import read_entries
from .report import Malformed, Problem, Rejected, Report, TooManyProblems
from .strict_json import hashes, parse_object, whole_number


def verify(
    bundle: str | Path, *, vkeys: Iterable[str] | None = None, earlier_checkpoint: str | bytes | None = None
) -> Report:
    """Verify a downloaded audit export offline; whatever is wrong with the bundle is in the report, not raised.

    Args:
        bundle: the zip file.
        vkeys: verifier keys obtained apart from the bundle. Without them the bundle's own are used, which proves only
            that it agrees with itself: the report then notes `key not pinned`.
        earlier_checkpoint: a signed checkpoint kept from before; the bundle must prove that the log only grew since.

    Raises:
        OSError: the file cannot be opened.
    """
    report = Report(key_pinned=vkeys is not None)
    if not report.key_pinned:
        report.notes.append("key not pinned: the bundle's own key was used; pass a verifier key that you trust")
    try:
        with Archive(Path(bundle)) as archive:
            _verify_archive(archive, report, vkeys, earlier_checkpoint)
    except Rejected as rejection:
        report.problems.append(Problem(rejection.verdict, "bundle", str(rejection)))
    except TooManyProblems:
        report.notes.append("there are more problems than are listed")
    return report


def _verify_archive(
    archive: Archive, report: Report, vkeys: Iterable[str] | None, earlier_note: str | bytes | None
) -> None:
    manifest = parse_manifest(archive.read("manifest.json"))
    report.origin, report.tenant, report.complete = manifest.origin, manifest.tenant, manifest.complete
    report.first_index, report.end_index, report.tree_size = (
        manifest.first_index,
        manifest.end_index,
        manifest.tree_size,
    )
    _check_files(archive, manifest)
    try:
        keys = _keys(archive, vkeys)
        checkpoint = open_checkpoint(archive.read("checkpoint.txt"), keys, "checkpoint.txt")
        report.signed_by, report.root = checkpoint.signed_by, checkpoint.root
        if (checkpoint.origin, checkpoint.size) != (manifest.origin, manifest.tree_size):
            report.refuse("checkpoint.txt", "its origin or size is not that of the manifest")
        earlier = None
        if earlier_note is not None:
            note = earlier_note.encode() if isinstance(earlier_note, str) else earlier_note
            earlier = open_checkpoint(note, keys, "the earlier checkpoint")
        earlier_root = _check_entries(archive, manifest, checkpoint, report, earlier.size if earlier else None)
        _check_history(archive, checkpoint, keys, report, earlier=earlier, earlier_root=earlier_root)
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


def _check_entries(
    archive: Archive, manifest: Manifest, checkpoint: Checkpoint, report: Report, earlier_size: int | None
) -> bytes | None:
    """Check every entry and the root; returns the root at `earlier_size` where the entries themselves give it."""
    fold, right = _range_fold(archive, manifest)
    earlier_root = fold.root() if fold and fold.size == earlier_size else None
    content = ContentCheck(manifest, report)
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
        content.check(entry)
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


def _check_history(
    archive: Archive,
    checkpoint: Checkpoint,
    keys: Iterable[VerifierKey],
    report: Report,
    *,
    earlier: Checkpoint | None,
    earlier_root: bytes | None,
) -> None:
    """Check that the signed tree continues the trees signed before: the bundle's previous one and the one kept."""
    proof: list[bytes] | None = None
    proved_from = checkpoint.size
    if "consistency.json" in archive:
        previous = open_checkpoint(archive.read("previous-checkpoint.txt"), keys, "previous-checkpoint.txt")
        content = parse_object(archive.read("consistency.json"))
        proof, proved_from = hashes(content, "proof"), whole_number(content, "from")
        if previous.origin != checkpoint.origin:
            report.refuse("previous-checkpoint.txt", f"it is of {previous.origin}")
        if (proved_from, whole_number(content, "to")) != (previous.size, checkpoint.size):
            report.refuse("consistency.json", "it is about other sizes than the two checkpoints")
        _check_growth(previous, checkpoint, proof, report)
    if earlier is None:
        return
    if earlier.origin != checkpoint.origin:
        report.refuse("earlier checkpoint", f"it is of {earlier.origin}")
    elif earlier_root is not None:
        if earlier_root != earlier.root:
            report.refuse("earlier checkpoint", f"the log had another root at size {earlier.size}: it was rewritten")
        else:
            report.consistent_from += (earlier.size,)
    elif earlier.size == checkpoint.size:
        _check_growth(earlier, checkpoint, [], report)
    elif proof is not None and earlier.size == proved_from:
        _check_growth(earlier, checkpoint, proof, report)
    elif earlier.size > checkpoint.size:
        report.refuse("checkpoint.txt", f"the log had {earlier.size} entries before and has {checkpoint.size} now")
    elif earlier.size:
        report.refuse(
            "consistency.json", f"nothing in the bundle proves growth from size {earlier.size}; export from there"
        )


def _check_growth(old: Checkpoint, new: Checkpoint, proof: list[bytes], report: Report) -> None:
    if merkle.is_consistent(old.size, new.size, old.root, new.root, proof):
        report.consistent_from += (old.size,)
    else:
        report.refuse("consistency.json", f"the signed tree does not continue the one of size {old.size}")


def _check_digests(archive: Archive, manifest: Manifest, report: Report) -> None:
    for name, expected in sorted(manifest.digests.items()):
        if archive.digest(name) != expected:
            report.refuse(name, "its SHA-256 is not the one in manifest.json")
