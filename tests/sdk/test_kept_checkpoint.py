"""A client keeps the last checkpoint it saw and takes only one that continues it."""

import base64
from functools import partial

import httpx2
import pytest
from fixtures.audit_bundles import SMALL, STRANGER, VKEYS, Log

import woaas
from woaas.audit import Rejected
from woaas_security.audit.proofs import NodeHashes, plan_consistency

OTHER = Log(40, history="rewritten")


def answer(log, note, request):
    if request.url.path.endswith("/latest"):
        return httpx2.Response(200, text=note, headers={"Content-Type": "text/plain"})
    old, new = (int(request.url.params[name]) for name in ("from", "to"))
    proof = NodeHashes(log.tile).resolve(plan_consistency(old, new))
    return httpx2.Response(200, json={"from": old, "to": new, "proof": [base64.b64encode(p).decode() for p in proof]})


def keep(file, log, size, note=None):
    handler = partial(answer, log, note or log.checkpoint(size))
    http = httpx2.Client(transport=httpx2.MockTransport(handler))
    return woaas.Client("k", "http://woaas.test", http_client=http).audit.keep_checkpoint(file, vkeys=VKEYS)


def test_a_log_that_grows_is_followed(tmp_path):
    file = tmp_path / "kept.txt"
    for size in (7, 7, 12, 40):
        assert keep(file, SMALL, size) == SMALL.checkpoint(size) == file.read_text()


@pytest.mark.parametrize(
    ("log", "size", "note"),
    [
        (OTHER, 40, None),
        (OTHER, 12, None),
        (SMALL, 11, None),
        (SMALL, 40, SMALL.checkpoint(keys=[STRANGER])),
        (SMALL, 40, SMALL.checkpoint(origin="other")),
    ],
)
def test_any_other_is_refused_and_the_old_one_kept(tmp_path, log, size, note):
    file = tmp_path / "kept.txt"
    keep(file, SMALL, 12)
    with pytest.raises(Rejected):
        keep(file, log, size, note)
    assert file.read_text() == SMALL.checkpoint(12)
