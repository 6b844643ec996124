"""One function per figure: a safe table in, a matplotlib figure out."""
