"""What an administrator of the database can do to a log, and who notices: the offline verifier with one old checkpoint.

Each attack makes the bundle that an export would then hold. The auditor has the log's key and the checkpoint of size 17
from before; the attacker has the database, in some attacks the bundle, and in the last ones the signing key as well.
"""

import base64
import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from fixtures.audit_bundles import (
    SMALL,
    STRANGER,
    Log,
    edited,
    edited_json,
    edited_line,
    pack,
    unpack,
    verified,
    with_leaf,
)

from woaas.audit import Verdict
from woaas_core.events.canonical import canonical
from woaas_security.audit.tree import leaf_hash

BEGAN = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
KEPT = SMALL.checkpoint(17)
TABLE = SMALL.bundle(format="csv")


def entry(log, number, **changes):
    """An entry of a log rewritten in the database: its payload and the hash that goes with it."""
    content = json.loads(log.entries[number].leaf) | changes
    leaf = canonical(content)
    return replace(log.entries[number], leaf=leaf, leaf_hash=leaf_hash(leaf))


def rewritten(change, size=40):
    """The log after somebody with the database has changed its list of entries and rebuilt the whole tree."""
    log = Log(size)
    change(log.entries)
    log.entries = [replace(one, index=index) for index, one in enumerate(log.entries)]
    log.rows = [[one.leaf_hash for one in log.entries]]
    return log


def in_place(change):
    """The bundle after entries were changed in the database, while tiles and checkpoints stayed."""
    log = Log(40)
    change(log.entries)
    log.entries = [replace(one, index=index) for index, one in enumerate(log.entries)]
    return SMALL.bundle(change=lambda one: log.entries[one.index])


def resigned(change, size=None):
    """Whoever has the signing key, too, signs what he made of the log."""
    return lambda: rewritten(change).bundle(size=size)


def cell(column, value, row=12):
    """The table with one cell changed."""

    def change(raw):
        rows = list(csv.reader(io.StringIO(raw.decode(), newline="")))
        rows[row + 1][rows[0].index(column)] = value
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()

    return lambda: edited(TABLE, "entries.csv", change)


def drop_row(raw):
    rows = raw.splitlines(keepends=True)
    return b"".join(rows[:5] + rows[6:])


def edit_entry(entries):
    entries[9] = entry(SMALL, 9, data={"quantity": "1"})


def edit_after_the_kept(entries):
    entries[30] = entry(SMALL, 30, actor={"type": "user", "id": "usr_2"})


def backdate(entries):
    entries[5] = entry(SMALL, 5, at="2026-11-19T08:00:00Z")


def swap_payloads(entries):
    entries[3], entries[4] = replace(entries[4], openings=[]), replace(entries[3], openings=[])


def move_commitments(entries):
    entries[3] = entry(SMALL, 3, changes=json.loads(SMALL.entries[4].leaf)["changes"])


def delete_one(entries):
    del entries[11]


def delete_first(entries):
    del entries[0]


def insert_one(entries):
    entries.insert(6, entry(SMALL, 6, id="evt_forged"))


def repeat_one(entries):
    entries.insert(6, entries[6])


def reorder(entries):
    entries[10:13] = reversed(entries[10:13])


def change_tenant(entries):
    entries[2] = entry(SMALL, 2, tenant="ten_other")


def forge_versions(entries):
    entries[38] = entry(SMALL, 38, version=[1, 2])


def times(*minutes):
    """Checkpoints signed at these minutes, the newest last, in a bundle of the whole log."""
    sizes = (5, 17, 30)
    trail = [SMALL.checkpoint(size, at=BEGAN + timedelta(minutes=m)) for size, m in zip(sizes, minutes, strict=False)]
    return SMALL.bundle(trail=trail, at=BEGAN + timedelta(minutes=minutes[-1]))


def hide_opening_of_another(line):
    return line | {"salt": base64.b64encode(bytes(32)).decode()}


ATTACKS = {
    # In the database, the signatures left as they are.
    "edit an entry": lambda: in_place(edit_entry),
    "edit an entry signed after the kept checkpoint": lambda: in_place(edit_after_the_kept),
    "back-date an entry": lambda: in_place(backdate),
    "swap the payloads of two entries": lambda: in_place(swap_payloads),
    "give an entry the commitments of another": lambda: in_place(move_commitments),
    "reorder entries": lambda: in_place(reorder),
    "hand an entry to another tenant": lambda: in_place(change_tenant),
    "edit an entry and its leaf hash in the export": lambda: with_leaf(SMALL.bundle(), 9, reason="late"),
    "replace an opened value": lambda: edited_line(
        SMALL.bundle(), "openings.jsonl", 10, lambda line: line | {"value": "9.99"}
    ),
    "replace the salt of an opened value": lambda: edited_line(
        SMALL.bundle(), "openings.jsonl", 10, hide_opening_of_another
    ),
    # Below the kept checkpoint, or with a tail cut off.
    "restore an old backup": lambda: SMALL.bundle(0, 12, size=12),
    "truncate the tail": lambda: SMALL.bundle(0, 16, size=16),
    "claim a smaller log under the newest checkpoint": lambda: edited_json(
        SMALL.bundle(0, 30), "manifest.json", end_index=30, tree_size=30
    ),
    "empty the log": lambda: SMALL.bundle(0, 0, size=0),
    "cut the export short": lambda: edited(
        SMALL.bundle(), "entries.jsonl", lambda raw: b"".join(raw.splitlines(keepends=True)[:-10])
    ),
    # With the signing key.
    "edit and sign again": resigned(edit_entry),
    "delete and sign again": resigned(delete_one),
    "delete the first entry and sign again": resigned(delete_first),
    "insert and sign again": resigned(insert_one),
    "repeat and sign again": resigned(repeat_one),
    "reorder and sign again": resigned(reorder),
    "back-date and sign again": resigned(backdate),
    "roll back, write anew, sign with the same key": lambda: Log(40, history="rewritten").bundle(),
    "split view: another history of the same size": lambda: Log(17, history="other").bundle(),
    "drop the tenant and begin anew": lambda: Log(20, lambda n: {"id": f"evt_new_{n}"}).bundle(),
    "forge a version after the kept checkpoint": resigned(forge_versions),
    # With keys of his own.
    "sign with another key": lambda: Log(40, history="rewritten").bundle(keys=[STRANGER]),
    "swap the keys in the bundle": lambda: edited(
        SMALL.bundle(keys=[STRANGER]), "keys/vkeys.txt", lambda _: str(STRANGER.verifier).encode() + b"\n"
    ),
    "sign for another origin": lambda: pack(
        unpack(SMALL.bundle()) | {"checkpoint.txt": SMALL.checkpoint(origin="other").encode()}
    ),
    # In the derived files.
    "edit a CSV cell": cell("actor_id", "usr_2"),
    "edit an opened value in the CSV": cell("changes", '{"note":null,"price":"0.00"}'),
    "edit an index in the CSV": cell("index", "13"),
    "turn a CSV cell into a formula": cell("reason", "=HYPERLINK(1)"),
    "delete a CSV row": lambda: edited(TABLE, "entries.csv", drop_row),
    "append a CSV row": lambda: edited(TABLE, "entries.csv", lambda raw: raw + raw.splitlines(keepends=True)[-1]),
    # The clock.
    "set the clock back": lambda: times(0, 30, 20, 40),
    "sign a trail of another history": lambda: SMALL.bundle(
        trail=[Log(30, history="rewritten").checkpoint(30, at=BEGAN)], at=BEGAN
    ),
}


@pytest.fixture
def check(tmp_path):
    return partial(verified, tmp_path)


class TestAttacks:
    @pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
    def test_it_is_detected_by_whoever_kept_one_checkpoint(self, check, attack):
        report = check(attack(), earlier=KEPT)
        assert report.verdict in (Verdict.INVALID, Verdict.MALFORMED, Verdict.UNKNOWN_KEY)
        assert str(report.problems[0])

    def test_there_are_at_least_25_and_the_honest_bundle_passes(self, check):
        assert len(ATTACKS) >= 25
        assert check(SMALL.bundle(format="csv"), earlier=KEPT).ok

    @pytest.mark.parametrize(
        ("attack", "index"), [("edit an entry", 9), ("back-date an entry", 5), ("edit a CSV cell", 12)]
    )
    def test_the_entry_is_named(self, check, attack, index):
        assert index in {problem.index for problem in check(ATTACKS[attack](), earlier=KEPT).problems}

    def test_without_an_earlier_checkpoint_the_holder_of_the_key_can_rewrite_the_log(self, check):
        """Stated in docs/design/audit.md: nothing inside a bundle can show this; witnesses and kept checkpoints do."""
        assert check(Log(40, history="rewritten").bundle()).ok


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", 'a "quoted", cell\nof two lines'])
def test_the_table_has_no_formula_and_still_agrees_with_the_leaves(check, reason):
    bundle = Log(3, lambda _: {"reason": reason}).bundle(format="csv")
    assert check(bundle).ok
    rows = list(csv.reader(io.StringIO(unpack(bundle)["entries.csv"].decode(), newline="")))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)


class TestTrail:
    def test_a_silent_hour_is_flagged(self, check):
        assert check(times(0, 30, 60, 90)).silent == ()
        report = check(times(0, 30, 180, 200))
        assert report.ok
        assert "no checkpoint between 2026-11-21T08:30:00Z and 2026-11-21T11:00:00Z" in str(report)
        assert check(times(0, 30, 180, 200), hourly=True).exit_code == 1

    def test_checkpoints_within_the_range_are_compared_with_the_entries(self, check):
        report = check(times(0, 30, 60, 90))
        assert (report.ok, report.checkpoints) == (True, 3)

    @pytest.mark.parametrize("sizes", [(17, 5), (41,)])
    def test_a_checkpoint_out_of_order_or_range_is_malformed(self, check, sizes):
        trail = [Log(41).checkpoint(size, at=BEGAN) for size in sizes]
        assert check(SMALL.bundle(trail=trail, at=BEGAN)).exit_code == 2

    def test_a_checkpoint_that_hides_its_time_is_malformed(self, check):
        assert check(SMALL.bundle(trail=[SMALL.checkpoint(17)], at=BEGAN)).exit_code == 2
        assert check(SMALL.bundle(trail=[SMALL.checkpoint(17, at=BEGAN)])).exit_code == 2
