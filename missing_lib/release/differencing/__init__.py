"""What everything published gives away together, and how to mend it."""
