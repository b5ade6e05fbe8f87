"""The offline verifier on bundles out of form, hostile zips and random mutations."""

import base64
import csv
import io
import json
import os
import random
import struct
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pyarrow.parquet as pq
import pytest
from fixtures.audit_bundles import (
    KEY,
    ORIGIN,
    SMALL,
    VKEYS,
    Log,
    edited,
    edited_json,
    edited_line,
    pack,
    unpack,
    verified,
)

from woaas.audit.cosignatures import log_as_cosigner
from woaas.audit.notes import parse_vkeys
from woaas_security.audit.tree import leaf_hash

# The goal is no false accept in 10,000 (WOAAS_TEST_MUTATIONS=10000); a twentieth of that is what every run can afford.
SIGNED_AT = datetime(2026, 11, 21, tzinfo=UTC)
MUTATIONS = int(os.environ.get("WOAAS_TEST_MUTATIONS", "450"))


@pytest.fixture
def check(tmp_path):
    return partial(verified, tmp_path)


class TestForm:
    def test_a_changed_file_is_noticed_by_its_digest(self, check):
        for name, content in unpack(SMALL.bundle(previous=9)).items():
            members = unpack(SMALL.bundle(previous=9)) | {name: content + b"\n"}
            if name != "manifest.json":
                assert check(pack(members, honest_manifest=False)).exit_code == 1, name

    @pytest.mark.parametrize(
        "changes",
        [
            {"schema": "woaas.audit-bundle/2"},
            {"origin": 1},
            {"tenant": None},
            {"complete": False},
            {"filter": {}},
            {"first_index": -1},
            {"first_index": 41},
            {"end_index": 1.0},
            {"tree_size": "40"},
            {"withheld": True},
            {"sha256": []},
            {"sha256": {}},
        ],
    )
    def test_a_manifest_out_of_form_is_malformed(self, check, changes):
        members = unpack(SMALL.bundle())
        manifest = json.dumps(json.loads(members["manifest.json"]) | changes).encode()
        assert check(pack(members | {"manifest.json": manifest}, honest_manifest=False)).exit_code == 2

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"origin": "other"}, 1),
            ({"tenant": "ten_other"}, 1),
            ({"end_index": 39}, 1),
            ({"first_index": 1}, 1),
            ({"tree_size": 41}, 1),
            ({"withheld": 1}, 1),
        ],
    )
    def test_a_false_claim_of_the_manifest_is_invalid(self, check, changes, code):
        assert check(edited_json(SMALL.bundle(), "manifest.json", **changes)).exit_code == code

    @pytest.mark.parametrize("name", ["checkpoint.txt", "entries.jsonl", "inclusion.jsonl", "manifest.json"])
    def test_a_missing_file_is_malformed(self, check, name):
        members = unpack(SMALL.bundle(3, 9))
        del members[name]
        assert check(pack(members, honest_manifest=name != "manifest.json")).exit_code == 2

    @pytest.mark.parametrize("name", ["previous-checkpoint.txt", "consistency.json"])
    def test_half_a_history_is_malformed(self, check, name):
        members = unpack(SMALL.bundle(previous=9))
        del members[name]
        assert check(pack(members)).exit_code == 2

    def test_no_keys_at_all_is_malformed(self, check):
        members = unpack(SMALL.bundle())
        del members["keys/vkeys.txt"]
        assert check(pack(members), vkeys=None).exit_code == 2
        assert check(pack(members)).ok

    @pytest.mark.parametrize(
        "line",
        [
            b"{}",
            b"[]",
            b'{"index":0}',
            b'{"index":0,"leaf":"%%%"}',
            b'{"index":0,"leaf":"QQ=="',
            b'{"index":0,"index":0,"leaf":"QQ=="}',
            b'{"index":0,"leaf":"QR=="}',
            b'{"index":0.0,"leaf":"QQ=="}',
            b'{"index":-1,"leaf":"QQ=="}',
            b'{"index":NaN}',
            b'{"index":0,"leaf_hash":"QQ=="}',
            b'{"index":0,"leaf_hash":"' + base64.b64encode(bytes(32)) + b'","reason":"x"}',
            b'{"index":0,"leaf":"QQ==","leaf_hash":"' + base64.b64encode(bytes(32)) + b'"}',
            b'{"index":' + b"9" * 5000 + b"}",
            b"[" * 100_000,
            b"\xff",
            b"",
        ],
    )
    def test_a_line_out_of_form_is_malformed(self, check, line):
        def replaced(raw):
            return line + b"\n" + raw.partition(b"\n")[2]

        report = check(edited(SMALL.bundle(), "entries.jsonl", replaced))
        assert report.exit_code == 2
        assert "entries.jsonl, line 1" in str(report)

    def test_a_repeated_key_in_a_signed_leaf_is_malformed(self, check):
        twice = SMALL.entries[0].leaf.replace(b'"reason":null', b'"reason":null,"reason":"x"')
        log = Log(1)
        log.entries[0] = replace(log.entries[0], leaf=twice, leaf_hash=leaf_hash(twice))
        log.rows[0][0] = leaf_hash(twice)
        assert check(log.bundle()).exit_code == 2

    @pytest.mark.parametrize("changes", [{"left": []}, {"right": []}, {"size": 41}, {"from": 6}])
    def test_a_range_proof_that_does_not_fit_is_refused(self, check, monkeypatch, changes):
        monkeypatch.setattr("woaas_security.audit.bundle.MAX_INCLUSION_PROOFS", -1)
        assert check(edited_json(SMALL.bundle(5, 30), "range.json", **changes)).exit_code in (1, 2)

    @pytest.mark.parametrize(
        "change",
        [
            lambda leaf: leaf.replace(b'"id":', b'"ID":'),
            lambda leaf: leaf.replace(b'"id":', b'"index":0,"id":'),
            lambda leaf: leaf.replace(b'"changes":{', b'"changes":{"cost":5,'),
            lambda leaf: leaf.replace(b'"count":1', b'"count":1.5'),
            lambda leaf: b"[]",
            lambda leaf: b"\xff" + leaf,
        ],
    )
    def test_a_signed_leaf_that_is_no_event_is_malformed(self, check, change):
        log = Log(1)
        leaf = change(log.entries[0].leaf)
        log.entries[0] = replace(log.entries[0], leaf=leaf, leaf_hash=leaf_hash(leaf), openings=())
        log.rows[0][0] = leaf_hash(leaf)
        assert check(log.bundle()).exit_code == 2

    def test_proofs_and_openings_follow_the_entries(self, check):
        members = unpack(SMALL.bundle())
        last = members["inclusion.jsonl"].splitlines(keepends=True)[-1]
        report = check(pack(members | {"inclusion.jsonl": members["inclusion.jsonl"] + last}))
        assert "inclusion.jsonl proves entry 39, which is not in the bundle" in str(report)
        assert check(edited(SMALL.bundle(), "inclusion.jsonl", lambda raw: raw.partition(b"\n")[2])).exit_code == 2

    def test_text_that_has_no_utf_8_is_malformed(self, check):
        bundle = SMALL.bundle()
        surrogate = edited(bundle, "openings.jsonl", lambda raw: raw.replace(b'"0.50"', b'"\\ud800"', 1))
        assert check(surrogate).exit_code == 2
        assert check(edited(bundle, "checkpoint.txt", lambda raw: b"\xff" + raw)).exit_code == 2
        assert check(edited(bundle, "checkpoint.txt", lambda raw: b"\t" + raw)).exit_code == 2

    def test_a_filtered_selection_cannot_lean_on_a_range_proof(self, check):
        members = unpack(SMALL.bundle(3, 30, keep={4}))
        assert check(pack(members | {"range.json": b"{}"})).exit_code == 2


class TestHostileZips:
    @pytest.mark.parametrize("content", [b"", b"PK", b"not a zip" * 100])
    def test_what_is_no_zip_is_malformed(self, check, content):
        assert check(content).exit_code == 2

    @pytest.mark.parametrize("name", ["../manifest.json", "/etc/passwd", "keys/", "notes.txt", "MANIFEST.JSON"])
    def test_other_names_are_malformed(self, check, name):
        assert check(pack(unpack(SMALL.bundle()), extra=[(name, b"x")])).exit_code == 2

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_repeated_names_are_malformed(self, check):
        assert "twice" in str(check(pack(unpack(SMALL.bundle()), extra=[("entries.jsonl", b"{}\n")])))

    def test_a_zip_bomb_is_malformed(self, check):
        bomb = b" " * (64 << 20)
        for name in ("entries.jsonl", "manifest.json", "VERIFY.md"):
            assert check(pack(unpack(SMALL.bundle()) | {name: bomb}, honest_manifest=False)).exit_code == 2

    def test_a_large_small_file_is_malformed(self, check):
        noise = random.Random(1).randbytes(2 << 20)
        assert check(pack(unpack(SMALL.bundle()) | {"checkpoint.txt": noise})).exit_code == 2

    def test_an_endless_line_is_malformed(self, check):
        noise = base64.b64encode(random.Random(1).randbytes(7 << 20))
        assert "line of more than" in str(check(pack(unpack(SMALL.bundle()) | {"entries.jsonl": noise})))

    def test_bytes_around_the_zip_are_malformed(self, check):
        bundle = SMALL.bundle()
        assert check(b"#!/bin/sh\n" + bundle).exit_code == 2
        assert check(bundle + b"more").exit_code == 2

    def test_encrypted_or_unusual_members_are_malformed(self, check):
        bundle = bytearray(SMALL.bundle())
        directory = bundle.rindex(b"PK\x01\x02")
        for offset, value in ((8, 1), (10, 12)):
            changed = bytearray(bundle)
            struct.pack_into("<H", changed, directory + offset, value)
            assert check(bytes(changed)).exit_code == 2

    def test_a_damaged_member_is_malformed(self, check):
        bundle = bytearray(SMALL.bundle())
        place = bundle.index(b"entries.jsonl") + 200
        bundle[place : place + 8] = bytes(8)
        assert check(bytes(bundle)).exit_code == 2


class TestRandomMutations:
    BUNDLES = (
        SMALL.bundle(previous=17),
        SMALL.bundle(5, 30, size=37, previous=9),
        SMALL.bundle(5, 30, keep={6, 7, 20}),
        Log(12).bundle(format="csv", trail=[SMALL.checkpoint(7, at=SIGNED_AT)], at=SIGNED_AT),
        Log(12).bundle(format="parquet"),
        SMALL.bundle(6, 30, edge=True),
    )

    @pytest.mark.parametrize("seed", range(MUTATIONS * 2 // 3))
    def test_no_mutated_file_is_accepted_even_with_a_new_manifest_unless_it_says_the_same(self, check, seed):
        chance = random.Random(seed)
        members = unpack(chance.choice(self.BUNDLES))
        # With a pinned key nothing is read from these two.
        name = chance.choice([name for name in members if name not in ("VERIFY.md", "keys/vkeys.txt")])
        content = bytearray(members[name])
        place = chance.randrange(len(content))
        kind = chance.randrange(4)
        if kind == 0:
            content[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del content[place : place + chance.randrange(1, 200)]
        elif kind == 2:
            content[place:place] = content[place : place + chance.randrange(1, 200)]
        else:
            content[place:place] = bytes([chance.choice(b'0123456789abcAZ+/=,{}[]"\n\xff')])
        mutated = pack(members | {name: bytes(content)}, honest_manifest=name != "manifest.json")
        if check(mutated).ok:
            assert says_no_more(name, members[name], bytes(content)), (seed, name, members[name], bytes(content))

    @pytest.mark.parametrize("seed", range(MUTATIONS // 3))
    def test_no_mutated_zip_is_accepted_unless_its_files_are_the_same(self, check, seed):
        chance = random.Random(seed)
        original = chance.choice(self.BUNDLES)
        changed = bytearray(original)
        for _ in range(chance.randrange(1, 4)):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        report = check(bytes(changed))
        if report.ok:
            assert unpack(bytes(changed)) == unpack(original)

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("manifest.json", {"note": "x"}),
            ("manifest.json", {"filter": {"colour": "red"}}),
            ("consistency.json", {"size": 1}),
        ],
    )
    def test_a_member_that_nobody_knows_is_malformed(self, check, name, change):
        assert check(edited_json(SMALL.bundle(3, 30, keep={4}, previous=9), name, **change)).exit_code == 2

    @pytest.mark.parametrize("name", ["inclusion.jsonl", "openings.jsonl", "checkpoints.jsonl"])
    def test_in_a_line_as_well(self, check, name):
        bundle = SMALL.bundle(trail=[SMALL.checkpoint(7, at=SIGNED_AT)], at=SIGNED_AT)
        assert check(edited_line(bundle, name, 0, lambda line: line | {"x": 1})).exit_code == 2

    def test_a_range_proof_as_well(self, check):
        assert check(edited_json(SMALL.bundle(6, 30, edge=True), "range.json", x=1)).exit_code == 2

    def test_a_filter_that_the_entries_do_not_pass_is_refused(self, check):
        report = check(edited_json(SMALL.bundle(3, 30, keep={4}), "manifest.json", filter={"actor": "usr_2"}))
        assert [(one.file, one.index) for one in report.problems] == [("manifest.json", 4)]

    @pytest.mark.parametrize("trail", [(), (7,)])
    def test_the_log_s_own_time_is_always_checked(self, check, trail):
        bundle = SMALL.bundle(trail=[SMALL.checkpoint(size, at=SIGNED_AT) for size in trail], at=SIGNED_AT)

        def another_time(note):
            head, name, line = note.rpartition(f"{ORIGIN} ".encode())
            content = bytearray(base64.b64decode(line))
            content[11] ^= 1
            return head + name + base64.b64encode(content) + b"\n"

        assert check(edited(bundle, "checkpoint.txt", another_time)).exit_code == 1


def says_no_more(name, before, after):
    """Whether a file that was accepted says what it said before, or less of it; never anything else.

    The same bytes can be spelled in several ways: JSON and CSV as parsed, Parquet as the rows it gives. Of a signed
    note a verifier must pass over the lines of keys that he does not know (C2SP signed-note), so they say nothing,
    and whoever holds a note can always leave a line away. `requested` in the manifest is what was asked for; nothing
    bears it out or refutes it, and it is not used.
    """
    try:
        if name == "checkpoints.jsonl":
            notes = [[json.loads(line)["note"] for line in trail.splitlines()] for trail in (before, after)]
            return len(notes[0]) == len(notes[1]) and all(map(_notes_no_more, *notes))
        if name.endswith(".txt"):
            return _notes_no_more(before.decode(), after.decode())
        return _parsed(name, before) == _parsed(name, after)
    except ValueError:
        return False


def _notes_no_more(before, after):
    (text, signed), (new_text, still_signed) = (_known(note) for note in (before, after))
    return text == new_text and still_signed <= signed


def _known(note):
    """What is signed, and the lines of the log's own key as signer and as cosigner."""
    text, _, lines = note.partition("\n\n")
    own = {KEY.verifier.key_hash, log_as_cosigner(parse_vkeys(VKEYS)[0]).key_hash}
    parts = [line.split(" ") for line in lines.split("\n") if line]
    return text, {line for dash, name, line in parts if name == ORIGIN and base64.b64decode(line)[:4] in own}


def _parsed(name, content):
    if name == "manifest.json":
        return json.dumps(json.loads(content) | {"requested": None}, sort_keys=True)
    if name.endswith(".json"):
        return json.dumps(json.loads(content), sort_keys=True)
    if name.endswith(".jsonl"):
        return [json.dumps(json.loads(line), sort_keys=True) for line in content.split(b"\n") if line]
    if name.endswith(".csv"):
        return list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    return pq.read_table(io.BytesIO(content)).to_pylist()
