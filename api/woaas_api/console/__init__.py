"""The web console: server-rendered pages that see exactly what ``/v1`` would show their reader."""
