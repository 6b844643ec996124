"""What the evidence on transmission comes to, and the tables that lead there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from missing_lib.book import methods
from missing_lib.book.controls import NOT_RUN, Trials, Tried
from missing_lib.book.experiments import EXPERIMENTS
from missing_lib.study import contagion, contagion_tables, counting, exposure, network, peers
from missing_lib.study.contagion import (
    ABSENCE,
    ASSOCIATION,
    CONTROLS,
    NOT_ENOUGH,
    TRANSMISSION,
    UNDECIDED,
)
from missing_lib.study.controls.summary import Estimate, summarise
from missing_lib.study.network_hawkes import Attribution, Bounded, HawkesFit, Power
from missing_lib.study.placebos import FutureTies, Harmless, Ratio, RewiredTies
from missing_lib.study.worlds_network import histories_with_ties
from tests.made_cohorts import make_cohort

NAN = float("nan")
ALL = dict.fromkeys(CONTROLS, True)


def evidence(**changes: object) -> contagion.Evidence:
    return replace(contagion.Evidence(0.3, 0.2, 0.4, 0.02, 0.1, ALL), **changes)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (evidence(), TRANSMISSION),
        (evidence(controls=ALL | {"rewired ties": False}), ASSOCIATION),
        (evidence(controls={"rewired ties": True}), ASSOCIATION),  # the others were not asked
        (evidence(p=0.05), UNDECIDED),
        (evidence(lower=0.0), NOT_ENOUGH),
        (evidence(value=0.01, lower=0.0, upper=0.0999, p=0.4), ABSENCE),
        # Sure to be there, and too small to matter: that is what it says.
        (evidence(value=0.05, lower=0.02, upper=0.08, p=0.001), ABSENCE),
        (evidence(value=0.01, lower=0.0, upper=0.1, p=0.4), NOT_ENOUGH),
        (evidence(value=NAN, lower=NAN, upper=NAN), contagion.NOT_AVAILABLE),
    ],
)
def test_absence_of_evidence_is_no_evidence_of_absence(found, says: str) -> None:
    assert contagion.reading(found) == says


def test_every_reading_has_its_own_sentence_and_none_claims_a_cause() -> None:
    cases = [
        evidence(), evidence(controls=ALL | {"rewired ties": False}), evidence(controls={}),
        evidence(p=0.5, lower=0.0), evidence(p=0.5), evidence(value=0.0, lower=0.0, upper=0.01),
        evidence(value=NAN),
    ]  # fmt: skip
    said = [contagion.describe(one) for one in cases]
    assert len(set(said)) == len(cases)
    assert "{detectable}" in contagion.describe(evidence(p=0.5))
    unseen = contagion.describe(evidence(p=0.5, lower=0.0, detectable=float("inf")))
    assert "{detectable}" not in unseen
    assert "Not even the largest effect" in unseen
    small = {"value": 0.05, "lower": 0.02, "upper": 0.08}
    assert "{passed}" in contagion.describe(evidence(**small))
    assert "{passed}" not in contagion.describe(evidence(**small, controls={"x": False}))
    assert "{failed}" in said[1]
    claims = ("because of", "leads to", "brought on by")
    assert not any(claim in text for text in said for claim in claims)


def timing(p: float) -> peers.Timing:
    nobody = np.zeros(0, object)
    return peers.Timing(1, 1, 1, 1, 1, p, 1, nobody, nobody, np.zeros(0))


def hawkes(peer: Bounded, **more: object) -> HawkesFit:
    return HawkesFit(
        None, pd.DataFrame(), Bounded(0.5, 0.4, 0.6), Bounded(9.0), peer, Bounded(), Bounded(),
        0.0, 0.0, 0.0, pd.DataFrame(), None, None, np.zeros((0, 0)), 100, 50, 20, **more,
    )  # fmt: skip


POWER = Power(pd.DataFrame(), 1.0, 0.02, 0.01, np.zeros(0), 7.0)


@pytest.mark.parametrize(
    ("shift", "present", "apart", "rewired", "controls"),
    [
        (0.01, 1.2, Ratio(2.0, 1.5, 2.7, 0.001, 20), 0.005, [True, True, True]),
        (0.05, 1.2, Ratio(2.0, 0.9, 4.0, 0.09, 20), 0.05, [False, False, False]),
        (0.01, 1.2, Ratio(0.5, 0.3, 0.8, 0.001, 20), 0.005, [True, False, True]),  # the wrong way
        # more than later connections, because those do less than nothing
        (0.01, 0.9, Ratio(2.0, 1.5, 2.7, 0.001, 20), 0.005, [True, False, True]),
    ],
)
def test_a_control_passes_only_on_the_side_of_transmission(
    shift: float, present: float, apart: Ratio, rewired: float, controls: list[bool]
) -> None:
    found = contagion.gather(
        hawkes(Bounded(0.3, 0.2, 0.4)), POWER, timing(shift),
        FutureTies(Ratio(1.5, present, 3.0, 0.1, 20), Ratio(), apart, 5), RewiredTies(p=rewired),
    )  # fmt: skip
    assert list(found.controls.values()) == controls
    assert (found.p, found.lower, found.detectable) == (0.02, 0.2, 0.01)


def test_shifted_histories_pass_by_the_adjusted_p() -> None:
    ratio = Ratio(2.0, 1.5, 2.7, 0.001, 20)
    found = contagion.gather(
        hawkes(Bounded(0.3, 0.2, 0.4)), POWER, timing(0.02),
        FutureTies(ratio, Ratio(), ratio, 5), RewiredTies(p=0.005), 0.08,
    )  # fmt: skip
    assert found.failed == ["shifted histories"]


def test_controls_that_cannot_be_asked_are_not_counted() -> None:
    found = contagion.gather(
        hawkes(Bounded(0.3, 0.2, 0.4)), POWER, timing(NAN),
        FutureTies(Ratio(), Ratio(), Ratio(), 0, "no later ties"), RewiredTies(problem="none"),
    )  # fmt: skip
    assert found.controls == {}
    assert contagion.reading(found) == ASSOCIATION


# --- joining ------------------------------------------------------------------------------------


def joined_at(rows: list[tuple[str, float]], ego: str, at: float) -> float:
    """Value of the quantity for a person just before a day of the study."""
    start = pd.Timestamp("2015-01-01", tz="UTC")
    cohort = make_cohort([(who, start + pd.Timedelta(days=day)) for who, day in rows], others=1)
    followed = counting.follow(cohort)
    pairs = pd.DataFrame({"person_a": ["a", "b", "a"], "person_b": ["b", "c", "a"]})
    found = exposure.joining(cohort, followed, pairs)
    when, who = counting.DAY * at, followed.people.get_loc(ego)
    mine = (found.person == who) & (found.at < when)
    return float(found.base[who] + found.by[mine].sum())


@pytest.mark.parametrize(
    ("ego", "at", "joins"),
    [
        ("b", 9.999, 0.0),
        ("b", 10.0, 1.0),  # at the very moment at which a is, who stands first
        ("b", 10.001, 1.0),
        ("b", 11.0, 1.0),
        ("b", 11.001, 0.0),
        ("c", 10.5, 0.0),  # not tied to a
        ("a", 10.5, 0.0),  # one's own report is nothing to join
    ],
)
def test_the_day_after_a_report_of_somebody_tied(ego: str, at: float, joins: float) -> None:
    assert joined_at([("a", 10.0), ("b", 900.0), ("c", 500.0)], ego, at) == joins


def test_of_two_at_one_moment_the_first_of_those_followed_stands_for_the_event() -> None:
    rows = [("a", 10.0), ("b", 10.0)]
    assert joined_at(rows, "a", 10.0) == 0
    assert joined_at(rows, "b", 10.0) == 1


def test_who_joins_ends_no_row_and_nothing_else_is_lost() -> None:
    from missing_lib.study import peer_cox

    cohort, _ = histories_with_ties(300, np.random.default_rng(5), together=0.5)
    pairs = network.ties_before(cohort)
    whole = counting.follow(cohort)
    rows = peer_cox.peer_rows(cohort, pairs, whole.people, days=[14]).rows
    tied = pd.concat(
        [pairs, pairs.rename(columns={"person_a": "person_b", "person_b": "person_a"})]
    )
    when = cohort.incidents.assign(at=whole.clock.elapsed(cohort.incidents["reported_at"]))
    both = when.merge(tied, left_on="person_id", right_on="person_a")
    both = both.merge(when, left_on="person_b", right_on="person_id", suffixes=("", "_other"))
    gap = both["at"] - both["at_other"]
    first = (gap > 0) & (gap <= counting.DAY)
    joined = set(both.loc[first, "incident_id"])
    known = when["at"] >= 14 * counting.DAY
    assert len(joined) > 50
    assert rows.event.sum() == int((known & ~when["incident_id"].isin(joined)).sum())


# --- tables -------------------------------------------------------------------------------------


def test_shares_stand_one_way_a_line() -> None:
    table = pd.DataFrame(
        [
            (way, source, share, share - 0.05, share + 0.05)
            for way, shares in (
                ("soft", (0.5, 0.3, 0.2)),
                ("most probable parent", (0.6, 0.3, 0.1)),
            )
            for source, share in zip(("background", "own", "peer"), shares, strict=True)
        ],
        columns=["way", "source", "share", "lower", "upper"],
    )
    empty = np.zeros(0, np.int64)
    traced = Attribution(table, np.zeros((0, 3)), empty, empty, 0, empty, empty)
    found = contagion_tables.shares(traced, 30)
    assert found["way"].tolist() == ["soft", "most probable parent"]
    assert found.loc[1, ["from_background", "from_own", "from_peer"]].tolist() == [0.6, 0.3, 0.1]
    assert found.loc[0, ["peer_lower", "peer_upper"]].tolist() == pytest.approx([0.15, 0.25])


def test_the_model_says_what_it_has_no_answer_to() -> None:
    assert "{effect}" in contagion_tables.describe_model(hawkes(Bounded(0.1, 0.0, 0.2)))
    alone = contagion_tables.describe_model(hawkes(Bounded(), peer_problem="no ties"))
    assert "{own}" in alone
    assert "no ties" in alone
    assert "{" not in contagion_tables.describe_model(hawkes(Bounded(), problem="too few"))


def test_powers_are_those_of_effects_above_none() -> None:
    effects = pd.DataFrame(
        {"effect": [0.0, 0.00118268, 0.1], "found": [0.05, 0.5, 1.0],
         "lower": [0.0, 0.4, 0.9], "upper": [0.1, 0.6, 1.0]}
    )  # fmt: skip
    found = contagion_tables.power(replace(POWER, effects=effects), 40)
    assert found["effect"].tolist() == [0.0012, 0.1]
    assert found["people"].tolist() == [40, 40]


def test_other_events_are_named_in_plain_words() -> None:
    found = contagion_tables.harmless_table(
        {"violence_victim": Harmless(Ratio(), Ratio(1.2, 0.9, 1.5, 0.3, 40))}
    )
    assert found["term"].tolist() == ["violence victim"]
    assert found.loc[0, "estimate"] == 1.2


# --- methods side by side -----------------------------------------------------------------------


def test_every_test_stands_in_its_world_and_what_was_not_run_says_so() -> None:
    named = [name for names in methods.WORLDS.values() for name in names]
    assert len(named) == len(set(named))
    assert set(named) <= set(EXPERIMENTS)
    one = EXPERIMENTS["timing_shocks"]
    found = summarise([Estimate(p=p) for p in (0.01, 0.02, 0.5, 0.9)])
    made = Trials((Tried(one, one.quantities[0], found, "", False),), {}, ())
    table = methods.side_by_side(made).set_index("world")
    row = table.loc["groups have bad weeks in common"]
    assert row["histories shifted"].startswith("50 (")
    assert row["Hawkes model"] == NOT_RUN
    assert row["regression on steps"] == "–"
