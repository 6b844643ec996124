"""How much the headline findings depend on choices of cleaning that a force could defend.

A specification is one value for every choice (Steegen and others 2016, Increasing transparency
through a multiverse analysis, doi 10.1177/1745691616658637). The default is the study's own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import pandas as pd

from missing_lib.force.merge import merge_incidents, merge_near
from missing_lib.force.rulebook import chosen
from missing_lib.force.spec import Definitions, ForceFile
from missing_lib.force.tables import Tables
from missing_lib.study.cohort import ERA_CHANGE, ERAS, Cohort, arranged, described, select
from missing_lib.study.concentration import measure
from missing_lib.study.repeats import gaps, repeat_shares


@dataclass(frozen=True)
class Specification:
    """One way of preparing the same data; the defaults are those of this book.

    Attributes
    ----------
    merge_gap : float
        Hours after a return within which a report belongs to the same incident; negative keeps
        the force's own merge gap.
    duplicates : bool
        Whether reports that look like one incident keyed in twice are merged too (rule I07);
        the same row twice is one row in any case.
    low_risk : bool
        Whether incidents of the category *no apparent risk* (absent) count.
    unknown_age : bool
        Whether incidents without a birth date count in a population that is defined by age.
    wash_out : int
        Months at the start of the study that are left out, because what came before is unknown.
    split : int
        Per cent of people with a repeat whose incidents are divided among two identifiers at
        random, as if one person had been entered twice.
    """

    merge_gap: float = -1.0
    duplicates: bool = False
    low_risk: bool = True
    unknown_age: bool = False
    wash_out: int = 0
    split: int = 0


DEFAULT = Specification()
#: Other values of each choice, beside the default.
OTHERS: dict[str, tuple[float | bool, ...]] = {
    "merge_gap": (1.0, 6.0, 24.0),
    "duplicates": (True,),
    "low_risk": (False,),
    "unknown_age": (True,),
    "wash_out": (12,),
    "split": (1, 2, 5),
}
#: How many choices may differ from the default at once.
DEPTHS = {"single": 1, "pairs": 2, "all": len(OTHERS)}

_WORDS = {
    "merge_gap": "reports within {:g} h of a return are one incident",
    "duplicates": "near duplicates are one incident",
    "low_risk": "without absent and no apparent risk",
    "unknown_age": "with incidents of unknown age",
    "wash_out": "without the first {:g} months",
    "split": "{:g} % of repeat people under two identifiers",
}

_SHORT = {
    "merge_gap": "merge gap {:g} h",
    "duplicates": "near duplicates merged",
    "low_risk": "without no apparent risk",
    "unknown_age": "with unknown age",
    "wash_out": "wash-out {:g} months",
    "split": "{:g} % split",
}


_IMPOSSIBLE = {
    "merge_gap": "reports within it or a longer gap are merged already",
    "duplicates": "they are merged already",
    "low_risk": "no incident has a category, so none can be left out as absent",
    "unknown_age": "no birth date is missing",
}

#: Other values of each choice that a force can make.
Values = Mapping[str, tuple[float | bool, ...]]


def possible(tables: Tables, force: ForceFile) -> Values:
    """Other values of each choice that can change anything for this force.

    What the intake has merged stays merged: of the merge gaps only longer ones are left.

    Returns
    -------
    dict of tuple
        As :data:`OTHERS`, in its order, without what cannot be chosen.
    """
    merged = force.definitions.merge_gap_hours
    fits = {
        "merge_gap": tuple(gap for gap in OTHERS["merge_gap"] if gap > merged),
        "duplicates": () if chosen("I07", force.rules).action == "merge" else (True,),
        "low_risk": () if tables.incidents["category"].isna().all() else (False,),
        "unknown_age": () if tables.persons["birth_date"].notna().all() else (True,),
    }
    values = {name: fits.get(name, others) for name, others in OTHERS.items()}
    return {name: some for name, some in values.items() if some}


def describe_impossible(values: Values) -> str:
    """Which choices could not be made, and why, as a sentence; empty where all could.

    Examples
    --------
    >>> describe_impossible({n: v for n, v in OTHERS.items() if n != "unknown_age"})
    'Not among the choices for this force: with unknown age (no birth date is missing).'
    """
    here = marks(values)
    lacking = [(label, name) for label, (name, _) in marks().items() if label not in here]
    parts = [f"{label} ({_IMPOSSIBLE[name]})" for label, name in lacking]
    return f"Not among the choices for this force: {'; '.join(parts)}." if parts else ""


def specifications(depth: str, values: Values | None = None) -> list[Specification]:
    """The default, and all specifications that differ from it in so many choices.

    Parameters
    ----------
    depth : {"single", "pairs", "all"}
        At most one, two, or any number of choices differ.
    values : dict of tuple, optional
        Other values of each choice, see :func:`possible`; :data:`OTHERS` if not given.

    Raises
    ------
    ValueError
        For another depth.

    Examples
    --------
    >>> [len(specifications(d)) for d in ("single", "pairs", "all")]
    [11, 50, 256]
    """
    if depth not in DEPTHS:
        raise ValueError(f"depth is one of {', '.join(DEPTHS)}")
    made = []
    others = OTHERS if values is None else values
    for size in range(min(DEPTHS[depth], len(others)) + 1):
        for names in itertools.combinations(others, size):
            for one in itertools.product(*(others[name] for name in names)):
                made.append(Specification(**dict(zip(names, one, strict=True))))  # type: ignore[arg-type]
    return made


def in_words(specification: Specification) -> str:
    """What a specification does otherwise, in plain words.

    Examples
    --------
    >>> in_words(DEFAULT), in_words(Specification(wash_out=12))
    ('as in this book', 'without the first 12 months')
    """
    changed = [
        _WORDS[f.name].format(getattr(specification, f.name))
        for f in fields(Specification)
        if getattr(specification, f.name) != getattr(DEFAULT, f.name)
    ]
    return "; ".join(changed) or "as in this book"


def findings_in_words(definitions: Definitions) -> dict[str, str]:
    """The headline shares in plain words, by their names in :func:`headline_by_choice`.

    Examples
    --------
    >>> findings_in_words(Definitions())["short"]
    'gaps within 14 days'
    """
    short, long = definitions.gap_days
    return {
        "repeat": "incidents of people with more than one",
        "persistent": f"incidents of people with {definitions.persistent_incidents} or more",
        "top": f"incidents of the top {100 * definitions.top_share:g} %",
        "short": f"gaps within {short} days",
        "long": f"gaps within {long} days",
    }


def marks(values: Values | None = None) -> dict[str, tuple[str, float | bool]]:
    """Short label of every value that differs from the default, to its choice and value."""
    return {
        _SHORT[name].format(value): (name, value)
        for name, some in (OTHERS if values is None else values).items()
        for value in some
    }


def headline_by_choice(
    tables: Tables, force: ForceFile, population: str, depth: str, seed: int
) -> pd.DataFrame:
    """Headline shares under every specification.

    Parameters
    ----------
    tables : Tables
    force : ForceFile
    population : {"children", "adults", "all"}
    depth : {"single", "pairs", "all"}
    seed : int
        Of the people whose incidents are divided among two identifiers.

    Returns
    -------
    DataFrame
        One row per possible specification, the default first: ``choice`` (in words), the fields of
        :class:`Specification`, and ``repeat`` (share of incidents of people with more than one),
        ``persistent`` (of persistent people), ``top`` (of the top fraction), ``short`` and
        ``long`` (share of gaps within the two bounds), ``people`` (the smallest number of people
        behind any of them).
    """
    cohort = select(tables, force, population)
    merged: dict[tuple[float, bool, bool], pd.DataFrame] = {}
    rows = []
    for specification in specifications(depth, possible(tables, force)):
        key = (specification.merge_gap, specification.duplicates, specification.low_risk)
        if key not in merged:
            merged[key] = _merged(tables, force, *key)
        incidents = _of_population(merged[key], cohort, specification)
        incidents = split_people(incidents, specification.split, np.random.default_rng(seed))
        shares = _headline(replace(cohort, incidents=arranged(incidents)))
        rows.append({"choice": in_words(specification), **asdict(specification), **shares})
    return pd.DataFrame(rows)


def _merged(
    tables: Tables, force: ForceFile, gap: float, duplicates: bool, low_risk: bool
) -> pd.DataFrame:
    """Incidents in the study window, merged in one way, with or without the lowest category."""
    incidents = tables.incidents
    if not low_risk:
        incidents = incidents[incidents["category"].ne("no_apparent_risk").fillna(True)]
    if gap >= 0:
        incidents = merge_incidents(incidents, gap, force.time_zone)
    if duplicates:
        hours = chosen("I07", force.rules).settings["hours"]
        incidents = merge_near(incidents, hours, force.time_zone)
    return described(replace(tables, incidents=incidents), force)


def _of_population(
    rows: pd.DataFrame, cohort: Cohort, specification: Specification
) -> pd.DataFrame:
    limit = cohort.definitions.child_age_limit
    unknown = rows["age"].isna() & specification.unknown_age
    wanted = {
        "children": (rows["age"] < limit) | unknown,
        "adults": (rows["age"] >= limit) | unknown,
        "all": pd.Series(True, index=rows.index),
    }[cohort.population]
    start = cohort.start + pd.DateOffset(months=specification.wash_out)
    return rows[wanted & (rows["reported_on"] >= start)]


def split_people(incidents: pd.DataFrame, percent: int, rng: np.random.Generator) -> pd.DataFrame:
    """Divide the incidents of some people with a repeat among two identifiers at random.

    Parameters
    ----------
    incidents : DataFrame
        With ``person_id``.
    percent : int
        Of the people with more than one incident, rounded up; the same seed takes the same
        people first, so that more per cent are more people of the same.
    rng : Generator

    Returns
    -------
    DataFrame
        Same rows; the second identifier ends in a sign that no identifier has.
    """
    if not percent or incidents.empty:
        return incidents
    counts = incidents.groupby("person_id", sort=True).size()
    repeaters = counts.index[counts > 1].to_numpy()
    chosen = rng.permutation(repeaters)[: int(np.ceil(len(repeaters) * percent / 100))]
    mine = incidents["person_id"].isin(chosen).to_numpy()
    second = mine & (rng.random(len(incidents)) < 0.5)
    names = incidents["person_id"].astype("string")
    return incidents.assign(person_id=names.mask(second, names + "\x1f"))


def _headline(cohort: Cohort) -> dict[str, float]:
    definitions = cohort.definitions
    counts = cohort.counts
    concentrated = measure(counts, definitions.top_share, definitions.persistent_incidents)
    spells = gaps(cohort)
    seen = spells[spells["observed"]]
    repeated = repeat_shares(counts)
    short, long = definitions.gap_days
    return {
        "repeat": repeated.share_of_repeat_people,
        "persistent": concentrated.persistent_share,
        "top": concentrated.top_share,
        "short": float((seen["gap_days"] <= short).mean()) if len(seen) else np.nan,
        "long": float((seen["gap_days"] <= long).mean()) if len(seen) else np.nan,
        "people": min(
            concentrated.persistent_people,
            repeated.people - repeated.repeat_people,
            repeated.repeat_people,
        ),
    }


def spread(shares: pd.DataFrame, findings: Iterable[str]) -> pd.DataFrame:
    """How far each finding moves over all specifications, from published shares alone.

    Parameters
    ----------
    shares : DataFrame
        Safe frame with the findings as fractions, the default in the first row.
    findings : iterable of str

    Returns
    -------
    DataFrame
        ``finding``, ``default``, ``lowest``, ``highest`` in whole per cent and ``shown``, the
        number of specifications with a value.
    """
    return pd.DataFrame(
        [
            {
                "finding": name,
                "default": round(100 * shares[name].iloc[0]) if len(shares) else np.nan,
                "lowest": round(100 * shares[name].min()),
                "highest": round(100 * shares[name].max()),
                "shown": int(shares[name].notna().sum()),
            }
            for name in findings
            if shares[name].notna().any() and not np.isnan(shares[name].iloc[0])
        ],
        columns=["finding", "default", "lowest", "highest", "shown"],
    )


def eras(cohort: Cohort) -> pd.DataFrame:
    """The two eras of recording, with their days inside the study window.

    Returns
    -------
    DataFrame
        ``era``, ``from``, ``to``: text; an era outside the window is left out.
    """
    day = pd.Timedelta(days=1)
    parts = [
        (ERAS[0], cohort.start, min(cohort.end, ERA_CHANGE - day)),
        (ERAS[1], max(cohort.start, ERA_CHANGE), cohort.end),
    ]
    return pd.DataFrame(
        [(name, f"{a:%Y-%m-%d}", f"{b:%Y-%m-%d}") for name, a, b in parts if a <= b],
        columns=["era", "from", "to"],
    )
