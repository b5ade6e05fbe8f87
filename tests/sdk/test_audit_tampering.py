"""The offline verifier on entries, openings, keys and checkpoints that somebody changed."""

import base64
import json
from dataclasses import replace
from functools import partial

import pytest
from fixtures.audit_bundles import (
    KEY,
    SMALL,
    STRANGER,
    VKEYS,
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
from woaas_security.audit.bundle import Opening


@pytest.fixture
def check(tmp_path):
    return partial(verified, tmp_path)


class TestTamperedEntries:
    @pytest.mark.parametrize(
        "changes",
        [{"reason": "late"}, {"at": "2025-01-01T00:00:00Z"}, {"livemode": False}, {"data": {}}, {"version": [4, 6]}],
    )
    @pytest.mark.parametrize("number", [0, 12, 39])
    def test_a_changed_leaf_is_named(self, check, changes, number):
        report = check(with_leaf(SMALL.bundle(), number, **changes))
        assert report.exit_code == 1
        assert any(
            problem.index == number and "not in the signed tree" in problem.reason for problem in report.problems
        )

    @pytest.mark.parametrize(
        ("name", "value"), [("reason", "late"), ("livemode", 1), ("data", {}), ("version", [4, True]), ("extra", None)]
    )
    def test_a_changed_readable_copy_is_named(self, check, name, value):
        report = check(edited_line(SMALL.bundle(), "entries.jsonl", 12, lambda line: line | {name: value}))
        assert [(problem.index, problem.verdict) for problem in report.problems] == [(12, Verdict.INVALID)]
        assert f"readable copy {name!r}" in str(report)

    @pytest.mark.parametrize("scope", [(0, 40, 40), (5, 30, 40), (5, 30, 31)])
    def test_a_removed_repeated_or_moved_entry_is_noticed(self, check, scope):
        first, end, size = scope
        bundle = SMALL.bundle(first, end, size=size)

        def cut(lines):
            del lines[4]

        def repeat(lines):
            lines.insert(4, lines[4])

        def swap(lines):
            lines[4], lines[5] = lines[5], lines[4]

        for change in (cut, repeat, swap, list.pop, list.clear):

            def edit(raw, change=change):
                lines = raw.splitlines(keepends=True)
                change(lines)
                return b"".join(lines)

            members = unpack(bundle)
            tampered = members | {name: edit(members[name]) for name in ("entries.jsonl", "inclusion.jsonl")}
            assert check(pack(tampered)).exit_code in (1, 2)
            assert check(edited(bundle, "entries.jsonl", edit)).exit_code in (1, 2)

    def test_renumbering_does_not_hide_a_removed_entry(self, check, monkeypatch):
        monkeypatch.setattr("woaas_security.audit.bundle.MAX_INCLUSION_PROOFS", -1)
        members = unpack(SMALL.bundle())
        lines = [json.loads(line) for line in members["entries.jsonl"].splitlines()]
        del lines[20]
        renumbered = b"".join(json.dumps(line | {"index": place}).encode() + b"\n" for place, line in enumerate(lines))
        manifest = json.loads(members["manifest.json"]) | {"end_index": 39}
        edge = json.loads(members["range.json"]) | {"to": 39}
        tampered = {
            "entries.jsonl": renumbered,
            "manifest.json": json.dumps(manifest).encode(),
            "range.json": json.dumps(edge).encode(),
            "openings.jsonl": b"",
        }
        assert check(pack(members | tampered)).exit_code in (1, 2)

    def test_an_entry_of_another_tenant_is_refused(self, check):
        log = Log(3, lambda number: {"tenant": "ten_other"} if number == 1 else {})
        assert "entry 1: the entry is of tenant ten_other" in str(check(log.bundle()))

    @pytest.mark.parametrize(
        ("versions", "reason"),
        [
            ([(None, 1), (1, 2), (3, 4)], "was left at version 2"),
            ([(None, 1), (1, 3)], "goes from version 1 to 3"),
            ([(None, 1), (None, 1)], "created a second time"),
            ([(None, 1), (1, None), (None, 1)], "created a second time"),
            ([(None, 1), (1, None), (1, 2)], "was left at version None"),
            ([(2, 3)], "what led there is missing"),
            ([(None, 2)], "starts at version 2 instead of 1"),
        ],
    )
    def test_a_change_that_was_never_logged_is_noticed(self, check, versions, reason):
        log = Log(len(versions), lambda number: {"subject": "wo_1", "version": versions[number]})
        report = check(log.bundle())
        assert report.exit_code == 1
        assert report.problems[0].index == len(versions) - 1
        assert reason in str(report)

    def test_a_range_checks_the_links_inside_it(self, check):
        log = Log(9, lambda number: {"subject": "wo_1", "version": (number + 5 + (number == 6), number + 6)})
        assert check(log.bundle(2, 6)).ok
        assert check(log.bundle(2, 9)).exit_code == 1

    @pytest.mark.parametrize(
        "changes",
        [{"v": 2}, {"v": True}, {"version": [1]}, {"version": [1, "2"]}, {"version": [True, None]}, {"data": []}],
    )
    def test_a_signed_leaf_out_of_form_is_malformed(self, check, changes):
        log = Log(3, lambda number: changes if number == 1 else {})
        report = check(log.bundle())
        assert (report.exit_code, report.problems[0].index) == (2, 1)

    def test_all_problems_are_listed_up_to_a_limit(self, check):
        bundle = SMALL.bundle(change=lambda entry: replace(entry, openings=[Opening("price", bytes(32), "0")]))
        report = check(bundle)
        assert len(report.problems) == 20
        assert "more problems than are listed" in str(report)


class TestOpenings:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"value": "5.51"}, "not the one committed to"),
            ({"salt": base64.b64encode(bytes(32)).decode()}, "not the one committed to"),
            ({"field": "cost"}, "commits to no field 'cost'"),
            ({"field": "note"}, "not the one committed to"),
        ],
    )
    def test_a_changed_opening_is_named(self, check, changes, reason):
        report = check(edited_line(SMALL.bundle(), "openings.jsonl", 10, lambda line: line | changes))
        assert report.exit_code == 1
        assert (report.problems[0].file, report.problems[0].index) == ("openings.jsonl", 5)
        assert reason in str(report)

    def test_a_value_opened_twice_is_refused(self, check):
        bundle = SMALL.bundle(change=lambda entry: replace(entry, openings=[*entry.openings, entry.openings[0]]))
        assert "'price' is opened twice" in str(check(bundle))

    def test_a_withheld_entry_has_no_opened_value(self, check):
        report = check(SMALL.bundle(change=lambda entry: replace(entry, leaf=None)))
        assert "a value of a withheld entry is opened" in str(report)

    @pytest.mark.parametrize(
        "edit", [lambda raw: raw + raw, lambda raw: raw.replace(b'"value"', b'"v"'), lambda raw: raw[::-1]]
    )
    def test_openings_out_of_form_are_malformed(self, check, edit):
        assert check(edited(SMALL.bundle(), "openings.jsonl", edit)).exit_code == 2


class TestKeysAndCheckpoints:
    def test_without_a_key_the_report_says_it_is_not_pinned(self, check):
        report = check(SMALL.bundle(), vkeys=None)
        assert report.ok
        assert not report.key_pinned
        assert "key not pinned" in str(report)

    def test_an_unknown_key_is_exit_3(self, check):
        assert check(SMALL.bundle(keys=[STRANGER])).exit_code == 3
        assert check(SMALL.bundle(), vkeys=[]).exit_code == 3
        assert check(SMALL.bundle(), vkeys=[str(KEY.named("audit.example.com/t/other").verifier)]).exit_code == 3

    def test_a_key_under_rotation_is_known_by_either(self, check):
        assert check(SMALL.bundle(keys=[STRANGER, KEY])).ok

    def test_keys_of_the_bundle_do_not_count_beside_a_pinned_one(self, check):
        forged = Log(40, history="rewritten").bundle(keys=[STRANGER])
        assert check(forged, vkeys=None).ok
        assert check(forged).exit_code == 3

    def test_a_broken_signature_is_invalid(self, check):
        def flip(raw):
            payload = bytearray(base64.b64decode(raw.split()[-1]))
            payload[20] ^= 1
            return raw[: raw.rindex(b" ") + 1] + base64.b64encode(payload) + b"\n"

        report = check(edited(SMALL.bundle(), "checkpoint.txt", flip))
        assert report.exit_code == 1
        assert "does not fit" in str(report)

    @pytest.mark.parametrize(
        "vkey",
        ["", "no key", VKEYS[0][:-3], VKEYS[0].replace("+A", "+B"), "a+00000000+AQ==", f"{VKEYS[0][:-44]}{'A' * 44}"],
    )
    def test_a_malformed_key_is_exit_2_or_unknown(self, check, vkey):
        assert check(SMALL.bundle(), vkeys=[vkey]).exit_code == (2 if vkey else 3)

    @pytest.mark.parametrize(
        "edit", [lambda raw: b"", lambda raw: raw[:-1], lambda raw: raw.replace(b"40\n", b"040\n")]
    )
    def test_a_checkpoint_out_of_form_is_malformed(self, check, edit):
        assert check(edited(SMALL.bundle(), "checkpoint.txt", edit)).exit_code == 2

    def test_a_checkpoint_of_another_origin_or_size_is_invalid(self, check):
        members = unpack(SMALL.bundle())
        other = {"checkpoint.txt": SMALL.checkpoint(39).encode()}
        assert check(pack(members | other)).exit_code == 1
        other = {"checkpoint.txt": SMALL.checkpoint(origin="other").encode()}
        assert check(pack(members | other), vkeys=[str(KEY.named("other").verifier)]).exit_code == 1


class TestHistory:
    @pytest.mark.parametrize("previous", [1, 8, 31, 32, 39, 40])
    def test_previous_checkpoint_is_continued(self, check, previous):
        report = check(SMALL.bundle(10, 20, previous=previous))
        assert report.ok
        assert report.consistent_from == (previous,)

    def test_a_previous_checkpoint_of_the_empty_log_is_left_out(self, check):
        bundle = SMALL.bundle(previous=0)
        assert "consistency.json" not in unpack(bundle)
        assert check(bundle).ok

    def test_a_previous_checkpoint_of_another_history_is_refused(self, check):
        members = unpack(SMALL.bundle(10, 20, previous=17))
        rewritten = {"previous-checkpoint.txt": Log(17, history="rewritten").checkpoint().encode()}
        assert "does not continue the one of size 17" in str(check(pack(members | rewritten)))

    @pytest.mark.parametrize("changes", [{"from": 16}, {"to": 41}, {"proof": []}, {"proof": ["AAAA"]}, {"from": -1}])
    def test_a_changed_consistency_proof_is_refused(self, check, changes):
        assert check(edited_json(SMALL.bundle(previous=17), "consistency.json", **changes)).exit_code in (1, 2)

    @pytest.mark.parametrize("size", [0, 1, 17, 32, 39, 40])
    def test_an_earlier_checkpoint_is_compared_with_the_whole_log(self, check, size):
        report = check(SMALL.bundle(), earlier=SMALL.checkpoint(size))
        assert report.ok
        assert report.consistent_from == (size,)
        report = check(SMALL.bundle(), earlier=Log(size, history="rewritten").checkpoint()) if size else report
        assert (report.exit_code == 1) == bool(size)

    @pytest.mark.parametrize("size", [10, 15, 20])
    def test_a_range_proof_reaches_earlier_checkpoints_inside_it(self, check, monkeypatch, size):
        monkeypatch.setattr("woaas_security.audit.bundle.MAX_INCLUSION_PROOFS", -1)
        assert check(SMALL.bundle(10, 20), earlier=SMALL.checkpoint(size)).consistent_from == (size,)
        assert check(SMALL.bundle(10, 20), earlier=Log(size, history="rewritten").checkpoint()).exit_code == 1

    def test_the_bundles_own_consistency_proof_serves_an_earlier_checkpoint(self, check):
        bundle = SMALL.bundle(10, 20, previous=5)
        assert check(bundle, earlier=SMALL.checkpoint(5)).consistent_from == (5, 5)
        assert check(bundle, earlier=Log(5, history="rewritten").checkpoint()).exit_code == 1
        assert "export from there" in str(check(bundle, earlier=SMALL.checkpoint(6)))

    def test_the_checkpoint_of_the_bundle_itself_may_be_the_earlier_one(self, check):
        assert check(SMALL.bundle(10, 20), earlier=SMALL.checkpoint()).consistent_from == (40,)
        assert check(SMALL.bundle(10, 20), earlier=Log(40, history="rewritten").checkpoint()).exit_code == 1

    def test_a_log_that_was_cut_back_is_noticed(self, check):
        report = check(SMALL.bundle(0, 30, size=30), earlier=SMALL.checkpoint())
        assert report.exit_code == 1
        assert "had 40 entries before and has 30 now" in str(report)

    def test_an_earlier_checkpoint_must_itself_be_signed(self, check):
        assert check(SMALL.bundle(), earlier=SMALL.checkpoint(5, keys=[STRANGER])).exit_code == 3
        assert check(SMALL.bundle(), earlier="not a note").exit_code == 2
        other = SMALL.checkpoint(5, origin="other")
        assert check(SMALL.bundle(), vkeys=[*VKEYS, str(KEY.named("other").verifier)], earlier=other).exit_code == 1
