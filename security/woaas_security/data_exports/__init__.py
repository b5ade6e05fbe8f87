"""Everything of a tenant in one file: asked for by an owner, written in the background, downloaded by an owner."""
