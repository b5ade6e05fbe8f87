"""The witness by itself, as C2SP tlog-witness demands it, and what the verifier makes of its cosignatures."""

import base64
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from fixtures.audit_bundles import KEY, ORIGIN, SMALL, STRANGER, VKEYS, Log, edited, verified

from woaas.audit.cosignatures import WitnessSecret, cosigned_at, parse_witnesses
from woaas.audit.notes import open_checkpoint, parse_vkeys
from woaas.audit.report import Malformed
from woaas.audit.witness import Refused, Witness
from woaas.audit.witness_server import load_or_generate_secret, witness_server
from woaas_security.audit.checkpoint import Checkpoint
from woaas_security.audit.cosignature import CosignerKey, cosignatures
from woaas_security.audit.proofs import NodeHashes, plan_consistency

SECRET = WitnessSecret.generate("witness.example.com/w1")
NOW_S = 1_795_000_000
OTHER = Log(40, history="rewritten")


def request(size, old=0, log=SMALL, note=None, proof=None):
    """A body of add-checkpoint."""
    if proof is None:
        plan = plan_consistency(old, size) if 0 < old < size else []
        proof = [base64.b64encode(part).decode() for part in NodeHashes(log.tile).resolve(plan)]
    return "\n".join([f"old {old}", *proof, "", note or log.checkpoint(size)]).encode()


@pytest.fixture
def witness(tmp_path):
    return Witness(SECRET, parse_vkeys(VKEYS), tmp_path / "witness.db", clock=lambda: NOW_S)


def refusal(witness, body):
    with pytest.raises(Refused) as refused:
        witness.add_checkpoint(body)
    return refused.value


class TestAddCheckpoint:
    def test_a_growing_log_is_cosigned_with_the_time(self, witness):
        for old, size in ((0, 7), (7, 12), (12, 12), (12, 40)):
            line = witness.add_checkpoint(request(size, old))
            note = SMALL.checkpoint(size) + line
            key = CosignerKey.parse(SECRET.public.vkey)  # the server's own reading of it
            assert [int(one.at.timestamp()) for one in cosignatures(note, [key])] == [NOW_S]
            checkpoint = open_checkpoint(note.encode(), parse_vkeys(VKEYS), "note")
            assert cosigned_at(checkpoint, [SECRET.public]) == {SECRET.public.vkey: NOW_S}
        assert "\n40\n" in witness.newest(ORIGIN)

    def test_what_it_has_seen_outlives_a_restart(self, witness, tmp_path):
        witness.add_checkpoint(request(12))
        again = Witness(SECRET, parse_vkeys(VKEYS), tmp_path / "witness.db")
        assert (refusal(again, request(12)).status, refusal(again, request(12)).body) == (409, "12\n")

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (request(20, note=Checkpoint("unknown", 20, bytes(32)).sign([KEY.named("unknown")])), 404),
            (request(20, old=12, note=SMALL.checkpoint(20, keys=[STRANGER])), 403),
            (request(20, old=12).replace(b"\n20\n", b"\n21\n"), 403),
            (request(20, old=11), 409),
            (request(20), 409),
            (request(20, old=13), 409),
            (request(11, old=12, proof=[]), 400),
            (request(20, old=12, log=OTHER), 422),
            (request(20, old=12, proof=[]), 422),
            (request(20, old=12, proof=[base64.b64encode(bytes(32)).decode()] * 5), 422),
            (request(12, old=12, proof=[base64.b64encode(bytes(32)).decode()]), 422),
            (request(12, old=12, log=OTHER), 409),
            (request(20, old=12, proof=["AAAA"]), 400),
            (request(20, old=12, proof=[base64.b64encode(bytes(32)).decode()] * 64), 400),
            (request(20, old=12).replace(b"old 12", b"old 012"), 400),
            (request(20, old=12).replace(b"old 12", b"old -12"), 400),
            (request(20, old=12).replace(b"\n\n", b"\n"), 400),
            (request(20, old=12)[:-1], 400),
            (b"", 400),
            (b"old 12\n\n", 400),
            (b"\xff\n\n\xff", 400),
        ],
    )
    def test_anything_else_is_refused_and_changes_nothing(self, witness, body, status):
        witness.add_checkpoint(request(12))
        refused = refusal(witness, body)
        assert refused.status == status
        if status == 409:
            assert (refused.body, refused.media_type) == ("12\n", "text/x.tlog.size")
        assert witness.add_checkpoint(request(40, 12))

    def test_of_two_at_once_one_is_taken(self, witness):
        """Both prove growth from the same size; if both were cosigned, the log could have forked in between."""
        witness.add_checkpoint(request(12))
        outcomes = []

        def ask(size):
            try:
                outcomes.append(witness.add_checkpoint(request(size, 12)) and 200)
            except Refused as refused:
                outcomes.append(refused.status)

        threads = [threading.Thread(target=ask, args=(size,)) for size in (20, 30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == [200, 409]


@contextmanager
def serving(witness):
    server = witness_server(witness, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class TestServer:
    def test_it_speaks_http(self, witness):
        with serving(witness) as url:
            line = post(f"{url}/add-checkpoint", request(7))[1]
            assert line.startswith("\u2014 witness.example.com/w1 ")
            assert post(f"{url}/add-checkpoint", request(7)) == (409, "7\n", "text/x.tlog.size")
            assert post(f"{url}/else", request(7))[0] == 404
            assert post(f"{url}/add-checkpoint", b"old 0\n" * 20_000)[0] == 413
            with urllib.request.urlopen(f"{url}/checkpoint/{ORIGIN}") as known:
                assert known.read().decode() == SMALL.checkpoint(7) + line

    def test_its_key_is_kept_for_its_owner_alone(self, tmp_path):
        first = load_or_generate_secret(tmp_path / "witness.key", "w1")
        assert (tmp_path / "witness.key").stat().st_mode & 0o777 == 0o600
        assert load_or_generate_secret(tmp_path / "witness.key", "w2").public == first.public
        (tmp_path / "witness.key").write_text(VKEYS[0])
        with pytest.raises(Malformed):
            load_or_generate_secret(tmp_path / "witness.key", "w1")


def post(url, body):
    try:
        with urllib.request.urlopen(url, body) as answer:
            return answer.status, answer.read().decode(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode(), refused.headers["Content-Type"]


class TestQuorum:
    SECOND = WitnessSecret.generate("witness.example.com/w2")

    @pytest.fixture
    def check(self, tmp_path):
        def check(secrets, asked, **options):
            text = SMALL.checkpoint().partition("\n\n")[0] + "\n"
            lines = "".join(secret.cosign(text, NOW_S) for secret in secrets).encode()
            bundle = edited(SMALL.bundle(), "checkpoint.txt", lambda raw: raw + lines)
            return verified(tmp_path, bundle, witnesses=[secret.public.vkey for secret in asked], **options)

        return check

    def test_all_known_witnesses_must_have_cosigned_unless_a_quorum_is_named(self, check):
        assert check([SECRET, self.SECOND], [SECRET, self.SECOND]).witnessed_by
        assert check([SECRET], [SECRET, self.SECOND], quorum=1).ok
        refused = check([SECRET], [SECRET, self.SECOND])
        assert (refused.exit_code, "1 of the known witnesses cosigned it, not 2" in str(refused)) == (1, True)
        assert check([], [SECRET]).exit_code == 1

    def test_a_witness_counts_once_and_unknown_ones_do_not(self, check):
        assert check([SECRET, SECRET], [SECRET, self.SECOND], quorum=2).exit_code == 1
        assert check([self.SECOND], [SECRET]).exit_code == 1

    def test_a_forged_cosignature_of_a_known_witness_is_refused(self, check, tmp_path):
        text = SMALL.checkpoint(39).partition("\n\n")[0] + "\n"
        bundle = edited(SMALL.bundle(), "checkpoint.txt", lambda raw: raw + SECRET.cosign(text, NOW_S).encode())
        report = verified(tmp_path, bundle, witnesses=[SECRET.public.vkey])
        assert (report.exit_code, "cosignature by" in str(report)) == (1, True)

    @pytest.mark.parametrize(
        "vkey",
        ["no key", VKEYS[0], SECRET.public.vkey.replace("w1", "w2")],
        ids=["no key", "a log's key", "another name's hash"],
    )
    def test_what_is_no_witness_key_is_malformed(self, vkey):
        with pytest.raises(Malformed):
            parse_witnesses([vkey])
