"""The topic map of a connector: which topics it hears, and which of its tags a message speaks of. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from woaas_core.db.statements import Row
from woaas_core.ids import encode_id

SPARKPLUG = "spBv1.0"
Tag = Mapping[str, Any]


class TopicMap:
    """A connector's tags by where they are spoken of.

    On the platform's own broker every topic lies below the connector's own root, which in Sparkplug is the group.
    """

    def __init__(self, connector: Row) -> None:
        root = "" if connector["broker"] is not None else f"{encode_id('con', connector['id'])}/"
        self.is_sparkplug: bool = connector["sparkplug"]
        self._by_topic: defaultdict[str, list[Tag]] = defaultdict(list)
        for tag in connector["tags"]:
            self._by_topic[root + tag["topic"]].append(tag)

    @property
    def subscriptions(self) -> list[str]:
        """What to subscribe to: each topic by itself, so that a broker's own rights decide on each."""
        if not self.is_sparkplug:
            return sorted(self._by_topic)
        return sorted(
            f"{SPARKPLUG}/{group}/+/{node}{device}"
            for group, node in (name.split("/") for name in self.nodes)
            for device in ("", "/+")
        )

    @property
    def nodes(self) -> list[str]:
        """The Sparkplug nodes it hears, as ``group/node``."""
        return sorted({"/".join(topic.split("/")[:2]) for topic in self._by_topic}) if self.is_sparkplug else []

    def tags(self, topic: str) -> list[Tag]:
        """The tags of a topic; in Sparkplug of ``group/node`` or ``group/node/device``."""
        return self._by_topic.get(topic, [])

    def work_centers(self, topic: str, *, below: bool = False) -> list[str]:
        """The work centers that a Sparkplug node or device speaks for; ``below``: with all devices of the node."""
        found = dict(self._by_topic)
        return sorted(
            {
                tag["work_center"]
                for place, tags in found.items()
                if place == topic or (below and place.startswith(f"{topic}/"))
                for tag in tags
                if tag["work_center"] is not None
            }
        )
