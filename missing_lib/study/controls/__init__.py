"""Does the method work? Experiments on simulated worlds whose truth is known."""
