"""Tables and sentences of the chapter on transmission, from what its models found."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from missing_lib.study import network_hawkes, outcomes, peer_cox, peers, placebos
from missing_lib.study.cohort import Cohort
from missing_lib.study.frame import Frame
from missing_lib.study.network_hawkes import Attribution, Check, HawkesFit, Power
from missing_lib.study.placebos import FutureTies, Harmless, Ratio
from missing_lib.study.predictors import compare, words
from missing_lib.study.regression import Fit

#: Event types that a table of other outcomes holds at most, those with most people first.
MOST_OUTCOMES = 6
#: The two terms of :data:`.peer_cox.WITH_EARLIER`.
_BESIDE_EARLIER = (peer_cox.WITH_EARLIER, "the earlier ones, each doubling")


def exposure(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Hazard ratios of peer exposure, one row per reading.

    Parameters
    ----------
    fits : mapping of str to Fit
        From :func:`.peer_cox.models`.

    Returns
    -------
    DataFrame
        As :func:`.predictors.compare`, without ``model``: ``term`` names the reading, and which
        exposure it is where a model has several.
    """
    terms = {term for group in peer_cox.readings(peer_cox.DAYS).values() for term in group}
    table = compare(fits, sorted(terms))
    several = table.groupby("model")["term"].transform("size") > 1
    short = table["term"].str.replace("incident of a connection ", "any, ", regex=False)
    short = short.where(~table["model"].eq(peer_cox.WITH_EARLIER), _BESIDE_EARLIER[0])
    short = short.where(table["term"] != words(peer_cox.BEFORE), _BESIDE_EARLIER[1])
    return table.assign(term=short.where(several, table["model"])).drop(columns="model")


def parts(model: HawkesFit) -> pd.DataFrame:
    """What an incident brings on of the same person and of connections.

    Returns
    -------
    DataFrame
        ``part``, ``effect`` (further incidents per incident), ``lower``, ``upper``, ``delay``
        (mean, days) and ``people`` on whom it rests.
    """
    rows = [
        ("the same person, after the return", model.own, model.own_delay, model.people),
        ("connections, from a day after the report", model.peer, model.peer_delay, model.exposed),
    ]
    return pd.DataFrame(
        [
            (name, effect.value, effect.lower, effect.upper, delay.value, people)
            for name, effect, delay, people in rows
        ],
        columns=["part", "effect", "lower", "upper", "delay", "people"],
    )


def shares(traced: Attribution, people: int) -> pd.DataFrame:
    """Where incidents come from, one row per way of counting.

    Parameters
    ----------
    traced : Attribution
    people : int
        On whom the shares rest.

    Returns
    -------
    DataFrame
        ``way``, ``from_background``, ``from_own``, ``from_peer``, ``peer_lower``,
        ``peer_upper``, ``people``.
    """
    wide = traced.shares.pivot(index="way", columns="source", values="share")
    bounds = traced.shares[traced.shares["source"] == "peer"].set_index("way")
    ways = list(dict.fromkeys(traced.shares["way"]))
    return (
        wide[["background", "own", "peer"]]
        .add_prefix("from_")
        .assign(peer_lower=bounds["lower"], peer_upper=bounds["upper"], people=people)
        .loc[ways]
        .rename_axis(columns=None)
        .reset_index()
    )


def power(seen: Power, people: int) -> pd.DataFrame:
    """How often each effect would have been found, without that of none.

    Parameters
    ----------
    seen : Power
    people : int
        On whom the network and the covariates of the worlds rest.

    Returns
    -------
    DataFrame
        ``effect`` (two significant digits), ``found``, ``lower``, ``upper`` (shares), ``people``.
    """
    some = seen.effects[seen.effects["effect"] > 0]
    rounded = [float(f"{effect:.2g}") for effect in some["effect"]]
    return some[["found", "lower", "upper"]].assign(effect=rounded, people=people)


def describe_timing(timing: peers.Timing, p: float | None = None) -> str:
    """The reading of a test of timing as a template with ``ratio``, ``p`` and ``smallest``.

    Parameters
    ----------
    timing, p
        As for :func:`.peers.reading`.
    """
    found = peers.reading(timing, p)
    if found == "in step":
        return (
            "Episodes come soon after those of connections more often than their own rhythms "
            "explain: {ratio} of the expected number, adjusted p {p}. That is timing in step; "
            "homophily and shared events explain it as well as influence."
        )
    if found == "no sign":
        return (
            "There is no evidence that an episode brings on episodes of connections: {ratio} of "
            "the expected number, adjusted p {p}. The smallest ratio that these data would "
            "probably have shown is about {smallest}."
        )
    return (
        "There is no evidence that an episode brings on episodes of connections ({ratio} of the "
        "expected number, adjusted p {p}), but the smallest ratio that these data would probably "
        "have shown is about {smallest}, so influence of a size that matters may be there."
    )


def describe_model(model: HawkesFit) -> str:
    """The model in one sentence with ``effect``, ``interval``, ``own``, ``own_interval``."""
    if model.problem:
        return f"The model is not fitted: {model.problem}."
    own = (
        "An incident is followed by {own} further ones of the same person (interval {own_interval})"
    )
    if model.peer_problem:
        return f"{own}. Nothing is said of connections: {model.peer_problem}."
    return f"{own}, and by {{effect}} among connections (interval {{interval}})."


def describe_check(found: Check) -> str:
    """Whether the model describes the times, as a template with ``p``."""
    if found.problem:
        return f"Whether the model fits could not be checked: {found.problem}."
    said = (
        "On the clock of the model's own expected number, incidents should come at an even rate; "
        "a test of that gives p {p}"
    )
    if found.p < peers.LEVEL:
        return f"{said}, so the model misses a part of when incidents come."
    return f"{said}, which speaks for no misfit; the model was fitted to the same times."


def future_table(found: FutureTies) -> pd.DataFrame:
    """Present and later connections beside each other, and the ratio of the two."""
    return _ratios(
        {
            "present connections": found.present,
            "people who became connections later": found.future,
            "present over later": found.apart,
        }
    )


def harmless_table(found: Mapping[str, Harmless]) -> pd.DataFrame:
    """Exposure to incidents of connections with other events as the outcome."""
    return _ratios({plain(name): one.harmless for name, one in found.items()})


def harmless(cohort: Cohort, pairs: pd.DataFrame, outcome: str) -> dict[str, Harmless]:
    """The same exposure with every other kind of event as the outcome.

    Parameters
    ----------
    cohort : Cohort
        Whose incidents are missing incidents.
    pairs : DataFrame
    outcome : str
        That of the chapter.

    Returns
    -------
    dict of str to Harmless
        By type of event; empty where the force dates no other.
    """
    studied = outcomes.cohort_of(cohort, outcome)
    others = {n: outcomes.cohort_of(cohort, n) for n in _largest(cohort) if n != outcome}
    return placebos.harmless(studied, others, pairs)


def by_outcome(
    cohort: Cohort,
    pairs: pd.DataFrame,
    frame: Frame,
    seed: int,
    known: Mapping[str, tuple[peers.Timing, HawkesFit]],
) -> pd.DataFrame:
    """The test of timing and the peer effect for every kind of event on file.

    Parameters
    ----------
    cohort : Cohort
        Whose incidents are missing incidents.
    pairs : DataFrame
    frame : Frame
    seed : int
    known : mapping of str to (Timing, HawkesFit)
        By outcome, what was computed before and need not be again.

    Returns
    -------
    DataFrame
        ``outcome``, ``ratio`` (soon after a connection's, of those expected), ``p`` (of the
        shifts), ``peer``, ``lower``, ``upper`` (further events per event), ``people`` (fewest
        on whom the two rest).
    """
    rows = []
    for name in (outcomes.MISSING, *_largest(cohort)):
        timing, model = known.get(name) or _asked(cohort, name, pairs, frame, seed)
        people, peer = min(len(timing.followed), model.exposed), model.peer
        rows.append(
            (plain(name), timing.ratio, timing.p, peer.value, peer.lower, peer.upper, people)
        )
    columns = ["outcome", "ratio", "p", "peer", "lower", "upper", "people"]
    return pd.DataFrame(rows, columns=columns)


def _asked(
    cohort: Cohort, outcome: str, pairs: pd.DataFrame, frame: Frame, seed: int
) -> tuple[peers.Timing, HawkesFit]:
    studied = outcomes.cohort_of(cohort, outcome)
    model = network_hawkes.fit(network_hawkes.prepare(studied, pairs, frame))
    return peers.peer_timing(studied, pairs, seed), model


def plain(outcome: str) -> str:
    """An outcome in plain words.

    Examples
    --------
    >>> plain("missing"), plain("violence_victim")
    ('reported missing', 'violence victim')
    """
    return "reported missing" if outcome == outcomes.MISSING else outcome.replace("_", " ")


def _largest(cohort: Cohort) -> list[str]:
    others = cohort.events[(cohort.events["event_type"] != outcomes.MISSING).fillna(False)]
    people = others.groupby("event_type", observed=True)["person_id"].nunique()
    return [str(name) for name in people.sort_values(ascending=False).index[:MOST_OUTCOMES]]


def _ratios(ratios: Mapping[str, Ratio]) -> pd.DataFrame:
    rows = [
        ("", name, one.estimate, one.lower, one.upper, one.people, one.people)
        for name, one in ratios.items()
    ]
    columns = ["model", "term", "estimate", "lower", "upper", "people", "events"]
    return pd.DataFrame(rows, columns=columns).drop(columns="model").replace([np.inf], np.nan)
