"""The checks of what entries say: place in the tree, tenant, readable copies, opened values. One block at a time."""

from collections.abc import Callable
from typing import NamedTuple

from . import merkle
from .leaves import Leaf, Step, opens, parse_leaf
from .records import Block, Entry, Opening, read_entries
from .report import Malformed, Problem, Rejected, Report, TooManyProblems, Verdict
from .strict_json import is_same

_ENTRIES = "entries.jsonl"
_OPENINGS = "openings.jsonl"
_ERASED = "subject.erased"


class Claims(NamedTuple):
    """What the entries are checked against: the manifest's claims and the signed root."""

    tenant: str
    first_index: int
    end_index: int
    complete: bool
    tree_size: int
    root: bytes
    filter: dict[str, str] | None


class Checked(NamedTuple):
    """What a block is found to be; `fault` is why nothing behind it can be said, `steps` are of objects with versions.

    `counts` are entries, withheld, opened, sealed, erased.
    """

    indexes: tuple[int, int] | None
    hashes: list[bytes]
    steps: list[Step]
    counts: tuple[int, int, int, int, int]
    problems: list[Problem]
    fault: Rejected | None


class BlockCheck:
    """Checks blocks, each for itself; `also` is shown every entry and may refuse it."""

    def __init__(self, claims: Claims, also: Callable[[Entry, Report], None] | None = None) -> None:
        self._claims = claims
        self._also = also
        self._report = Report()
        self._steps: list[Step] = []

    def check(self, block: Block) -> Checked:
        """Check every entry of a block."""
        report = self._report = Report()
        self._steps = []
        claims, also = self._claims, self._also
        hashes: list[bytes] = []
        fault: Rejected | None = None
        first = expected = claims.first_index + block.line - 1 if claims.complete else -1
        try:
            for entry in read_entries(block):
                index = entry.log_index
                if not claims.complete and index >= max(expected, claims.first_index) and index < claims.end_index:
                    first = index if expected < 0 else first
                elif index != expected:
                    raise out_of_place(index, max(expected, claims.first_index))
                expected = index + 1
                hashes.append(entry.leaf_hash)
                if entry.proof is not None:
                    self._check_place(entry, entry.proof)
                self._check_entry(entry)
                if also is not None:
                    also(entry, report)
        except Rejected as rejection:
            fault = rejection
        except TooManyProblems:
            pass  # Whoever takes the problems over has too many then, too.
        counts = (report.entries, report.withheld, report.opened, report.sealed, report.erased)
        indexes = (first, expected - 1) if hashes else None
        return Checked(indexes, hashes, self._steps, counts, report.problems, fault)

    def _check_place(self, entry: Entry, proof: list[bytes]) -> None:
        claims = self._claims
        if claims.root != merkle.root_from_inclusion(entry.leaf_hash, entry.log_index, claims.tree_size, proof):
            self._report.refuse("inclusion.jsonl", "the leaf is not in the signed tree at this index", entry.log_index)

    def _check_entry(self, entry: Entry) -> None:
        report = self._report
        report.entries += 1
        if entry.leaf is None:
            report.withheld += 1
            self._steps.append((entry.log_index, None, None, None))
            if entry.openings:
                report.refuse(_OPENINGS, "a value of a withheld entry is opened", entry.log_index)
            return
        try:
            leaf = parse_leaf(entry.leaf)
        except Malformed as error:
            report.refuse(_ENTRIES, str(error), entry.log_index, Verdict.MALFORMED)
            return
        if leaf.tenant != self._claims.tenant:
            report.refuse(_ENTRIES, f"the entry is of tenant {leaf.tenant}", entry.log_index)
        if entry.copies is not None:
            self._check_copies(entry.log_index, entry.copies, leaf)
        if self._claims.filter:
            self._check_filter(entry.log_index, self._claims.filter, leaf)
        if leaf.after is not None or leaf.before is not None:
            self._steps.append((entry.log_index, leaf.subject, leaf.before, leaf.after))
        if leaf.content["type"] == _ERASED:
            report.erased += _erased(leaf)
        if entry.openings:
            self._check_openings(entry.log_index, entry.openings, leaf)
        else:
            report.sealed += len(leaf.changes)

    def _check_copies(self, index: int, copies: dict[str, object], leaf: Leaf) -> None:
        for name, copy in copies.items():
            if name not in leaf.content:
                self._report.refuse(_ENTRIES, f"readable copy {name!r} is not in the leaf", index)
            elif not is_same(copy, leaf.content[name]):
                self._report.refuse(_ENTRIES, f"readable copy {name!r} differs from the leaf", index)

    def _check_filter(self, index: int, stated: dict[str, str], leaf: Leaf) -> None:
        actor = leaf.content["actor"]
        told = {
            "work_order_id": leaf.content["work_order"],
            "actor": actor.get("id") if isinstance(actor, dict) else None,
            "type": leaf.content["type"],
        }
        for name, value in stated.items():
            if told[name] != value:
                self._report.refuse("manifest.json", f"the entry does not pass the filter by {name!r}", index)

    def _check_openings(self, index: int, openings: list[Opening], leaf: Leaf) -> None:
        opened = set()
        for field, salt, value in openings:
            if field in opened:
                self._report.refuse(_OPENINGS, f"{field!r} is opened twice", index)
            elif field not in leaf.changes:
                self._report.refuse(_OPENINGS, f"the leaf commits to no field {field!r}", index)
            elif not opens(leaf.changes[field], salt, value):
                self._report.refuse(_OPENINGS, f"the value of {field!r} is not the one committed to", index)
            opened.add(field)
        self._report.opened += len(opened)
        self._report.sealed += len(leaf.changes) - len(opened & leaf.changes.keys())


def out_of_place(index: int, expected: int) -> Rejected:
    """What is said of an entry that comes where another, or none, is due."""
    return Rejected(f"{_ENTRIES} has entry {index} where {expected} was expected")


def _erased(leaf: Leaf) -> int:
    """How many values an entry says were destroyed."""
    data = leaf.content["data"]
    number = data.get("fields") if isinstance(data, dict) else 0
    return number if type(number) is int and number > 0 else 0
