"""The disclosure gate: what may leave a machine, and in what form."""
