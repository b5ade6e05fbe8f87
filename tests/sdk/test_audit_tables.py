"""The tables of a bundle, CSV and Parquet: derived from the leaves, and compared with them cell by cell."""

import csv
import io
import sys
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fixtures.audit_bundles import SMALL, Log, edited, pack, unpack, verified

REASONED = Log(9, lambda number: {"committed": {"/reason": "\u673a\u5668\u6545\u969c"}} if number == 4 else {})
PARQUET = SMALL.bundle(format="parquet")


@pytest.fixture
def check(tmp_path):
    return partial(verified, tmp_path)


def rows_of(bundle):
    """The rows of a bundle's Parquet table."""
    return pq.read_table(io.BytesIO(unpack(bundle)["entries.parquet"]))


def with_table(change):
    """The bundle with its Parquet table changed, and a manifest that agrees."""

    def edit(raw):
        target = io.BytesIO()
        pq.write_table(change(pq.read_table(io.BytesIO(raw))), target)
        return target.getvalue()

    return edited(PARQUET, "entries.parquet", edit)


def with_cell(column, value, row=12):
    """The table with one cell changed."""

    def change(table):
        place = table.schema.get_field_index(column)
        cells = table.column(column).to_pylist()
        cells[row] = value
        return table.set_column(place, table.schema.field(column), pa.array(cells, table.schema.field(column).type))

    return with_table(change)


class TestParquet:
    def test_it_has_typed_columns_and_agrees_with_the_leaves(self, check):
        table = rows_of(PARQUET)
        assert check(PARQUET).ok
        assert str(table.schema.field("at").type) == "timestamp[us, tz=UTC]"
        assert table.column("index").to_pylist() == list(range(40))
        (first, *_) = table.to_pylist()
        assert (first["version_before"], first["version_after"], first["livemode"]) == (None, 1, True)
        assert first["at"] == datetime(2026, 11, 20, 8, tzinfo=UTC)
        assert first["leaf_hash"] == SMALL.entries[0].leaf_hash.hex()

    def test_withheld_entries_have_index_and_hash_alone(self, check):
        bundle = SMALL.bundle(format="parquet", change=lambda one: type(one)(one.index, None, one.leaf_hash))
        assert check(bundle).ok
        row = rows_of(bundle).to_pylist()[3]
        assert {name for name, value in row.items() if value is not None} == {"index", "leaf_hash"}

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("index", 13),
            ("at", datetime(2026, 11, 20, 8, 0, 1, tzinfo=UTC)),
            ("actor_id", "usr_2"),
            ("reason", "late"),
            ("version_after", None),
            ("livemode", False),
            ("changes", "{}"),
        ],
    )
    def test_an_edited_cell_is_named(self, check, column, value):
        report = check(with_cell(column, value))
        assert report.exit_code == 1
        assert [(one.file, one.index) for one in report.problems] == [("entries.parquet", 12)]
        assert repr(column) in str(report)

    def test_rows_and_columns_are_those_of_the_bundle(self, check):
        assert "has no row for entry 39" in str(check(with_table(lambda table: table.slice(0, 39))))
        more = check(with_table(lambda table: pa.concat_tables([table, table.slice(0, 1)])))
        assert (more.exit_code, "rows for entries that are not" in str(more)) == (2, True)
        assert check(with_table(lambda table: table.drop_columns(["reason"]))).exit_code == 2
        assert check(edited(PARQUET, "entries.parquet", lambda raw: raw[:-9])).exit_code == 2

    def test_without_the_extra_the_verifier_says_what_to_install(self, check, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        report = check(PARQUET)
        assert report.exit_code == 2
        assert "pip install 'woaas[parquet]'" in str(report)
        assert check(SMALL.bundle(format="csv")).ok

    def test_several_row_groups_make_one_table(self, check, monkeypatch):
        monkeypatch.setattr("woaas_security.audit.renderings._GROUP_ROWS", 7)
        bundle = SMALL.bundle(format="parquet")
        assert pq.ParquetFile(io.BytesIO(unpack(bundle)["entries.parquet"])).num_row_groups == 6
        assert check(bundle).ok


class TestReason:
    @pytest.mark.parametrize("format", ["csv", "parquet"])
    def test_the_reason_that_an_entry_holds_is_shown_and_verified(self, check, format):
        bundle = REASONED.bundle(format=format)
        assert check(bundle).ok
        if format == "csv":
            text = unpack(bundle)["entries.csv"].decode()
            rows = list(csv.DictReader(io.StringIO(text, newline="")))
        else:
            rows = rows_of(bundle).to_pylist()
        assert [row["reason"] or "" for row in rows] == ["", "", "", "", "\u673a\u5668\u6545\u969c", "", "", "", ""]
        assert "/reason" not in rows[4]["changes"]

    def test_an_erased_reason_is_empty(self, check):
        def erased(entry):
            kept = [one for one in entry.openings if one.field != "/reason"]
            return type(entry)(entry.index, entry.leaf, entry.leaf_hash, kept)

        bundle = REASONED.bundle(format="parquet", change=erased)
        assert check(bundle).ok
        assert rows_of(bundle).column("reason").null_count == 9


class TestReport:
    def test_it_says_what_it_covers_and_how_to_check_it(self, check, monkeypatch):
        monkeypatch.setattr("woaas_security.audit.report_pdf.LISTED_ENTRIES", 10)
        members = unpack(SMALL.bundle(2, 40, format="pdf"))
        report = members["report.pdf"]
        for words in (
            b"every entry of [2, 40\\), without a gap",
            b"Only the first 10 of 38 entries",
            b"page 1 of ",
            b"work_order.released",
        ):
            assert words in report, words
        assert unpack(SMALL.bundle(2, 40, format="pdf"))["report.pdf"] == report
        found = check(pack(members))
        assert found.ok
        assert any("report.pdf is for reading" in note for note in found.notes)

    def test_signatures_are_listed_with_name_meaning_and_record(self):
        signed = {
            "type": "signature.created",
            "data": {"subject": "wo_9", "meaning": "reviewed", "record_sha256": "ab" * 32},
            "committed": {"signer_name": "Ann"},
        }
        report = unpack(Log(3, lambda number: dict(signed) if number == 1 else {}).bundle(format="pdf"))["report.pdf"]
        for words in (b"Electronic signatures given", b"(Ann)", b"(reviewed)", b"wo_9, SHA-256"):
            assert words in report, words

    def test_a_filter_is_stated_as_one(self):
        report = unpack(SMALL.bundle(3, 30, keep={4, 9}, format="pdf"))["report.pdf"]
        assert b"by a filter: actor = usr_1" in report
        assert b"without a gap" not in report

    def test_chinese_is_written_with_a_font_that_has_it(self):
        report = unpack(Log(2, lambda _: {"actor": {"type": "user", "id": "\u738b"}}).bundle(format="pdf"))[
            "report.pdf"
        ]
        assert b"STSong-Light" in report
        assert b"STSong-Light" not in unpack(Log(2).bundle(format="pdf"))["report.pdf"]
