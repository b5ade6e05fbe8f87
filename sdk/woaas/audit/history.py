"""The checks of what was signed before: the checkpoints within a bundle's range and those it must continue."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from . import merkle
from .archive import Archive
from .cosignatures import signed_at
from .notes import Checkpoint, VerifierKey, open_checkpoint
from .report import Malformed, Report
from .strict_json import hashes, parse_exactly, whole_number

_TRAIL = "checkpoints.jsonl"
# A checkpoint is due within the hour; what a clock or a slow signature adds is no silence.
LONGEST_SILENCE_S = 3600 + 60
_NOTE = frozenset({"note"})
_GROWTH = frozenset({"from", "to", "proof"})


class Trail:
    """Follows the checkpoints of a range beside its entries: each must be signed, have the root that the entries give
    at its size, and come neither before the last one nor more than an hour after it.

    ``size`` is where the next one is to be checked, None after the last.
    """

    def __init__(
        self, archive: Archive, newest: Checkpoint, keys: Iterable[VerifierKey], report: Report, *, hourly: bool
    ) -> None:
        self.size: int | None = None
        self._keys = tuple(keys)
        self._newest = newest
        self._report = report
        self._hourly = hourly
        self._last_s: int | None = None
        self._rest: Iterator[Checkpoint] = self._read(archive) if _TRAIL in archive else iter(())
        self._next: Checkpoint | None = None
        self._advance()

    def check(self, root: bytes) -> None:
        """Check every checkpoint of the present size against the root there."""
        size = self.size
        while self._next is not None and self.size == size:
            if self._next.root != root:
                self._report.refuse(_TRAIL, f"the log had another root when it was signed at size {size}")
            self._check_time(self._next)
            self._report.checkpoints += 1
            self._advance()

    def end(self) -> None:
        """Check the newest checkpoint's time; a checkpoint that was met nowhere lies outside of the range.

        Raises:
            Malformed: one does.
        """
        if self._next is not None:
            msg = f"{_TRAIL} has a checkpoint of size {self.size}, which is out of order or outside of the range"
            raise Malformed(msg)
        if self._last_s is not None:
            self._check_time(self._newest)

    def _read(self, archive: Archive) -> Iterator[Checkpoint]:
        for line in archive.lines(_TRAIL):
            note = parse_exactly(line, _NOTE)["note"]
            if not isinstance(note, str):
                msg = f"a line of {_TRAIL} has no note"
                raise Malformed(msg)
            checkpoint = open_checkpoint(note.encode(), self._keys, _TRAIL)
            if checkpoint.origin != self._newest.origin:
                msg = f"{_TRAIL} has a checkpoint of {checkpoint.origin}"
                raise Malformed(msg)
            yield checkpoint

    def _advance(self) -> None:
        self._next = next(self._rest, None)
        self.size = self._next.size if self._next else None

    def _check_time(self, checkpoint: Checkpoint) -> None:
        at_s = signed_at(checkpoint, self._keys)
        if at_s is None:
            msg = f"the log's checkpoint of size {checkpoint.size} does not say when it was signed"
            raise Malformed(msg)
        if self._last_s is not None:
            if at_s < self._last_s:
                self._report.refuse(_TRAIL, f"size {checkpoint.size} was signed at {_at(at_s)}, before a smaller one")
            elif at_s - self._last_s > LONGEST_SILENCE_S:
                self._silence(self._last_s, at_s)
        self._last_s = at_s

    def _silence(self, start_s: int, end_s: int) -> None:
        reason = f"no checkpoint between {_at(start_s)} and {_at(end_s)}"
        self._report.silent += ((start_s, end_s),)
        if self._hourly:
            self._report.refuse(_TRAIL, reason)
        elif len(self._report.silent) <= 20:
            self._report.notes.append(reason)


def _at(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def check_history(
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
        signed_at(previous, keys)
        content = parse_exactly(archive.read("consistency.json"), _GROWTH)
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
