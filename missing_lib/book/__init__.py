"""Run chapters, keep what the gate let through, build the editions."""
