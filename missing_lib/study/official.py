"""Read the official statistics on looked-after children missing in England, 2015 to 2024.

Source: Department for Education, *Children looked after in England including adoptions*, Open
Government Licence v3.0. ``data/official/looked-after-missing/README.md`` lists the traps of its
files; every repair is in this module.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from missing_lib.force.errors import ContractError

ENGLAND = "E92000001"

#: Published measures and their names in the long files.
MEASURES = {
    "missing_children": "Children who had a missing incident during the year",
    "missing_incidents": "Number of missing incidents during the year",
    "missing_more_than_once": "Children who went missing more than once during the year",
    "missing_31_march": "Children missing at 31 March",
    "away_children": "Children who were away from placement without authorisation during the year",
    "away_incidents": "Number of away from placement without authorisation incidents "
    "during the year",
    "away_more_than_once": "Children who were away from placement without authorisation "
    "more than once during the year",
    "away_31_march": "Children away from placement without authorisation at 31 March",
    "looked_after_during_year": "Children looked after during the year",
    "missing_incidents_per_child": "Average number of missing incidents per looked after child "
    "who went missing",
    "away_incidents_per_child": "Average number of away from placement without authorisation "
    "incidents per looked after child",
    "missing_percent": "Percentage of children who had a missing incident during the year",
    "away_percent": "Percentage of children who were away from placement without authorisation "
    "during the year",
}
_BY_NAME = {name: measure for measure, name in MEASURES.items()}
#: The wide files: ``CLA_MissIncs`` in 2015 and 2016 is ``Miss_Miss_Incs`` in 2017.
_BY_COLUMN = {
    f"{prefix}_{word}{sep}{end}": f"{kind}_{stem}"
    for prefix, sep in (("CLA", ""), ("Miss", "_"))
    for word, kind in (("Miss", "missing"), ("Away", "away"))
    for end, stem in (
        ("DuringYear", "children"),
        ("Incs", "incidents"),
        ("MoreOnce", "more_than_once"),
        ("31Mar", "31_march"),
    )
}

WIDE, LONG = ("2015", "2016", "2017"), ("2018-2022", "2020-2024")
#: What stands in place of a number. The letter x changed its meaning between the editions.
WIDE_SYMBOLS = {"x": "suppressed", "..": "not_available"}
LONG_SYMBOLS = {
    "c": "suppressed",
    "x": "not_available",
    "z": "not_applicable",
    "k": "low",
}
#: Statuses in words, for a page.
STATUS_WORDS = {
    "value": "number",
    "suppressed": "withheld",
    "not_available": "not supplied",
    "not_applicable": "does not apply",
    "low": "above zero, rounds to it",
    "not_published": "not in the files",
}

#: Authorities whose code changed while their area, but for a few streets, did not.
RECODED = {
    "E06000048": "E06000057",  # Northumberland, 2013; the files of 2015-17 keep the old code
    "E08000020": "E08000037",  # Gateshead, 2013; likewise
    "E10000002": "E06000060",  # Buckinghamshire, county to unitary authority, April 2020
    "E10000023": "E06000065",  # North Yorkshire, likewise, April 2023
    "E10000027": "E06000066",  # Somerset, likewise, April 2023
}
#: Areas divided anew: old codes, new codes, first year of the new ones. Single authorities
#: cannot be followed across that year (the county of Dorset lost Christchurch), the area can.
REDRAWN = (
    # Bournemouth, Poole and the county of Dorset
    (("E06000028", "E06000029", "E10000009"), ("E06000058", "E06000059"), 2020),
    (("E10000021",), ("E06000061", "E06000062"), 2022),  # Northamptonshire
    (("E10000006",), ("E06000063", "E06000064"), 2024),  # Cumbria
)
#: Inner and Outer London carry London's own code in the wide files; a letter tells them apart.
_LONDON_PARTS = {"H": "E13000001", "I": "E13000002"}
_LEVELS = {
    "NATIONAL": "national",
    "REGION": "region",
    "LA": "authority",
    "National": "national",
    "Regional": "region",
    "Local authority": "authority",
}

#: The department's estimates of what changing practice did to the numbers of children: year,
#: measure, per cent by which it is too high (at most), number suggested in its place.
PRACTICE_ERRORS = (
    (2018, "missing_children", 8, 10_700),
    (2019, "missing_children", 10, 10_800),
    (2020, "missing_children", 13, 11_000),
    (2018, "away_children", -18, 4_700),
    (2019, "away_children", -22, 4_700),
    (2020, "away_children", -29, 4_800),
)
#: What else a reader of the series must know: first year, last year, note.
CAVEATS = (
    (2015, 2015, "First year of this collection; reporting was still settling."),
    (2015, 2017, "The number of children looked after during the year is not in the files."),
    (2015, 2017, "The symbol x is a number withheld because it is small."),
    (2017, 2017, "Fifteen authorities supplied nothing on children away."),
    (2017, 2024, "A growing number of authorities record no child as away, every one as missing."),
    (2018, 2020, "By the department's estimate this put missing too high and away too low."),
    (2021, 2021, "Year of the lockdowns. Hackney supplied nothing; a later edition prints zeros."),
    (2015, 2024, "Numbers of England and regions are rounded to the nearest ten."),
)

COLUMNS = ["year", "level", "code", "name", "measure", "value", "status", "edition"]


def load(folder: Path) -> pd.DataFrame:
    """Read every edition into one tidy table.

    Where editions overlap the later one wins, also where it withholds what the earlier one
    printed. One exception: a zero never replaces an earlier "not available" (Hackney, 2021).

    Parameters
    ----------
    folder : Path
        Holds the five files ``2015.csv`` to ``2020-2024.csv``.

    Returns
    -------
    DataFrame
        One row per year (to 31 March), place and measure: ``year`` (int), ``level`` (national,
        region, authority), ``code`` (current, see :data:`RECODED`), ``name``, ``measure``
        (:data:`MEASURES`), ``value`` (float, NaN unless the status is ``value``), ``status``
        (``value``, ``suppressed``, ``not_available``, ``not_applicable``, ``low`` for a
        percentage above zero that rounds to it), ``edition`` (file it comes from).

    Examples
    --------
    >>> table = load(Path("data/official/looked-after-missing"))
    >>> england = table.query("code == 'E92000001' and year == 2024").set_index("measure")
    >>> float(england.loc["missing_incidents", "value"])
    83920.0
    """
    editions = [_wide(folder, e) for e in WIDE] + [_long(folder, e) for e in LONG]
    table = pd.concat(editions, ignore_index=True)
    table["code"] = table["code"].replace(RECODED)
    key = ["year", "code", "measure"]
    earlier = table.groupby(key)["status"].shift()
    table = table[~(earlier.eq("not_available") & table["value"].eq(0))]
    table = table.drop_duplicates(key, keep="last")
    # Every child counted has an incident, so an average of zero is an average over no child.
    empty = table["measure"].str.endswith("_per_child") & table["value"].eq(0)
    table.loc[empty, ["value", "status"]] = np.nan, "not_applicable"
    table["name"] = table["code"].map(table.groupby("code")["name"].last())
    return table.sort_values(key)[COLUMNS].reset_index(drop=True)


def characteristics(folder: Path) -> pd.DataFrame:
    """Read England's numbers by age, sex, ethnic origin, placement, duration and boundary.

    Returns
    -------
    DataFrame
        ``year``, ``group`` and ``level`` in the department's words, ``value``, ``status``.

    Examples
    --------
    >>> rows = characteristics(Path("data/official/looked-after-missing"))
    >>> away = rows["level"] == "Missing from placement outside council boundary"
    >>> float(rows.loc[away & (rows["year"] == 2024), "value"].iloc[0])
    38780.0
    """
    raw = _text(folder, "england-characteristics")
    frame = pd.DataFrame(
        {
            "year": raw["time_period"].astype(int),
            "group": raw["missing_status"].str.strip(),
            "level": raw["characteristic"].str.strip(),
        }
    )
    return frame.join(_numbers(raw["number"], LONG_SYMBOLS, "england-characteristics"))


def check_authorities(table: pd.DataFrame, codes: Sequence[str]) -> None:
    """Refuse codes that no authority of the table bears, and name the nearest that do.

    Examples
    --------
    >>> slough = {"code": ["E06000039"], "name": ["Slough"], "level": ["authority"]}
    >>> check_authorities(pd.DataFrame(slough), ["E0600039"])
    Traceback (most recent call last):
    missing_lib.force.errors.ContractError: 'E0600039' is no authority in the official \
statistics; near it: E06000039 (Slough)
    """
    names = table[table["level"] == "authority"].groupby("code")["name"].last()
    problems = []
    for code in dict.fromkeys(codes):
        if code in names.index:
            continue
        if code in RECODED:
            now = RECODED[code]
            problems.append(f"{code!r} is an old code; {names[now]} is {now} now")
            continue
        near = difflib.get_close_matches(code, names.index, n=3, cutoff=0.7)
        near += names.index[names.isin(difflib.get_close_matches(code, names, n=3))].tolist()
        hint = ", ".join(f"{c} ({names[c]})" for c in near)
        end = f"near it: {hint}" if hint else "codes look like E06000060"
        problems.append(f"{code!r} is no authority in the official statistics; {end}")
    if problems:
        raise ContractError(problems)


def codes_in_year(codes: Sequence[str], year: int) -> list[str]:
    """The authorities that made up the same area in a year.

    A pair of new authorities stands for its predecessors in earlier years, and the other way
    round (:data:`REDRAWN`); part of such a pair has no counterpart and stays as it is.

    Examples
    --------
    >>> codes_in_year(["E06000061", "E06000062"], 2021)
    ['E10000021']
    >>> codes_in_year(["E06000061"], 2021)
    ['E06000061']
    """
    kept = list(dict.fromkeys(codes))
    for old, new, first in REDRAWN:
        if set(old) <= set(kept) or set(new) <= set(kept):
            kept = [c for c in kept if c not in (*old, *new)] + list(new if year >= first else old)
    return kept


def in_words(cells: pd.DataFrame) -> pd.Series:
    """Each cell as a page shows it: its number, or why there is none.

    Examples
    --------
    >>> cells = {"value": [1070.0, 6.5, float("nan")], "status": ["value", "value", "suppressed"]}
    >>> in_words(pd.DataFrame(cells)).tolist()
    ['1,070', '6.5', 'withheld']
    """
    numbers = cells["value"].map(lambda v: f"{v:,.0f}" if float(v).is_integer() else f"{v:,.1f}")
    return numbers.where(cells["status"] == "value", cells["status"].map(STATUS_WORDS))


def existed(code: str, year: int) -> bool:
    """Whether an authority had been created, and not yet abolished, in a year.

    Examples
    --------
    >>> existed("E06000061", 2021), existed("E10000021", 2021), existed("E06000039", 2021)
    (False, True, True)
    """
    return not any(code in (old if year >= first else new) for old, new, first in REDRAWN)


def practice(table: pd.DataFrame) -> pd.DataFrame:
    """Count the authorities that record every absence as missing, or every one as away.

    Returns
    -------
    DataFrame
        ``year``; ``authorities`` that supplied incidents of both kinds, withheld or not, and
        had any; ``no_away``, those with a true zero away; ``no_missing``, the reverse;
        ``percent_no_away``. A withheld number counts as more than none.
    """
    rows = table[(table["level"] == "authority") & table["status"].isin(["value", "suppressed"])]
    shown = rows.assign(value=rows["value"].fillna(1))
    wide = shown.pivot(index=["year", "code"], columns="measure", values="value")
    both = wide[["missing_incidents", "away_incidents"]].dropna()
    none = both[both.sum(axis=1) > 0].eq(0).groupby("year")
    frame = pd.DataFrame(
        {
            "authorities": none.size(),
            "no_away": none["away_incidents"].sum(),
            "no_missing": none["missing_incidents"].sum(),
        }
    )
    return frame.assign(percent_no_away=100 * frame["no_away"] / frame["authorities"]).reset_index()


def practice_bounds(table: pd.DataFrame) -> pd.DataFrame:
    """England's number of children per year, with the bounds that the department's note gives.

    The number suggested in place of the printed one is the far bound, the printed one the
    near bound; other years have no published estimate, which does not make them right.

    Returns
    -------
    DataFrame
        ``year``, ``measure`` (missing_children, away_children), ``value``, ``low``, ``high``,
        ``error_at_most`` (per cent, positive where too high); NaN where not estimated.
    """
    measures = ["missing_children", "away_children"]
    england = table[(table["code"] == ENGLAND) & table["measure"].isin(measures)]
    errors = pd.DataFrame(PRACTICE_ERRORS, columns=["year", "measure", "error_at_most", "instead"])
    frame = england[["year", "measure", "value"]].merge(errors, on=["year", "measure"], how="left")
    frame["low"] = frame[["value", "instead"]].min(axis=1).where(frame["instead"].notna())
    frame["high"] = frame[["value", "instead"]].max(axis=1).where(frame["instead"].notna())
    return frame[["year", "measure", "value", "low", "high", "error_at_most"]]


def caveats() -> pd.DataFrame:
    """The notes of :data:`CAVEATS` and :data:`PRACTICE_ERRORS` in order of years.

    Returns
    -------
    DataFrame
        ``years``, ``note``.
    """
    rows = [(a, str(a) if a == b else f"{a}\u00a0to\u00a0{b}", note) for a, b, note in CAVEATS]
    for year, measure, error, instead in PRACTICE_ERRORS:
        what, way = measure.replace("_", " "), "high" if error > 0 else "low"
        note = f"{what.capitalize()}: too {way} by up to {abs(error)} %, nearer {instead:,}."
        rows.append((year, str(year), note))
    frame = pd.DataFrame(rows, columns=["first", "years", "note"])
    return frame.sort_values("first", kind="stable")[["years", "note"]].reset_index(drop=True)


def _text(folder: Path, edition: str) -> pd.DataFrame:
    """The cells of one file as they stand; ``utf-8-sig`` takes off the byte-order mark."""
    path = Path(folder) / f"{edition}.csv"
    if not path.is_file():
        raise ContractError([f"{path.name} is missing from the folder of official statistics"])
    frame = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    return frame.rename(columns=str.strip)


def _wide(folder: Path, edition: str) -> pd.DataFrame:
    raw = _text(folder, edition)
    measured = [c for c in raw.columns if c in _BY_COLUMN]
    places = pd.DataFrame(
        {
            "year": int(edition),
            "level": raw["geog_l"].map(_LEVELS),
            "code": raw["geog_c"].map(_LONDON_PARTS).fillna(raw["New_geog_code"]),
            "name": raw["geog_n"].str.strip(),
        }
    )
    tidy = places.join(raw[measured]).melt(
        list(places.columns), var_name="column", value_name="as_is"
    )
    return _finish(tidy, tidy["column"].map(_BY_COLUMN), WIDE_SYMBOLS, edition)


def _long(folder: Path, edition: str) -> pd.DataFrame:
    raw = _text(folder, edition).rename(columns=str.lower)
    level = raw["geographic_level"].map(_LEVELS)
    column = {"national": "country", "region": "region", "authority": "la"}
    tidy = pd.DataFrame({"year": raw["time_period"].astype(int), "level": level})
    for kind, stem in column.items():
        here = level == kind
        tidy.loc[here, "code"] = raw.loc[here, "new_la_code" if stem == "la" else f"{stem}_code"]
        tidy.loc[here, "name"] = raw.loc[here, f"{stem}_name"].str.strip()
    tidy["as_is"] = raw["number"]
    return _finish(tidy, raw["cla_group"].map(_BY_NAME), LONG_SYMBOLS, edition)


def _finish(
    tidy: pd.DataFrame, measure: pd.Series, symbols: dict[str, str], edition: str
) -> pd.DataFrame:
    tidy = tidy.assign(measure=measure, edition=edition)
    if tidy[["level", "code", "measure"]].isna().any(axis=None):
        raise ContractError([f"{edition}.csv holds a level, place or measure that is not known"])
    twice = tidy[tidy.duplicated(["year", "code", "measure"])]
    if len(twice):
        raise ContractError([f"{edition}.csv gives {twice['name'].iloc[0]} twice"])
    return tidy.join(_numbers(tidy["as_is"], symbols, edition))[COLUMNS]


def _numbers(as_is: pd.Series, symbols: dict[str, str], edition: str) -> pd.DataFrame:
    """Values and statuses; a symbol becomes a status, never a number."""
    cells = as_is.str.strip()
    value = pd.to_numeric(cells.mask(cells.isin(symbols)), errors="coerce")
    status = cells.map(symbols).fillna("value")
    unknown = cells[(status == "value") & value.isna()]
    if len(unknown):
        raise ContractError([f"{edition}.csv has {unknown.iloc[0]!r} where a number should be"])
    return pd.DataFrame({"value": value.astype(float), "status": status})
