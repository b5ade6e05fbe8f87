"""The embedded Postgres: one private server per home, from binaries found on this machine."""
