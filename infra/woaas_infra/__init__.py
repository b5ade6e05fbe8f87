"""Processes and their wiring: the command line, migrations, embedded Postgres and the process supervisor."""
