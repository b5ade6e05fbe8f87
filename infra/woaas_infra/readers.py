"""Every reader of the log, in the order they are advanced."""

from woaas_core.events.readers import Reader

READERS: tuple[Reader, ...] = ()
