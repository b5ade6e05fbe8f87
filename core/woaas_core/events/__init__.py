"""The one log: events recorded with their change, ordered by the sequencer, followed by readers."""
