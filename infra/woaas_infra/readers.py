"""Every reader of the log, in the order they are advanced."""

from woaas_capacity_market import handlers as capacity_market
from woaas_core.events.readers import Reader

READERS: tuple[Reader, ...] = (*capacity_market.READERS,)
