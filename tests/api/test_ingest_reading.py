"""Messages as readings: the Sparkplug payload against an encoder of the tests' own, topics, plain messages, claims."""

import struct
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fixtures.sparkplug import metric, payload
from hypothesis import given
from hypothesis import strategies as st

from woaas_api.ingest.json_messages import readings_of
from woaas_api.ingest.sparkplug import Node, SparkplugHost, restored, stored
from woaas_api.ingest.sparkplug_payload import decode, rebirth, typed
from woaas_api.ingest.topic_map import TopicMap
from woaas_core.errors import Invalid
from woaas_core.ids import encode_id, uuid7
from woaas_work_orders.connectors.machine_states import Verdict, judge
from woaas_work_orders.connectors.readings import Silence, counted, instant_of, state_of

BITS = {1: 8, 2: 16, 3: 32, 4: 64}


def whole(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    low = -(1 << bits - 1) if signed else 0
    return st.integers(low, (1 << bits - signed) - 1)


FLOAT = 9
WORDS = st.text("aZ0 /._é工\0", max_size=12)
VALUES: dict[int, st.SearchStrategy[Any]] = {
    **{kind: whole(bits, signed=True) for kind, bits in BITS.items()},
    **{kind + 4: whole(bits, signed=False) for kind, bits in BITS.items()},
    FLOAT: st.floats(width=32, allow_nan=False),
    10: st.floats(allow_nan=False),
    11: st.booleans(),
    12: WORDS,
    13: whole(64, signed=False),
    14: WORDS,
}
METRICS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.one_of(st.none(), VALUES[kind]),
        WORDS,
        st.one_of(st.none(), whole(64, signed=False)),
        st.booleans(),
    )
)


def tag(name: str, topic: str, **more: Any) -> dict[str, Any]:
    return {"tag": name, "topic": topic, "metric": None, "work_center": "m1", "means": "value", "states": {}} | more


def connector(*tags: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": uuid7(), "broker": {"host": "h"}, "sparkplug": False, "tags": list(tags)} | more


class TestPayload:
    @given(st.lists(METRICS, max_size=8), whole(42, signed=False), st.one_of(st.none(), st.integers(0, 255)))
    def test_what_another_encoder_wrote_is_read(self, metrics: list[Any], at_ms: int, seq: int | None) -> None:
        data = payload(
            at_ms, [metric(n, k, v, alias=a, at_ms=at_ms, historical=h) for k, v, n, a, h in metrics], seq=seq
        )
        read = decode(data)
        assert (read.at, read.seq) == (datetime.fromtimestamp(at_ms / 1000, UTC), seq)
        for (kind, value, name, alias, is_historical), found in zip(metrics, read.metrics, strict=True):
            assert (found.name, found.alias, found.datatype) == (name, alias, kind)
            told = typed(found.value, kind)
            if kind == FLOAT and value is not None:
                # It is told with as few digits as name the same number of 32 bits.
                told, value = struct.pack("<f", told), struct.pack("<f", value)  # noqa: PLW2901
            assert (told, found.is_historical, found.at) == (value, is_historical, read.at)

    @given(st.binary(max_size=80))
    def test_anything_else_is_refused_or_read_but_never_breaks(self, data: bytes) -> None:
        with suppress(Invalid):
            assert decode(data).metrics is not None

    def test_a_single_precision_number_has_no_idle_digits(self) -> None:
        assert decode(payload(0, [metric("T", 9, 0.1)])).metrics[0].value == 0.1

    def test_a_rebirth_is_what_the_specification_asks_for(self) -> None:
        asked = decode(rebirth(datetime(2026, 1, 1, tzinfo=UTC)))
        assert [(m.name, m.datatype, m.value) for m in asked.metrics] == [("Node Control/Rebirth", 11, True)]


class TestTopics:
    def test_on_the_own_broker_everything_lies_below_the_root(self) -> None:
        made = connector(tag("a", "m1/state"), broker=None)
        root = encode_id("con", made["id"])
        topics = TopicMap(made)
        assert topics.subscriptions == [f"{root}/m1/state"]
        assert [t["tag"] for t in topics.tags(f"{root}/m1/state")] == ["a"]
        assert topics.tags("m1/state") == []
        assert TopicMap(made | {"sparkplug": True}).subscriptions == [f"spBv1.0/{root}/+/m1", f"spBv1.0/{root}/+/m1/+"]

    def test_a_member_is_found_by_its_path_and_a_missing_one_says_nothing(self) -> None:
        tags = [tag("a", "t", metric="press.state"), tag("b", "t", metric="none"), tag("c", "t")]
        found = readings_of(tags, "t", b'{"press":{"state":"RUN"},"at":"2026-01-01T00:00:00+01:00"}')
        assert [r.tag["tag"] for r in found] == ["a", "c"]
        assert found[0].value == "RUN"
        assert found[0].measured_at == datetime(2025, 12, 31, 23, tzinfo=UTC)
        assert readings_of([tag("c", "t")], "t", b" RUN ")[0].value == "RUN"
        assert readings_of([tag("c", "t")], "t", b"0.10")[0].value == Decimal("0.10")
        with pytest.raises(Invalid):
            readings_of([tag("c", "t")], "t", b"\xff\xfe")

    def test_the_same_message_has_the_same_reference_and_another_topic_another(self) -> None:
        refs = [readings_of([tag("c", "t")], topic, b"1")[0].ref for topic in ("t", "t", "u")]
        assert refs[0] == refs[1] != refs[2]


class TestSession:
    def host(self) -> SparkplugHost:
        made = connector(tag("s", "g/n/d", metric="S"), tag("t", "g/n", metric="T", work_center="m2"), sparkplug=True)
        return SparkplugHost(TopicMap(made), {})

    def test_names_behind_aliases_survive_a_restart(self) -> None:
        host = self.host()
        host.hear("spBv1.0/g/NBIRTH/n", payload(1, [metric("bdSeq", 8, 1)], seq=0))
        host.hear("spBv1.0/g/DBIRTH/n/d", payload(1, [metric("S", 1, 5, alias=4)], seq=1))
        again = SparkplugHost(host._topics, restored([stored(name, node) for name, node in host.nodes.items()]))
        heard = again.hear("spBv1.0/g/DDATA/n/d", payload(2, [metric(None, None, 0xFB, alias=4)], seq=2))
        assert [r.value for r in heard.told if not isinstance(r, Silence)] == [-5]
        assert heard.unsure == set()

    def test_a_gap_and_an_unknown_alias_ask_for_a_rebirth_but_what_comes_again_does_not(self) -> None:
        host = self.host()
        host.nodes["g/n"] = Node(is_online=True, seq=254, sent_at=datetime.fromtimestamp(1, UTC))
        data = [metric("S", 1, 5)]
        for seq, at_ms, is_unsure in ((255, 1_500, False), (0, 2_000, False), (255, 1_500, False), (3, 3_000, True)):
            heard = host.hear("spBv1.0/g/DDATA/n/d", payload(at_ms, data, seq=seq))
            assert (bool(heard.unsure), len(heard.told)) == (is_unsure, 1), seq
        assert host.hear("spBv1.0/g/DDATA/n/d", payload(4_000, [metric(None, 1, 5, alias=9)], seq=4)).unsure == {"g/n"}

    def test_a_dead_node_silences_its_devices_and_says_nothing_until_it_is_born_again(self) -> None:
        host = self.host()
        host.hear("spBv1.0/g/NBIRTH/n", payload(1, [metric("bdSeq", 8, 1)], seq=0))
        died = host.hear("spBv1.0/g/NDEATH/n", payload(2, [metric("bdSeq", 8, 1)]))
        assert died.told == [Silence("m1"), Silence("m2")]
        late = host.hear("spBv1.0/g/DDATA/n/d", payload(3, [metric("S", 1, 5)], seq=1))
        assert (late.told, late.unsure, host.unheard) == ([], {"g/n"}, {"g/n"})

    def test_commands_and_foreign_topics_are_not_data(self) -> None:
        host = self.host()
        for topic in ("spBv1.0/g/NCMD/n", "spBv1.0/STATE/host", "other/g/NDATA/n", "spBv1.0/g/NDATA/n/d"):
            assert host.hear(topic, b"\xff").told == []


class TestClaims:
    @pytest.mark.parametrize(
        ("current", "claim", "claimed", "written", "verdict"),
        [
            ("up", "down", None, None, Verdict.WRITTEN),
            ("down", "up", "down", "down", Verdict.WRITTEN),
            ("down", "up", "up", "up", Verdict.REPEATED),
            ("down", "up", None, None, Verdict.WITHHELD),
            ("maintenance", "down", "up", "up", Verdict.WITHHELD),
            ("maintenance", "up", "maintenance", "maintenance", Verdict.WRITTEN),
            ("down", "stale", "down", "down", Verdict.AGREED),
            ("up", "stale", "up", "up", Verdict.WRITTEN),
            ("stale", "up", "stale", "stale", Verdict.WRITTEN),
            ("up", "down", "up", "down", Verdict.WRITTEN),
        ],
    )
    def test_a_person_who_closed_a_work_center_is_not_overruled(
        self, current: str, claim: Any, claimed: str | None, written: str | None, verdict: Verdict
    ) -> None:
        known = None if claimed is None else {"claimed": claimed, "written": written}
        assert judge(current, claim, known) is verdict

    def test_words_and_numbers_are_translated(self) -> None:
        states: Any = {"RUN": "up", "3": "maintenance"}
        words = ("RUN", 3, Decimal("3.0"), True, "Down", 0)
        assert [state_of(w, states) for w in words] == ["up", "maintenance", "maintenance", "up", "down", "down"]
        with pytest.raises(Invalid, match="'grinding'"):
            state_of("grinding", states)

    @given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), min_size=1, max_size=30))
    def test_a_counter_heard_twice_or_late_counts_once(self, said: list[tuple[int, int]]) -> None:
        """Against a count over the values in the order of their times."""
        counter: Decimal | None = None
        counted_at: datetime | None = None
        total = expected = Decimal(0)
        newest: tuple[int, int] | None = None
        for value, second in said:
            step = counted(value, instant_of(second * 1000), counter, counted_at)
            total += step.made
            if counted_at is None or instant_of(second * 1000) > counted_at:
                counter, counted_at = step.value, instant_of(second * 1000)
            if newest is None:
                newest = (value, second)
            elif second > newest[1]:
                expected += value - newest[0] if value >= newest[0] else value
                newest = (value, second)
        assert total == expected
        with pytest.raises(Invalid):
            counted(1, None, None, None)
