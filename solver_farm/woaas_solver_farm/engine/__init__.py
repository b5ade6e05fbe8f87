"""The pure engine: problem and limits in, checked plan out. The only package that knows ortools and numba."""
