"""Every experiment of the book: those of the library, and the made-up forces run again."""

from __future__ import annotations

from missing_lib.book.made_forces import MADE_FORCES
from missing_lib.study.controls import experiments

#: By name, in the order of the book.
EXPERIMENTS = experiments.EXPERIMENTS | {one.name: one for one in MADE_FORCES}
