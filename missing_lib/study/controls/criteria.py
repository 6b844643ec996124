"""What is asked of a method in a world whose truth is known, and whether it does it.

What is asked of a method is written down here before anything is simulated. A method whose
assumptions do not hold in a world is asked for nothing; its failure is the finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from missing_lib.study.controls.summary import Estimate, Summary

#: Data sets simulated for each experiment, and from which on a criterion is applied.
REPLICATES = 400
#: Between these the coverage of a 95 % interval must lie.
COVERED = (0.925, 0.975)
#: Between these the rejection rate of a test at 5 % must lie where nothing is to be found.
SIZE = (0.025, 0.075)
#: From this on a test finds what is there often enough.
POWER = 0.8
#: Part of the data sets for which there must be an answer.
ANSWERED = 0.95

#: What is asked of a quantity: nothing, or one of the five.
NOTHING = "nothing"
COVERS = "coverage"
COVERS_AT_LEAST = "coverage or more"
KEEPS_SIZE = "size"
KEEPS_SIZE_AT_MOST = "size or less"
FINDS = "power"

MET, NOT_MET, NOT_REQUIRED = "met", "not met", "not required"
TOO_FEW = "too few data sets"

Replicate = Callable[..., Mapping[str, Estimate]]


@dataclass(frozen=True)
class Quantity:
    """One quantity that an experiment looks at.

    Attributes
    ----------
    name : str
        As the replicate function names it.
    words : str
    wants : str
        What is asked of it: one of the six above.
    """

    name: str
    words: str
    wants: str


@dataclass(frozen=True)
class Experiment:
    """A model of the book in one world.

    Attributes
    ----------
    name : str
        As typed on the command line.
    model, world : str
        Plain words.
    replicate : callable
        Takes a seed and the settings; simulates one data set, calls the estimator of the book
        and returns an :class:`.summary.Estimate` for each quantity.
    quantities : tuple of Quantity
    settings : mapping
        Keywords of ``replicate``.
    finding : str
        Where a method fails in this world: why, and what follows.
    """

    name: str
    model: str
    world: str
    replicate: Replicate
    quantities: tuple[Quantity, ...]
    settings: Mapping[str, float | str] = field(default_factory=dict)
    finding: str = ""

    def run(self, seed: int) -> Mapping[str, Estimate]:
        """Simulate and estimate once."""
        return self.replicate(seed, **self.settings)


def verdict(quantity: Quantity, found: Summary) -> str:
    """Whether a quantity meets what is asked of it.

    Returns
    -------
    {"met", "not met", "not required", "too few data sets"}
    """
    if quantity.wants == NOTHING:
        return NOT_REQUIRED
    if found.replicates < REPLICATES:
        return TOO_FEW
    if found.replicates - found.failures < ANSWERED * found.replicates:
        return NOT_MET
    is_test = quantity.wants in (KEEPS_SIZE, KEEPS_SIZE_AT_MOST, FINDS)
    share = found.rejection if is_test else found.coverage
    low, high = {
        COVERS: COVERED,
        COVERS_AT_LEAST: (COVERED[0], 1.0),
        KEEPS_SIZE: SIZE,
        KEEPS_SIZE_AT_MOST: (0.0, SIZE[1]),
        FINDS: (POWER, 1.0),
    }[quantity.wants]
    return MET if low <= share <= high else NOT_MET
