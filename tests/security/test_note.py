"""Signed notes, checkpoints and the file of signing keys."""

import base64
import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from woaas_security.audit.checkpoint import Checkpoint, open_checkpoint
from woaas_security.audit.keys import UnsafeKeyFile, generate_key_file, load_key_file, load_or_generate_key_file
from woaas_security.audit.note import (
    MalformedNote,
    NoteError,
    SigningKey,
    UnverifiedNote,
    VerifierKey,
    open_note,
    parse_note,
    sign_note,
)
from woaas_security.audit.tree import EMPTY_ROOT

VECTORS = Path(os.environ.get("WOAAS_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "tlog_vectors"
ORIGIN = "audit.example.com/t/0198"
KEY = SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
TEXT = "This is a statement.\n"
# The empty log of one tenant, signed with `openssl pkeyutl` under the seed 00 01 02 ... 1f.
FIXED_VKEY = "audit.example.com/t/1+2e6af8ff+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
FIXED_NOTE = """\
audit.example.com/t/1
0
47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

\u2014 audit.example.com/t/1 \
Lmr4/yAss97voG4D9GfWF43VJ2omJs8FlR0rvFzxKC1oGIZKYJ6NlEe8C3f8WjvhfF0GTOx8vdc+pkMq08455GZWrQQ=
"""


class TestVerifierKey:
    def test_a_vkey_reads_back(self):
        assert VerifierKey.parse(str(KEY.verifier)) == KEY.verifier
        assert str(VerifierKey.parse(FIXED_VKEY)) == FIXED_VKEY

    @pytest.mark.parametrize(
        "vkey",
        [
            "",
            "audit.example.com/t/1",
            FIXED_VKEY.replace("2e6af8ff", "2e6af8fe"),
            FIXED_VKEY.replace("audit", "audjt"),
            FIXED_VKEY.replace("+AQOh", "+AgOh"),
            FIXED_VKEY[:-4],
            FIXED_VKEY + "\n",
            FIXED_VKEY.replace("audit.example.com/t/1", ""),
            FIXED_VKEY.replace("audit.example.com/t/1", "audit example"),
            FIXED_VKEY.replace("2e6af8ff", "2E6AF8FF"),
        ],
    )
    def test_a_damaged_vkey_is_refused(self, vkey):
        with pytest.raises(MalformedNote):
            VerifierKey.parse(vkey)

    def test_a_public_key_has_32_bytes(self):
        with pytest.raises(MalformedNote, match="32 bytes"):
            VerifierKey("name", b"short")


class TestSigningKey:
    def test_the_stored_form_reads_back_and_signs_the_same(self):
        again = SigningKey.parse(KEY.secret())
        assert again.verifier == KEY.verifier
        assert again.sign(TEXT) == KEY.sign(TEXT)

    @pytest.mark.parametrize("secret", ["", KEY.secret()[1:], KEY.secret()[:-4], KEY.secret().replace("0198", "0199")])
    def test_a_damaged_secret_is_refused(self, secret):
        with pytest.raises(MalformedNote):
            SigningKey.parse(secret)

    def test_repr_hides_the_secret(self):
        assert KEY.secret().rpartition("+")[2] not in repr(KEY)

    def test_another_name_is_another_key_hash(self):
        assert KEY.named("other").verifier.key_hash != KEY.verifier.key_hash
        assert KEY.named("other").verifier.public == KEY.verifier.public


class TestNotes:
    def test_a_note_signed_by_openssl_opens_and_is_signed_alike(self):
        assert open_checkpoint(FIXED_NOTE, [VerifierKey.parse(FIXED_VKEY)]).root == EMPTY_ROOT
        key = SigningKey("host", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
        assert Checkpoint("audit.example.com/t/1", 0, EMPTY_ROOT).sign([key]) == FIXED_NOTE

    def test_the_published_note_of_c2sp_opens(self):
        path = VECTORS / "signed-note.json"
        if not path.is_file():
            pytest.skip("shared data tlog_vectors is absent (set WOAAS_SHARED_DATA)")
        example = json.loads(path.read_text())
        opened = open_note(example["note"], [VerifierKey.parse(example["vkey"])])
        assert opened.text == "This is an example message.\n"

    def test_several_keys_sign_and_unknown_ones_are_passed_over(self):
        second, third = SigningKey.generate("second"), SigningKey.generate("third")
        note = sign_note(TEXT, [KEY, second, third])
        assert open_note(note, [third.verifier, KEY.verifier]).signed_by == (KEY.verifier, third.verifier)
        assert [signature.name for signature in parse_note(note).signatures] == [ORIGIN, "second", "third"]

    def test_a_signature_of_another_algorithm_is_passed_over(self):
        cosignature = base64.b64encode(b"\x00\x01\x02\x03" + bytes(80)).decode()
        note = sign_note(TEXT, [KEY]) + f"\u2014 witness.example {cosignature}\n"
        assert open_note(note, [KEY.verifier]).signed_by == (KEY.verifier,)

    def test_no_known_key_is_an_error(self):
        with pytest.raises(UnverifiedNote, match="no known key"):
            open_note(sign_note(TEXT, [KEY]), [SigningKey.generate(ORIGIN).verifier])

    def test_one_bad_signature_of_a_known_key_spoils_the_note(self):
        second = SigningKey.generate("second")
        forged = base64.b64encode(second.verifier.key_hash + bytes(64)).decode()
        note = sign_note(TEXT, [KEY]) + f"\u2014 second {forged}\n"
        with pytest.raises(UnverifiedNote, match="does not fit"):
            open_note(note, [KEY.verifier, second.verifier])

    @given(st.data())
    def test_no_changed_character_is_accepted(self, data):
        note = sign_note(TEXT, [KEY])
        place = data.draw(st.integers(0, len(note) - 1))
        changed = note[:place] + data.draw(st.characters(exclude_characters=note[place])) + note[place + 1 :]
        with pytest.raises((NoteError, UnicodeEncodeError)):
            open_note(changed, [KEY.verifier])

    def test_text_may_hold_empty_lines(self):
        text = "one\n\ntwo\n"
        assert open_note(sign_note(text, [KEY]), [KEY.verifier]).text == text

    @pytest.mark.parametrize("text", ["", "\n", "no newline", "tab\t\n", "null\x00\n"])
    def test_text_out_of_form_is_not_signed(self, text):
        with pytest.raises(MalformedNote):
            sign_note(text, [KEY])

    @pytest.mark.parametrize(
        "note",
        [
            "",
            TEXT,
            TEXT + "\n",
            sign_note(TEXT, [KEY])[:-1],
            sign_note(TEXT, [KEY]) + "\n",
            sign_note(TEXT, [KEY]) + "- hyphen AAAAAAAA\n",
            sign_note(TEXT, [KEY]) + "\u2014 name\n",
            sign_note(TEXT, [KEY]) + "\u2014 na+me AAAAAAAA\n",
            sign_note(TEXT, [KEY]) + "\u2014 name AAAA\n",
            sign_note(TEXT, [KEY]) + "\u2014 name AAAAAAB=\n",
            sign_note(TEXT, [KEY] * 101),
        ],
    )
    def test_a_note_out_of_form_is_refused(self, note):
        with pytest.raises(MalformedNote):
            open_note(note, [KEY.verifier])


class TestCheckpoints:
    def test_a_signed_checkpoint_reads_back(self):
        checkpoint = Checkpoint(ORIGIN, 2026, bytes(range(32)), ("one extension", "another"))
        assert open_checkpoint(checkpoint.sign([KEY]), [KEY.verifier]) == checkpoint
        assert Checkpoint.parse(checkpoint.text()) == checkpoint

    def test_the_published_checkpoints_open(self):
        log = VECTORS / "tessera" / "log"
        if not log.is_dir():
            pytest.skip("shared data tlog_vectors is absent (set WOAAS_SHARED_DATA)")
        key = VerifierKey.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
        assert [open_checkpoint((log / f"checkpoint.{n}").read_text(), [key]).size for n in range(16)] == [*range(16)]

    def test_every_key_signs_under_the_origin(self):
        old, new = SigningKey.generate("host"), SigningKey.generate("host")
        note = Checkpoint(ORIGIN, 1, bytes(32)).sign([new, old])
        for key in (old, new):
            assert open_checkpoint(note, [key.named(ORIGIN).verifier]).size == 1

    def test_a_key_of_another_origin_does_not_count(self):
        note = sign_note(Checkpoint(ORIGIN, 1, bytes(32)).text(), [KEY.named("audit.example.com/t/other")])
        with pytest.raises(UnverifiedNote):
            open_checkpoint(note, [KEY.named("audit.example.com/t/other").verifier])

    @pytest.mark.parametrize(
        "text",
        [
            "origin\n1\n",
            f"origin\n1\n{base64.b64encode(bytes(31)).decode()}\n",
            f"origin\n01\n{base64.b64encode(bytes(32)).decode()}\n",
            f"origin\n-1\n{base64.b64encode(bytes(32)).decode()}\n",
            f"origin\n\u0661\n{base64.b64encode(bytes(32)).decode()}\n",
            f"\n1\n{base64.b64encode(bytes(32)).decode()}\n",
            f"origin\n1\n{base64.b64encode(bytes(32)).decode()}\n\n",
            f"origin\n1\n{base64.b64encode(bytes(32)).decode()}",
            f"origin\n1\n{base64.b64encode(bytes(32)).decode()[:-2]}B=\n",
            f"origin\n{10**18}\n{base64.b64encode(bytes(32)).decode()}\n",
        ],
    )
    def test_a_checkpoint_out_of_form_is_refused(self, text):
        with pytest.raises(MalformedNote):
            Checkpoint.parse(text)


class TestKeyFile:
    def test_a_new_file_is_for_its_owner_alone(self, tmp_path):
        key = generate_key_file(tmp_path / "audit.key", "audit.example.com")
        assert stat.S_IMODE((tmp_path / "audit.key").stat().st_mode) == 0o600
        assert [one.verifier for one in load_key_file(tmp_path / "audit.key").signing] == [key.verifier]

    def test_a_key_is_never_overwritten(self, tmp_path):
        first = load_or_generate_key_file(tmp_path / "audit.key", "audit.example.com")
        with pytest.raises(FileExistsError):
            generate_key_file(tmp_path / "audit.key", "audit.example.com")
        again = load_or_generate_key_file(tmp_path / "audit.key", "audit.example.com")
        assert again.known == first.known

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
    def test_a_file_that_others_can_read_is_refused(self, tmp_path, mode):
        generate_key_file(tmp_path / "audit.key", "audit.example.com")
        (tmp_path / "audit.key").chmod(mode)
        with pytest.raises(UnsafeKeyFile, match="chmod 600"):
            load_key_file(tmp_path / "audit.key")

    def test_the_first_line_is_the_current_key(self, tmp_path):
        keys = [SigningKey.generate("audit.example.com") for _ in range(2)]
        path = tmp_path / "audit.key"
        path.touch(0o600)
        path.write_text("".join(f"{key.secret()}\n\n" for key in keys))
        assert [key.verifier for key in load_key_file(path).signing] == [key.verifier for key in keys]

    def test_an_empty_file_is_refused(self, tmp_path):
        (tmp_path / "audit.key").touch(0o600)
        with pytest.raises(MalformedNote, match="no signing key"):
            load_key_file(tmp_path / "audit.key")
