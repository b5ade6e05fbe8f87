"""Measurements of the request path; `make bench` prints figures beside floors taken in the same run."""
