"""Experiments on transmission: every method in the same worlds, with and without influence."""

from __future__ import annotations

from dataclasses import dataclass, field

from missing_lib.study.controls import networks, transmission
from missing_lib.study.controls.criteria import (
    COVERS,
    FINDS,
    KEEPS_SIZE,
    KEEPS_SIZE_AT_MOST,
    NOTHING,
    Experiment,
    Quantity,
    Replicate,
)

PEOPLE = 400
_HAWKES = "Hawkes model of incidents and peers"
_COX = "Recurrent Cox regression on peer exposure"


@dataclass(frozen=True)
class _World:
    """A world of :func:`.worlds_network.histories_with_ties`.

    Attributes
    ----------
    words : str
    wants : str
        What is asked of a method in it; its size where that is not stated.
    settings : dict
    finding : str
        Why a method fails in it, and what follows.
    """

    words: str
    wants: str = ""
    settings: dict[str, float] = field(default_factory=dict)
    finding: str = ""


#: By the ending of an experiment's name.
_WORLDS = {
    "": _World("incidents in bursts, more at some ages and seasons; nobody influences anybody"),
    "_together": _World(
        "the same, but three bursts in ten begin together with that of a connection, and go on "
        "apart",
        settings={"together": 0.3},
    ),
    "_alike": _World(
        "the same, but people in one group share a lasting trait that no record holds",
        NOTHING,
        {"alike": 0.8},
        "Connections are alike in how often they go missing, and nobody influences anybody. What "
        "lasts can be told from what follows only as far as the method lets people differ.",
    ),
    "_watched": _World(
        "the same, but in quarters in which nobody watches a group, half of its incidents go "
        "unreported",
        NOTHING,
        {"watched": 0.5},
        "Attention that comes and goes puts the reports of a group in step. Nothing in the data "
        "tells it from influence.",
    ),
    "_shocks": _World(
        "the same, but groups have bad weeks in common; nobody influences anybody",
        NOTHING,
        {"shocks": 1.5},
        "A bad week in a home or school puts its members in step. The method finds it, and "
        "nothing in the data tells it from influence.",
    ),
    "_influence": _World(
        "each incident brings on one of each connection within four weeks, with a chance of one in "
        "seven",
        FINDS,
        {"influence": 1 / 7},
    ),
}


def _in_every_world(
    name: str, model: str, replicate: Replicate, test: tuple[str, str], size: str = KEEPS_SIZE
) -> tuple[Experiment, ...]:
    return tuple(
        Experiment(
            name + ending,
            model,
            world.words,
            replicate,
            (Quantity(*test, world.wants or size),),
            {"people": PEOPLE, **world.settings},
            world.finding,
        )
        for ending, world in _WORLDS.items()
    )


TRANSMISSION: tuple[Experiment, ...] = (
    *_in_every_world(
        "timing", "Shifting whole histories", networks.timing, ("shift", "test of timing")
    ),
    *_in_every_world("exposure", _COX, transmission.exposure, ("cox", "test of peer exposure")),
    Experiment(
        "exposure_own_rate",
        f"{_COX}, a rate of one's own",
        _WORLDS[""].words,
        transmission.own_rate,
        (Quantity("own_rate", "test of peer exposure", NOTHING),),
        {"people": PEOPLE},
        "Bursts are not the Gamma law of lasting rates that this model supposes, and its errors "
        "are its own; it stands beside the other as an exploration.",
    ),
    *_in_every_world(
        "rewired",
        "Rewiring ties among people alike",
        transmission.rewired,
        ("rewired", "test of rewired ties"),
        KEEPS_SIZE_AT_MOST,
    ),
    # Its p value comes from few worlds, and is cautious for that.
    *_in_every_world(
        "hawkes", _HAWKES, transmission.model, ("hawkes", "test of peers"), KEEPS_SIZE_AT_MOST
    ),
)

_OWN = Quantity("own", "further incidents of the same person", COVERS)
_VARIANCE = Quantity("variance", "variance of people's factors", COVERS)

#: The model in worlds that it made itself.
HAWKES: tuple[Experiment, ...] = (
    Experiment(
        "hawkes_recovery",
        _HAWKES,
        "made by the model: own incidents and those of connections bring on further ones, and "
        "people differ",
        transmission.recovery,
        (_OWN, Quantity("peer", "further incidents among connections", COVERS), _VARIANCE),
        {"people": PEOPLE},
    ),
    Experiment(
        "hawkes_nothing",
        _HAWKES,
        "made by the model, without influence",
        transmission.recovery,
        (_OWN, _VARIANCE, Quantity("hawkes", "test of peers", KEEPS_SIZE_AT_MOST)),
        {"people": PEOPLE, "peer": 0.0},
    ),
)
