"""Sparkplug B as the host application hears it: births, deaths, data, and gaps in their sequence. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from woaas_api.ingest.json_messages import message_ref
from woaas_api.ingest.sparkplug_payload import Metric, Payload, decode, typed
from woaas_api.ingest.topic_map import SPARKPLUG, TopicMap
from woaas_core.errors import Invalid
from woaas_work_orders.connectors.readings import Reading, Silence

_SEQUENCES = 256
_BIRTHS, _DATA, _DEATHS = ("NBIRTH", "DBIRTH"), ("NDATA", "DDATA"), ("NDEATH", "DDEATH")


@dataclass
class Node:
    """What an edge node has said of itself: its metrics by device ("" is the node), each ``[name, datatype]`` by alias
    and by name.
    """

    is_online: bool = False
    bd_seq: int | None = None
    seq: int | None = None
    sent_at: datetime | None = None
    metrics: dict[str, dict[str, list[Any]]] = field(default_factory=dict)


@dataclass
class Heard:
    """What one message came to; ``born`` and ``moved`` are nodes to keep, ``unsure`` those to ask for a rebirth."""

    told: list[Reading | Silence] = field(default_factory=list)
    born: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)

    def join(self, later: "Heard") -> None:
        """Add what a later message came to."""
        self.told += later.told
        self.born |= later.born
        self.moved |= later.moved
        self.unsure |= later.unsure


class SparkplugHost:
    """Follows the nodes of one connector; ``nodes`` is changed in place."""

    def __init__(self, topics: TopicMap, nodes: dict[str, Node]) -> None:
        self._topics = topics
        self.nodes = nodes

    @property
    def unheard(self) -> set[str]:
        """Nodes of the map that have not said what they have."""
        return {name for name in self._topics.nodes if name not in self.nodes or not self.nodes[name].is_online}

    def hear(self, topic: str, data: bytes) -> Heard:
        """Take a message in.

        Raises:
            Invalid: it is no Sparkplug B message.
        """
        match topic.split("/"):
            case [namespace, group, kind, node] if namespace == SPARKPLUG and kind.startswith("N"):
                device = ""
            case [namespace, group, kind, node, device] if namespace == SPARKPLUG and kind.startswith("D"):
                pass
            case _:
                return Heard()
        if kind not in (*_BIRTHS, *_DATA, *_DEATHS):
            return Heard()
        message = _Message(f"{group}/{node}", device, kind, decode(data), message_ref(topic, data))
        if kind == "NDEATH":
            return self._node_dies(message)
        if kind == "NBIRTH":
            return self._node_is_born(message)
        return self._continue(message)

    def _node_dies(self, message: "_Message") -> Heard:
        node = self.nodes.setdefault(message.node, Node())
        death = _bd_seq(message.payload)
        if node.bd_seq is not None and death is not None and death != node.bd_seq:
            # The broker's last will of a session that a newer birth has replaced.
            return Heard()
        node.is_online = False
        silent = self._topics.work_centers(message.node, below=True)
        return Heard([Silence(center) for center in silent], moved={message.node}, born={message.node})

    def _node_is_born(self, message: "_Message") -> Heard:
        payload = message.payload
        self.nodes[message.node] = Node(
            is_online=True,
            bd_seq=_bd_seq(payload),
            seq=payload.seq,
            sent_at=payload.at,
            metrics={"": _metrics(payload.metrics)},
        )
        return Heard([*self._readings(message)], born={message.node})

    def _continue(self, message: "_Message") -> Heard:
        node = self.nodes.get(message.node)
        if node is None or not node.is_online:
            told = self._readings(message) if node is None else ()
            return Heard([*told], unsure={message.node})
        heard = Heard(moved={message.node})
        if not _follows(node, message.payload):
            heard.unsure.add(message.node)
        if message.kind == "DBIRTH":
            node.metrics[message.device] = _metrics(message.payload.metrics)
            heard.born.add(message.node)
        if message.kind == "DDEATH":
            heard.told += [Silence(center) for center in self._topics.work_centers(message.place)]
        else:
            heard.told += self._readings(message)
            known = node.metrics.get(message.device, {})
            if any(m.name is None and str(m.alias) not in known for m in message.payload.metrics):
                heard.unsure.add(message.node)
        return heard

    def _readings(self, message: "_Message") -> Iterable[Reading]:
        tags = self._topics.tags(message.place)
        node = self.nodes.get(message.node)
        known = node.metrics.get(message.device, {}) if node is not None else {}
        for i, metric in enumerate(message.payload.metrics):
            name, datatype = metric.name, metric.datatype
            if name is None:
                name = known.get(str(metric.alias), [None])[0]
            if datatype is None:
                datatype = known.get(f"={name}", [None, None])[1]
            for tag in tags:
                if tag["metric"] == name and metric.value is not None:
                    at = metric.at or message.payload.at
                    value = typed(metric.value, datatype)
                    yield Reading(tag, value, f"{message.ref}:{i}", at, is_historical=metric.is_historical)


@dataclass(frozen=True)
class _Message:
    node: str
    device: str
    kind: str
    payload: Payload
    ref: str

    @property
    def place(self) -> str:
        return f"{self.node}/{self.device}" if self.device else self.node


def _follows(node: Node, payload: Payload) -> bool:
    """Whether a message is the next one of its node, and not one after a gap; what comes again is no gap."""
    if payload.seq is None or node.seq is None:
        return payload.seq is None
    if payload.seq == (node.seq + 1) % _SEQUENCES:
        node.seq, node.sent_at = payload.seq, payload.at or node.sent_at
        return True
    if payload.at is not None and node.sent_at is not None and payload.at <= node.sent_at:
        return True
    node.seq, node.sent_at = payload.seq, payload.at or node.sent_at
    return False


def _metrics(metrics: Iterable[Metric]) -> dict[str, list[Any]]:
    """By alias and, since data may leave the type out, by ``=name``."""
    found: dict[str, list[Any]] = {}
    for metric in metrics:
        if metric.name is not None:
            found[f"={metric.name}"] = [metric.name, metric.datatype]
            if metric.alias is not None:
                found[str(metric.alias)] = [metric.name, metric.datatype]
    return found


def _bd_seq(payload: Payload) -> int | None:
    found = next((m.value for m in payload.metrics if m.name == "bdSeq"), None)
    if found is not None and not (isinstance(found, int) and found < 1 << 63):
        msg = "bdSeq is no number."
        raise Invalid(msg)
    return found


def stored(name: str, node: Node) -> Mapping[str, Any]:
    """A node as it is kept."""
    return {
        "node": name,
        "is_online": node.is_online,
        "bd_seq": node.bd_seq,
        "seq": node.seq,
        "aliases": node.metrics,
        "sent_at": node.sent_at,
    }


def restored(rows: Iterable[Any]) -> dict[str, Node]:
    """Nodes as they were kept."""
    return {r["node"]: Node(r["is_online"], r["bd_seq"], r["seq"], r["sent_at"], r["aliases"]) for r in rows}
