"""A Hawkes process on a network: own and peers' reports that bring further ones.

``prepare`` makes a cohort and its ties into a :class:`Timeline`, ``fit`` fits it by maximum
likelihood; ``attribute``, ``check``, ``power`` and ``bootstrap`` say what the fit means and how
far it can be trusted, ``simulate`` runs worlds of the same people.

Person effects are a gamma factor of each person's background, integrated out exactly; they are
taken to be independent of each other. A trait that tied people share and no record holds, or a
shock that reaches them together, can therefore still pass for peers: with traits that are the same
for whole groups of ten the interval of c left out the true 0 in two of three simulated worlds,
though by little. Without person effects, differences between people pass for own history.
"""

from missing_lib.study.network_hawkes.attribution import Attribution, attribute
from missing_lib.study.network_hawkes.bootstrap import Bootstrap, bootstrap
from missing_lib.study.network_hawkes.checks import Check, check
from missing_lib.study.network_hawkes.climb import Parameters, climb, log_likelihood
from missing_lib.study.network_hawkes.fit import fit
from missing_lib.study.network_hawkes.power import SMALLEST, WANTED, Power, power
from missing_lib.study.network_hawkes.prepare import prepare
from missing_lib.study.network_hawkes.result import Bounded, HawkesFit
from missing_lib.study.network_hawkes.simulate import RunawayWorld, simulate
from missing_lib.study.network_hawkes.timeline import (
    Background,
    Setting,
    Timeline,
    constant_background,
    ties_of,
    timeline,
    without_person_effects,
)

__all__ = [
    "SMALLEST",
    "WANTED",
    "Attribution",
    "Background",
    "Bootstrap",
    "Bounded",
    "Check",
    "HawkesFit",
    "Parameters",
    "Power",
    "RunawayWorld",
    "Setting",
    "Timeline",
    "attribute",
    "bootstrap",
    "check",
    "climb",
    "constant_background",
    "fit",
    "log_likelihood",
    "power",
    "prepare",
    "simulate",
    "ties_of",
    "timeline",
    "without_person_effects",
]
