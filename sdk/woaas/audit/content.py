"""The checks of what entries say: tenant, readable copies, opened values and the chain of versions."""

from .leaves import Leaf, VersionChain, opens, parse_leaf
from .manifest import Manifest
from .records import Entry, Opening
from .report import Malformed, Report, Verdict
from .strict_json import is_same

_ENTRIES = "entries.jsonl"
_OPENINGS = "openings.jsonl"


class ContentCheck:
    """Takes the entries in order and reports every claim about them that their leaves do not bear out."""

    def __init__(self, manifest: Manifest, report: Report) -> None:
        self._tenant = manifest.tenant
        self._report = report
        # Entries left out of a filtered bundle may hold the missing link of any chain.
        self._chain = VersionChain(from_start=manifest.first_index == 0) if manifest.complete else None

    def check(self, entry: Entry) -> None:
        """Check one entry; its place in the tree is proved elsewhere."""
        report = self._report
        report.entries += 1
        if entry.leaf is None:
            report.withheld += 1
            self._chain = None  # What is withheld may hold the missing link, too.
            if entry.openings:
                report.refuse(_OPENINGS, "a value of a withheld entry is opened", entry.log_index)
            return
        try:
            leaf = parse_leaf(entry.leaf)
        except Malformed as error:
            report.refuse(_ENTRIES, str(error), entry.log_index, Verdict.MALFORMED)
            return
        if leaf.tenant != self._tenant:
            report.refuse(_ENTRIES, f"the entry is of tenant {leaf.tenant}", entry.log_index)
        self._check_copies(entry, leaf)
        if self._chain and (broken := self._chain.follow(leaf)):
            report.refuse(_ENTRIES, broken, entry.log_index)
        report.erased += _erased(leaf)
        if leaf.changes or entry.openings:
            self._check_openings(entry.log_index, entry.openings, leaf)

    def _check_copies(self, entry: Entry, leaf: Leaf) -> None:
        for name, copy in (entry.copies or {}).items():
            if name not in leaf.content:
                self._report.refuse(_ENTRIES, f"readable copy {name!r} is not in the leaf", entry.log_index)
            elif not is_same(copy, leaf.content[name]):
                self._report.refuse(_ENTRIES, f"readable copy {name!r} differs from the leaf", entry.log_index)

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
        self._report.sealed += len(leaf.changes.keys() - opened)


def _erased(leaf: Leaf) -> int:
    """How many values an entry says were destroyed."""
    data = leaf.content["data"]
    number = data.get("fields") if leaf.content["type"] == "subject.erased" and isinstance(data, dict) else 0
    return number if type(number) is int and number > 0 else 0
