"""One task and its contenders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from peers import Task


@dataclass(frozen=True)
class R:
    """A task in R: what is prepared without being timed, and the work (see ``peers.in_r``)."""

    work: str
    prepare: str = ""
    packages: tuple[str, ...] = ("stats",)


@dataclass(frozen=True)
class Contest:
    """A task, what it is done on, and by whom.

    Attributes
    ----------
    name : str
    columns : callable
        Makes the columns from a number of persons and a random generator.
    ours : Task
    python : mapping of str to Task
        Peers, by the name that is printed.
    r : R, optional
    tolerance : float
        Largest relative difference between the answers.
    smaller : int
        Peers do this part of the work, and their time is multiplied by it.
    """

    name: str
    columns: Callable[[int, np.random.Generator], pd.DataFrame]
    ours: Task
    python: Mapping[str, Task] = field(default_factory=dict)
    r: R | None = None
    tolerance: float = 1e-8
    smaller: int = 1
