"""The made-up forces shipped with the book."""
