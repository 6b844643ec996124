"""An extract in which every field that a person writes holds a canary, seeded."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pandas as pd
import yaml

from tests.canary_search import STEM
from tests.conftest import RAW, Tree

FORCE = "canary"
PEOPLE = 700
#: Ways to write a birth date, beside that of the extract.
WRITTEN = ("%Y-%m-%d", "%d/%m/%Y", "%d %B %Y")


@dataclass(frozen=True)
class Planted:
    """What was planted.

    Attributes
    ----------
    canaries : frozenset of str
    days : frozenset of str
        Birth dates in several writings, in small letters.
    """

    canaries: frozenset[str]
    days: frozenset[str]


class Canaries:
    """Makes canaries that all begin with the stem, no two alike."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.made: set[str] = set()

    def one(self) -> str:
        while True:
            signs = "".join(self._random.choices("abcdefghkmnprstuvwxyz23456789", k=7))
            if (made := f"{STEM}{signs}") not in self.made:
                self.made.add(made)
                return made

    def name(self) -> str:
        signs = "".join(self._random.choices("aeioubdgklmnrstw", k=8))
        made = f"{STEM}{signs}"
        return made if made not in self.made and not self.made.add(made) else self.name()

    def text(self) -> str:
        """A free text as officers write them, with signs that files have to escape."""
        return (
            f'{self.name()} said "see {self.one()}" & <left>;\nmet {self.name()}, d\u00e9j\u00e0 vu'
        )

    def column(self, rows: int, make: str = "one", every: int = 1) -> list[str]:
        return [getattr(self, make)() if n % every == 0 else "" for n in range(rows)]


def plant(tree: Tree, seed: int = 1) -> Planted:
    """Add a force with an extract of some of Thames Valley's people under canary names.

    Identifiers, names, free texts, codes that nobody listed, columns that are not mapped and their
    headers, comments of the force file and a code in it are canaries.
    """
    birds = Canaries(seed)
    folder = tree.root / "forces" / FORCE
    folder.mkdir(parents=True)
    raw = {
        t: pd.read_csv(RAW / f"{t}.csv", dtype=str, keep_default_na=False)
        for t in ("persons", "incidents", "markers", "ties", "events")
    }
    people = list(raw["incidents"]["person_id"].unique()[:PEOPLE])
    alias = {person: birds.one() for person in people}
    for table, rows in raw.items():
        who = [c for c in ("person_id", "person_a", "person_b") if c in rows]
        mine = rows[rows[who].isin(set(alias)).all(axis=1)].reset_index(drop=True)
        for column in who:
            mine[column] = mine[column].map(alias)
        for column in ("incident_id", "placement_id"):
            if column in mine:
                named = {value: birds.one() for value in mine[column].unique() if value}
                mine[column] = mine[column].map(named).fillna("")
        raw[table] = _spoiled(mine, table, birds)
        raw[table].to_csv(folder / f"{table}.csv", index=False)
    born = pd.to_datetime(raw["persons"]["birth_date"], errors="coerce").dropna()
    days = {day.strftime(form).casefold() for day in born for form in WRITTEN}
    (folder / "force.yml").write_text(_page(birds), encoding="utf-8")
    return Planted(frozenset(birds.made), frozenset(days))


def _spoiled(rows: pd.DataFrame, table: str, birds: Canaries) -> pd.DataFrame:
    """Columns beside the mapped ones, and canaries for some codes.

    The headers have a digit: names of columns that have none may be said to the analyst.
    """
    rare = {"persons": ("sex", "ethnicity_self", "known_first_by"),
            "incidents": ("category", "risk_first", "risk_final"),
            "markers": ("marker", "agency"), "ties": ("tie_type", "agency"),
            "events": ("event_type",)}  # fmt: skip
    for column in rare[table]:
        some = rows.index % 97 == 5
        rows.loc[some, column] = birds.column(int(some.sum()))
    if table == "persons":
        rows.insert(1, "SURNAME", birds.column(len(rows), "name"))
        rows.insert(2, "FORENAME", birds.column(len(rows), "name"))
        rows["birth_date"] = pd.to_datetime(rows["birth_date"]).dt.strftime("%d/%m/%Y").fillna("")
    rows.insert(0, f"NOTE {birds.one()}7", birds.column(len(rows), "text", every=2))
    rows[f"AUTHORITY {birds.one()}7"] = birds.column(len(rows), every=3)
    return rows


def _page(birds: Canaries) -> str:
    """The force file: unlisted codes are set missing; one code that is listed is a canary."""
    page = yaml.safe_load((RAW.parents[2] / "forces" / "thames-valley" / "force.yml").read_text())
    page |= {"code": FORCE, "name": "Force of birds (synthetic)"}
    page["sources"] = {t: {"file": f"{t}.csv", "columns": _columns(t)} for t in page["sources"]}
    sexes = {"female": "female", "male": "male", "other": "other", "unknown": "unknown"}
    page["sources"]["persons"]["columns"]["sex"]["recode"] = sexes | {birds.one(): "other"}
    text = yaml.safe_dump(page, sort_keys=False, allow_unicode=True)
    return f"# ask {birds.name()} about {birds.one()}\n{text}# {birds.text()!r}\n"


def _columns(table: str) -> dict[str, object]:
    from missing_lib.force.schema import SCHEMA

    header = pd.read_csv(RAW / f"{table}.csv", nrows=0).columns
    columns: dict[str, object] = {}
    for name in header:
        column = SCHEMA[table].get(name)
        if column is None:
            continue
        columns[name] = name
        if column.kind == "level":
            levels = {level: level for level in column.levels}
            columns[name] = {"column": name, "recode": levels, "otherwise_missing": True}
        if name == "birth_date":
            columns[name] = {"column": name, "format": "%d/%m/%Y"}
    return columns
