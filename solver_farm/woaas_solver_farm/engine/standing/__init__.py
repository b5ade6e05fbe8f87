"""A finished plan in memory that answers questions in milliseconds: plain Python, so that asking loads no kernels."""
