"""The offline verifier on bundles that the server's writer made."""

import io
import json
import sys
from dataclasses import replace
from functools import partial

import pytest
from fixtures.audit_bundles import ORIGIN, SMALL, STRANGER, TENANT, VKEYS, Log, edited_line, unpack, verified, with_leaf

from woaas.audit import Verdict, verify, workers
from woaas_security.audit.bundle import MAX_INCLUSION_PROOFS, BundleScope, BundleWriter
from woaas_security.audit.proofs import NodeHashes


@pytest.fixture
def check(tmp_path):
    return partial(verified, tmp_path)


class TestValidBundles:
    def test_whole_log_is_proved(self, check):
        report = check(SMALL.bundle())
        assert report.ok, str(report)
        assert (report.exit_code, report.entries, report.opened, report.sealed) == (0, 40, 80, 0)
        assert report.signed_by == tuple(VKEYS)
        assert report.notes == []
        assert f"ok: 40 entries, every entry of [0, 40) of {ORIGIN}" in str(report)

    @pytest.mark.parametrize(("first", "end"), [(0, 1), (0, 17), (5, 6), (7, 33), (39, 40), (12, 12), (40, 40), (0, 0)])
    def test_ranges_are_proved(self, check, first, end):
        assert str(check(SMALL.bundle(first, end))).startswith(f"ok: {end - first} entries")

    @pytest.mark.parametrize(("first", "end"), [(0, 40), (0, 17), (5, 6), (7, 33), (39, 40), (12, 12)])
    def test_ranges_with_one_proof_for_all_are_proved(self, check, monkeypatch, first, end):
        monkeypatch.setattr("woaas_security.audit.bundle.MAX_INCLUSION_PROOFS", -1)
        bundle = SMALL.bundle(first, end)
        assert "range.json" in unpack(bundle)
        assert "inclusion.jsonl" not in unpack(bundle)
        assert check(bundle).ok

    def test_an_empty_log_is_proved(self, check):
        assert check(Log(0).bundle()).ok

    def test_filtered_selection_is_proved_and_said_to_be_one(self, check):
        report = check(SMALL.bundle(3, 30, keep={4, 9, 29}))
        assert report.ok
        assert not report.complete
        assert "a filtered selection of [3, 30)" in str(report)

    def test_older_checkpoint_than_the_log_serves(self, check):
        assert check(SMALL.bundle(2, 20, size=33)).ok

    def test_withheld_entries_keep_their_place(self, check):
        bundle = SMALL.bundle(change=lambda entry: replace(entry, leaf=None, openings=()) if entry.index % 4 else entry)
        report = check(bundle)
        assert report.ok
        assert report.withheld == 30
        assert "30 entries withheld" in str(report)

    def test_missing_openings_count_as_sealed(self, check):
        report = check(SMALL.bundle(change=lambda entry: replace(entry, openings=entry.openings[:1])))
        assert (report.verdict, report.opened, report.sealed) == (Verdict.OK, 40, 40)

    def test_readable_copies_may_be_fewer_and_in_any_order(self, check):
        def fewer(line):
            names = ["index", "type", "leaf", "data", "at"]
            return {name: line[name] for name in names}

        assert check(edited_line(SMALL.bundle(), "entries.jsonl", 7, fewer)).ok

    def test_same_export_is_the_same_bytes(self):
        assert SMALL.bundle(0, 9) == SMALL.bundle(0, 9)

    def test_objects_may_end_and_be_observed(self, check):
        versions = [(None, 1), (1, 1), (1, 2), (None, None), (2, None)]
        log = Log(5, lambda number: {"subject": "wo_1", "version": versions[number]})
        assert check(log.bundle()).ok

    def test_several_pages_make_one_bundle(self, check):
        target = io.BytesIO()
        with BundleWriter(
            target,
            BundleScope(TENANT, 0, 40),
            checkpoint=SMALL.checkpoint(),
            vkeys=VKEYS,
            hashes=NodeHashes(SMALL.tile),
        ) as writer:
            writer.add(SMALL.entries[:11])
            writer.add([])
            writer.add(SMALL.entries[11:])
        assert check(target.getvalue()).ok


class TestLongLog:
    def test_a_long_range_is_proved_by_its_edges(self, check, monkeypatch):
        log = Log(MAX_INCLUSION_PROOFS + 600)
        bundle = log.bundle(300, MAX_INCLUSION_PROOFS + 500, previous=257)
        assert "range.json" in unpack(bundle)
        assert check(bundle).ok
        wrong = with_leaf(bundle, 5_000, reason="backdated")
        assert "do not lead to the signed root" in str(check(wrong))
        # Processes beside this one find the same, in the same order; what a dead one had to do is done here.
        for path in (sys.executable, "/bin/true"):
            monkeypatch.setattr(workers.sys, "executable", path)
            assert check(bundle, processes=2).to_dict() == check(bundle).to_dict()
            assert check(wrong, processes=2).to_dict() == check(wrong).to_dict()
        malformed = edited_line(bundle, "entries.jsonl", 7_000, lambda line: line | {"leaf": "?"})
        assert "entries.jsonl, line 7001" in str(check(malformed, processes=2))


class TestReport:
    def test_a_valid_report_reads_as_json(self, check):
        report = check(SMALL.bundle(previous=9)).to_dict()
        assert json.loads(json.dumps(report)) | {"signed_by": []} == {
            "verdict": "ok",
            "origin": ORIGIN,
            "tenant": TENANT,
            "first_index": 0,
            "end_index": 40,
            "tree_size": 40,
            "root": SMALL.root(40).hex(),
            "complete": True,
            "entries": 40,
            "withheld": 0,
            "opened": 80,
            "sealed": 0,
            "erased": 0,
            "key_pinned": True,
            "signed_by": [],
            "witnessed_by": [],
            "checkpoints": 0,
            "silent": [],
            "consistent_from": [9],
            "problems": [],
            "notes": [],
        }

    def test_problems_read_as_json(self, check):
        report = check(SMALL.bundle(keys=[STRANGER])).to_dict()
        assert report["verdict"] == "unknown_key"
        assert [problem["verdict"] for problem in report["problems"]] == ["unknown_key"]
        broken = check(with_leaf(SMALL.bundle(), 3, reason="x")).to_dict()
        assert (broken["verdict"], broken["problems"][0]["index"]) == ("invalid", 3)

    def test_a_missing_file_is_an_operating_system_error(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            verify(tmp_path / "absent.zip")
