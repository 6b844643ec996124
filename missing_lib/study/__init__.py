"""One module per chapter: pure functions on the canonical tables."""
