"""A force: its description, its extract, and the canonical tables made from it."""
