"""The documented shapes of answers. Every member may be missing: the mask of the caller decides."""
