"""The truth behind the synthetic force, as written to ``truth.json``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from missing_lib.synthetic import counts, monthly, outcomes
from missing_lib.synthetic.clock import DAYS, FIRST_DATE, LAST_DATE, MONTHS, ZONE, Clock
from missing_lib.synthetic.outcomes import Outcomes
from missing_lib.synthetic.world import ADULT_AGE_CENTRE, AGE_CENTRE, World

PSEUDO_TRUE = Path(__file__).with_name("pseudo_true.json")
DIGITS = 6

LABELS = {
    "exact": "holds to the last unit in the files",
    "true": "coefficient of the model that made the data; exact totals fix intercepts only",
    "calibrated": "data were drawn again until this held: evidence of nothing",
    "pseudo_true": "what another model would find in a million people made the same way",
}
FRAME = (
    "persons with a reason in known_first_by other than missing_report, observed_from before "
    "2014-05-01, and under 18 on that day (all of them 6 to 17)"
)
TERMS = {
    "mental_health": "1 if the marker has a known_from before 2014-05-01, whatever its known_to",
    "self_harm": "as mental_health",
    "child_protection": "as mental_health",
    "arrest": "as mental_health",
    "local_authority_care": "as mental_health",
    "residential_care": "as mental_health: the placement effect",
    "log1p_degree": (
        "log(1 + number of distinct persons tied by first_seen before 2014-05-01, "
        "tie_type other than missing_together)"
    ),
    "female": "1 if sex is female, 0 otherwise",
    "age": f"age in years, with its fraction, on 2014-05-01, minus {AGE_CENTRE}",
    "age_squared": "square of age",
    "unknown": "1 if first known through a missing report (never in the frame)",
    "arriving": "1 if observed_from is after 2014-05-01 (never in the frame)",
    "decade": f"adults: (age in years on 2014-05-01 minus {ADULT_AGE_CENTRE}) / 10",
    "log_incidents": "log of the number of child incidents",
}


def describe(world: World, what: Outcomes, clock: Clock) -> dict[str, Any]:
    """Everything the generator knows, by kind of claim."""
    return _rounded(
        {
            "labels": LABELS,
            "window": {
                "first_day": FIRST_DATE.date().isoformat(),
                "last_day": LAST_DATE.date().isoformat(),
                "days": DAYS,
                "months": MONTHS,
                "time_zone": ZONE,
            },
            "frame": _frame(world, what),
            "terms": TERMS,
            "exact": _exact(world, what),
            "true": _true(world),
            "calibrated": _calibrated(what, clock),
            "pseudo_true": json.loads(PSEUDO_TRUE.read_text(encoding="utf-8")),
        }
    )


def _frame(world: World, what: Outcomes) -> dict[str, Any]:
    missing = what.child_incidents > 0
    groups = world.people.loc[missing, "group"].value_counts().sort_index()
    return {
        "definition": FRAME,
        "persons": len(world.frame),
        "missing_children_in_frame": int(missing[world.frame].sum()),
        "missing_children_by_entry": {name: int(n) for name, n in groups.items()},
    }


def _exact(world: World, what: Outcomes) -> dict[str, Any]:
    of_children, of_adults = what.child_incidents, what.adult_incidents
    number, people_with = np.unique(of_children[of_children > 0], return_counts=True)
    heavy = of_children >= 10
    return {
        "incidents": int(of_children.sum() + of_adults.sum()),
        "individuals": int(((of_children > 0) | (of_adults > 0)).sum()),
        "children": int((of_children > 0).sum()),
        "child_incidents": int(of_children.sum()),
        "children_missing_more_than_once": int((of_children > 1).sum()),
        "children_missing_ten_times_or_more": int(heavy.sum()),
        "incidents_of_those": int(of_children[heavy].sum()),
        "children_with_adult_incidents": int(((of_children > 0) & (of_adults > 0)).sum()),
        "children_by_number_of_incidents": {
            str(n): int(k) for n, k in zip(number, people_with, strict=True)
        },
    }


def _true(world: World) -> dict[str, Any]:
    children = world.design[world.is_child]
    adults = world.design[~world.is_child]
    return {
        "model": "logit P = alpha + sum beta term + gamma log1p_degree, one model per stage",
        "alpha_is": "the intercept at which the expected total over the pool is the exact one",
        "child_stages": _stages(
            counts.CHILD_STAGES, counts.intercepts(counts.CHILD_STAGES, children)
        ),
        "adult_stages": _stages(
            counts.ADULT_STAGES, counts.intercepts(counts.ADULT_STAGES, adults)
        ),
        "crossing": {"total": counts.CROSSING.total, "beta": counts.CROSSING.beta},
        "closeness_to_missing_children": 0.0,
        "peer_effect": 0.0,
    }


def _stages(stages: dict[str, counts.Stage], alpha: dict[str, float]) -> dict[str, Any]:
    out = {}
    for name, stage in stages.items():
        beta = {term: b for term, b in stage.beta.items() if term != "log1p_degree"}
        gamma = stage.beta.get("log1p_degree", 0.0)
        out[name] = {"total": stage.total, "alpha": alpha[name], "beta": beta, "gamma": gamma}
    return out


def _calibrated(what: Outcomes, clock: Clock) -> dict[str, Any]:
    run = what.calibration
    number = what.child_incidents[what.child_incidents > 0]
    return {
        "rhythm": {
            "children": asdict(outcomes.CHILD_RHYTHM),
            "adults": asdict(outcomes.ADULT_RHYTHM),
            "units": "branching: incidents; delay: operational days; spell_median: minutes",
        },
        "figures": asdict(monthly.summarise(run.histories, number, clock)),
        "redraws": {
            "tried": run.tried,
            "kept": run.kept,
            "children_redrawn": run.redrawn,
            "months_failing_before": run.failing_before,
            "gap_shares_before": run.gap_shares_before,
        },
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value
