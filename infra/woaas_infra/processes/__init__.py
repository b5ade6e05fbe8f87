"""The loops of the long-running processes; each ends when its stop event is set and loses nothing when killed."""
