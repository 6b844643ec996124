"""What all that was tried says about transmission: evidence for it, against it, or neither.

Evidence for transmission is asked for more than one model's small p value. Likeness of those
who are tied, shared homes and shared attention give the same pattern, so every control that can
be asked has to go the way in which transmission, and not they, would make it go. Even then some
causes remain that no record shows (Shalizi and Thomas 2011, doi 10.1177/0049124111404820).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from missing_lib.study.network_hawkes import SMALLEST, HawkesFit, Power
from missing_lib.study.peers import LEVEL, Timing
from missing_lib.study.placebos import FutureTies, RewiredTies

#: Simulated worlds of each effect, behind p and power.
WORLDS = 39

TRANSMISSION = "evidence of transmission"
ASSOCIATION = "a pattern that other causes explain as well"
ABSENCE = "evidence of its absence"
UNDECIDED = "an interval and a test that disagree"
NOT_ENOUGH = "not enough data"
NOT_AVAILABLE = "not available"


#: Controls that there are.
CONTROLS = ("shifted histories", "later connections", "rewired ties")


@dataclass(frozen=True)
class Evidence:
    """What is known of transmission in one edition.

    Attributes
    ----------
    value, lower, upper : float
        Further incidents per incident of peers, with its 95 % interval; NaN if not estimated.
    p : float
        Of no peer effect, from simulated worlds.
    smallest : float
        From so many further incidents per incident on it would matter; stated beforehand.
    controls : mapping of str to bool
        What else was asked, by name: True where the answer is the one that transmission would
        give and the rival cause would not. Without those that could not be asked.
    detectable : float
        The smallest effect that would probably have been seen; inf where not even the largest
        that was tried would have been.
    """

    value: float
    lower: float
    upper: float
    p: float
    smallest: float
    controls: Mapping[str, bool]
    detectable: float = np.nan

    @property
    def passed(self) -> list[str]:
        """Names of the controls that went the way of transmission."""
        return [name for name, passed in self.controls.items() if passed]

    @property
    def failed(self) -> list[str]:
        """Names of the controls that did not go the way of transmission."""
        return [name for name, passed in self.controls.items() if not passed]


def reading(found: Evidence) -> str:
    """What the evidence says.

    Returns
    -------
    str
        :data:`ABSENCE` where the whole interval is below what would matter, whatever p;
        :data:`TRANSMISSION` where p is below 0.05, the interval excludes none, and every
        control could be asked and passed; :data:`ASSOCIATION` where only the former holds;
        :data:`UNDECIDED` where the interval excludes none and p does not;
        :data:`NOT_ENOUGH` where the interval reaches from none to what would matter;
        :data:`NOT_AVAILABLE` without an estimate.

    Examples
    --------
    >>> reading(Evidence(0.01, 0.0, 0.04, 0.6, 0.1, {}))
    'evidence of its absence'
    >>> reading(Evidence(0.2, 0.1, 0.3, 0.01, 0.1, dict.fromkeys(CONTROLS, True)))
    'evidence of transmission'
    >>> reading(Evidence(0.2, 0.1, 0.3, 0.01, 0.1, {"rewired ties": True}))
    'a pattern that other causes explain as well'
    >>> reading(Evidence(0.1, 0.0, 0.3, 0.2, 0.1, {}))
    'not enough data'
    """
    if not np.isfinite([found.value, found.upper]).all():
        return NOT_AVAILABLE
    if found.upper < found.smallest:
        return ABSENCE
    if found.p < LEVEL and found.lower > 0:
        whole = len(found.controls) == len(CONTROLS) and not found.failed
        return TRANSMISSION if whole else ASSOCIATION
    return UNDECIDED if found.lower > 0 else NOT_ENOUGH


def describe(found: Evidence) -> str:
    """The conclusion as a template with ``value``, ``interval``, ``p``, ``smallest``.

    ``value`` and ``interval`` are further incidents per incident, ``smallest`` what would
    matter; also ``detectable``, the smallest effect that would probably have been seen, and
    ``failed`` and ``passed``, the controls that went another way, or that of transmission.
    """
    said = reading(found)
    limit = (
        "Not even the largest effect that was tried would probably have been seen"
        if np.isinf(found.detectable)
        else "The smallest effect that these data would probably have shown is {detectable}"
    )
    numbers = (
        "{value} further incidents among connections for each incident (interval {interval}; p {p})"
    )
    if said == NOT_AVAILABLE:
        return "How many further incidents an incident brings on among connections is not known."
    if said == ABSENCE:
        return (
            f"There is evidence that episodes bring on no, or hardly any, episodes of connections: "
            f"{numbers}, all of it below the {{smallest}} from which on it would matter. {limit}."
            + (" What points the other way: {passed}." if found.passed else "")
        )
    if said == NOT_ENOUGH:
        return (
            f"There is no evidence that episodes bring on episodes of connections, and none that "
            f"they do not: {numbers}. {limit}; from {{smallest}} on it would matter."
        )
    if said == UNDECIDED:
        return (
            f"The interval excludes that episodes bring on no episodes of connections, the test "
            f"does not: {numbers}. That decides nothing. {limit}."
        )
    if said == TRANSMISSION:
        return (
            f"Episodes are followed by episodes of connections as transmission would have it: "
            f"{numbers}, and every control agrees. Causes that tied people share in the same "
            "days and that no record shows can still look like this."
        )
    if found.failed:
        return (
            f"Episodes are followed by episodes of connections: {numbers}. But this is no "
            "evidence of transmission, because not every control shows it: {failed}."
        )
    return (
        f"Episodes are followed by episodes of connections: {numbers}. But not every control "
        "could be asked, so likeness, shared homes or shared attention may be the whole of it."
    )


def gather(
    model: HawkesFit,
    seen: Power,
    timing: Timing,
    future: FutureTies,
    rewired: RewiredTies,
    timing_p: float | None = None,
) -> Evidence:
    """Put together what was found.

    A control passes where it goes the way of transmission: histories are in step beyond their
    shifts; present connections do something, and more than later ones; and who is tied to whom
    matters beyond what a rewired network has. One that does not pass may only see too little,
    so that it is no evidence against. Other events are no control here, because which of them
    influence could not bring on is for the reader to judge.

    Parameters
    ----------
    model : HawkesFit
    seen : Power
    timing : Timing
    future : FutureTies
    rewired : RewiredTies
    timing_p : float, optional
        p of the shifted histories where it is adjusted for other questions.
    """
    controls = {}
    shifted = timing.p if timing_p is None else timing_p
    if np.isfinite(shifted):
        controls["shifted histories"] = shifted < LEVEL
    if not future.problem and np.isfinite(future.apart.p):
        more = future.apart.p < LEVEL and future.apart.estimate > 1
        controls["later connections"] = more and future.present.lower > 1
    if not rewired.problem and np.isfinite(rewired.p):
        controls["rewired ties"] = rewired.p < LEVEL
    peer = model.peer
    return Evidence(peer.value, peer.lower, peer.upper, seen.p, SMALLEST, controls, seen.detectable)
