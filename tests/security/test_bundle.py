"""What the writer of bundles refuses to write."""

import io

import pytest
from fixtures.audit_bundles import SMALL, TENANT, VKEYS

from woaas_security.audit.bundle import BundleScope, BundleWriter
from woaas_security.audit.proofs import NodeHashes


class TestWriter:
    @pytest.mark.parametrize("indexes", [[1], [0, 2], [0, 0], [0, 1, 2, 3, 4]])
    def test_entries_out_of_order_are_refused(self, indexes):
        with pytest.raises(ValueError, match="is next before 4"):
            self.writer().add(SMALL.entries[index] for index in indexes)

    def test_an_unfinished_range_is_refused(self):
        writer = self.writer()
        writer.add(SMALL.entries[:3])
        with pytest.raises(ValueError, match="entries 3 to 3 of the export are missing"):
            writer.close()

    def test_a_scope_outside_the_log_is_refused(self):
        with pytest.raises(ValueError, match="not inside a log of 40"):
            self.writer(BundleScope(TENANT, 30, 41))

    def test_an_error_while_writing_is_not_hidden(self):
        with pytest.raises(RuntimeError, match="read failed"), self.writer():
            raise RuntimeError("read failed")

    @staticmethod
    def writer(scope=None):
        return BundleWriter(
            io.BytesIO(),
            scope or BundleScope(TENANT, 0, 4),
            checkpoint=SMALL.checkpoint(),
            vkeys=VKEYS,
            hashes=NodeHashes(SMALL.tile),
        )
