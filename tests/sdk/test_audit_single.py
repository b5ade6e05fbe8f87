"""`.tlog-proof` files, one entry each."""

import base64

import pytest
from fixtures.audit_bundles import SMALL, STRANGER, VKEYS, Log

from woaas.audit import Verdict, verify_entry
from woaas.audit.cosignatures import WitnessSecret
from woaas.audit.report import Rejected
from woaas_security.audit.proofs import NodeHashes, plan_inclusion

SECRET = WitnessSecret.generate("witness.example.com/w1")
LEAF = SMALL.entries[7].leaf


def proof_file(index=7, size=40, *, log=SMALL, note=None, extra=LEAF):
    path = NodeHashes(log.tile).resolve(plan_inclusion(index, size))
    lines = ["c2sp.org/tlog-proof@v1", f"index {index}", *(base64.b64encode(part).decode() for part in path), ""]
    if extra is not None:
        lines.insert(1, f"extra {base64.b64encode(extra).decode()}")
    return "\n".join(lines) + "\n" + (note or log.checkpoint(size))


def verdict(*arguments, **options):
    with pytest.raises(Rejected) as rejected:
        verify_entry(*arguments, **{"vkeys": VKEYS, **options})
    return rejected.value.verdict


def test_an_entry_is_proved_with_what_it_says():
    proved = verify_entry(proof_file(), vkeys=VKEYS)
    assert (proved.log_index, proved.tree_size, proved.content["id"]) == (7, 40, "evt_7")
    assert verify_entry(proof_file(extra=None), vkeys=VKEYS, leaf=LEAF).content == proved.content
    note = SMALL.checkpoint() + SECRET.cosign(SMALL.checkpoint().partition("\n\n")[0] + "\n", 1_795_000_000)
    witnessed = verify_entry(proof_file(note=note), vkeys=VKEYS, witnesses=[SECRET.public.vkey])
    assert witnessed.witnessed_by == (SECRET.public.vkey,)


@pytest.mark.parametrize(
    ("file", "options", "expected"),
    [
        (proof_file(extra=SMALL.entries[8].leaf), {}, Verdict.INVALID),
        (proof_file(), {"leaf": SMALL.entries[8].leaf}, Verdict.INVALID),
        (proof_file(log=Log(40, history="rewritten"), note=SMALL.checkpoint()), {}, Verdict.INVALID),
        (proof_file().replace("index 7", "index 6"), {}, Verdict.INVALID),
        (proof_file(size=39, note=SMALL.checkpoint()), {}, Verdict.INVALID),
        (proof_file(), {"witnesses": [SECRET.public.vkey]}, Verdict.INVALID),
        (proof_file(extra=None), {}, Verdict.MALFORMED),
        (proof_file().replace("@v1", "@v2"), {}, Verdict.MALFORMED),
        (proof_file().replace("index 7", "index 07"), {}, Verdict.MALFORMED),
        (proof_file()[:60], {}, Verdict.MALFORMED),
        ("", {}, Verdict.MALFORMED),
        (proof_file(note=SMALL.checkpoint(keys=[STRANGER])), {}, Verdict.UNKNOWN_KEY),
    ],
)
def test_anything_else_is_refused(file, options, expected):
    assert verdict(file, **options) is expected
