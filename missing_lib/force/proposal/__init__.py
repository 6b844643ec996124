"""A force file proposed from the names and shapes of an extract's columns."""
