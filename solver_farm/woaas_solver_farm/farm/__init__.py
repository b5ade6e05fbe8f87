"""The solver process: claims queued runs, has them solved on Ray, and keeps exactly one result of each."""
