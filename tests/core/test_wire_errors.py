"""Bodies that do not fit: the code and the place."""

import pytest

from woaas_core.errors import DomainError, Invalid, Malformed, UnknownField, catalogue
from woaas_core.wire import decode
from woaas_work_orders.orders.inputs import NewWorkOrder

ORDER = b'"product":"P","quantity":"1"'


def refusal(raw: bytes) -> Invalid:
    with pytest.raises(Invalid) as caught:
        decode(raw, NewWorkOrder)
    return caught.value


class TestPointers:
    @pytest.mark.parametrize(
        ("raw", "code", "pointer"),
        [
            (b"{%s,\"colour\":1}" % ORDER, "unknown_field", "/colour"),
            (b"{%s,\"a/b~c\":1}" % ORDER, "unknown_field", "/a~1b~0c"),
            (b'{"quantity":"1"}', "required", "/product"),
            (b'{%s,"operations":[{"name":"a"},{}]}' % ORDER, "required", "/operations/1/name"),
            (b'{%s,"operations":[{"name":"a","colour":1}]}' % ORDER, "unknown_field", "/operations/0/colour"),
            (b'{"product":"P","quantity":1}', "not_a_decimal_string", "/quantity"),
            (b'{"product":"P","quantity":1.5}', "not_a_decimal_string", "/quantity"),
            (b'{"product":"P","quantity":"ten"}', "not_a_decimal_string", "/quantity"),
            (b'{"product":"P","quantity":"1e3"}', "not_a_decimal_string", "/quantity"),
            (b'{"product":"P","quantity":"-1"}', "not_a_decimal_string", "/quantity"),
            (b'{"product":"P","quantity":null}', "not_a_decimal_string", "/quantity"),
            (
                b'{%s,"operations":[{"name":"a","materials":[{"material":"M","quantity":2}]}]}' % ORDER,
                "not_a_decimal_string",
                "/operations/0/materials/0/quantity",
            ),
            (b'{%s,"priority":9}' % ORDER, "invalid", "/priority"),
            (b'{%s,"priority":true}' % ORDER, "invalid", "/priority"),
            (b'{%s,"due_at":"tomorrow"}' % ORDER, "invalid", "/due_at"),
            (b'{%s,"due_at":"2026-01-01T00:00:00"}' % ORDER, "invalid", "/due_at"),
            (b'{%s,"type":"other"}' % ORDER, "invalid", "/type"),
            (b'{%s,"custom_fields":{"a.b":{}}}' % ORDER, "invalid", "/custom_fields"),
            (b'{%s,"custom_fields":{"weight":1.5}}' % ORDER, "invalid", "/custom_fields"),
            (b'{%s,"operations":[{"name":"a","unit_time":"1h"}]}' % ORDER, "invalid", "/operations/0/unit_time"),
            (b'{%s,"operations":[{"name":"a","predecessors":["x"]}]}' % ORDER, "invalid",
             "/operations/0/predecessors/0"),
            (b"[]", "invalid", ""),
            (b"null", "invalid", ""),
        ],
    )  # fmt: skip
    def test_the_first_wrong_place_is_named(self, raw: bytes, code: str, pointer: str) -> None:
        error = refusal(raw)
        assert [(e.code, e.pointer) for e in error.errors] == [(code, pointer)]
        if code in ("unknown_field", "not_a_decimal_string"):
            assert error.code == code

    @pytest.mark.parametrize("text", ["P\\n", "", "a b", "a" * 65, "a/b", "\\u0000"])
    def test_a_code_holds_letters_digits_and_three_signs(self, text: str) -> None:
        refusal(b'{"quantity":"1","product":"%s"}' % text.encode())

    @pytest.mark.parametrize("text", ["1\\n", "١", "１", " 1", "1 ", "1.", ".1", "1_0", "+1", "0x1", "NaN", "Infinity"])
    def test_a_quantity_is_plain_ascii_digits(self, text: str) -> None:
        assert refusal(b'{"product":"P","quantity":"%s"}' % text.encode()).code == "not_a_decimal_string"

    @pytest.mark.parametrize("text", ["零件-7", "Größe.1", "a_b"])
    def test_letters_of_any_script_make_a_code(self, text: str) -> None:
        assert decode(b'{"quantity":"1","product":"%s"}' % text.encode(), NewWorkOrder).product == text

    def test_nul_is_refused_everywhere(self) -> None:
        assert refusal(b'{%s,"title":"a\\u0000b"}' % ORDER).code == "invalid"
        assert refusal(b'{%s,"custom_fields":{"\\u0000":"x"}}' % ORDER).code == "invalid"

    def test_a_written_out_escape_is_ordinary_text(self) -> None:
        assert decode(b'{%s,"title":"C:\\\\u0000"}' % ORDER, NewWorkOrder).title == "C:\\u0000"

    def test_an_integer_beyond_what_json_readers_agree_on_is_refused(self) -> None:
        assert refusal(b'{%s,"custom_fields":{"n":9007199254740993}}' % ORDER).code == "invalid"
        decode(b'{%s,"custom_fields":{"n":9007199254740991}}' % ORDER, NewWorkOrder)


class TestMalformed:
    @pytest.mark.parametrize(
        "raw", [b"{", b"nul", b'{"a":}', b"\xff", b'{"product":"\xff"}', b"[" * 100_000, b'{"a":' * 5000,
                b'{"product":"\\ud800"}', b"{} {}"],
    )  # fmt: skip
    def test_what_is_no_json_is_a_400(self, raw: bytes) -> None:
        with pytest.raises(DomainError) as caught:
            decode(raw, NewWorkOrder)
        assert isinstance(caught.value, Malformed)

    def test_an_empty_body_is_an_empty_object(self) -> None:
        assert refusal(b"").errors[0].code == "required"


def test_a_hidden_field_and_a_missing_one_are_one_code() -> None:
    assert UnknownField.status == 422
    assert catalogue()["unknown_field"].status in (400, 422)
