"""The synthetic force Northshire: same bytes, every planted trap counted, the truth recovered."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from missing_lib.force.intake import Intake, take_in
from missing_lib.force.review import pairs_by_chance
from missing_lib.force.spec import ForceFile, find_force
from missing_lib.force.tables import Tables
from missing_lib.study import cohort, concentration, frame, peers, predictors, repeats
from missing_lib.synthetic import hawkes, hawkes_world, northshire, traps, write
from missing_lib.synthetic.clock import DAY, YEAR, Clock, study_clock

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / write.NORTHSHIRE
FORCE = ROOT / "forces" / "northshire"
#: Traps that no rule can find: each looks like an ordinary value.
UNFINDABLE = {
    "persons": {
        "declared_otherwise", "month_first", "split_person", "system_start",
    },
    "incidents": {"clock_never_moved", "clock_twice_moved", "open_last", "split_person"},
    "markers": {"system_start"},
    "ties": set(),
    "events": set(),
}  # fmt: skip
#: Traps that a note of the intake counts, not a rule: how it begins and where the number stands.
NOTED = {
    ("persons", "blank_trailing_row"): "persons: rows without any value that were left out: ",
    ("incidents", "blank_trailing_row"): "incidents: rows without any value that were left out: ",
    ("markers", "blank_trailing_row"): "markers: rows without any value that were left out: ",
    ("events", "blank_trailing_row"): "events: rows without any value that were left out: ",
    ("ties", "no_number"): "ties: rows without key, person or date that make no tie: ",
}
#: Rules for review, which people without any trap meet too.
BY_CHANCE = ("P06", "I07")
SEEDS = range(10)
#: Shares from the raw extract differ from those of the truth by at most this. The damage that no
#: cleaning undoes reaches about a tenth of child incidents (their age, person or end), whoever
#: they belong to, so that shares move by a small fraction of that.
SHARE_TOLERANCE = 0.02
#: Log odds ratios move by less than one standard error (0.15 to 0.2): a few of 500 are lost.
LOG_ODDS_TOLERANCE = 0.12
#: A mean over ten seeds is off by more of its own standard errors once in 300.
STANDARD_ERRORS = 4.0
#: With ten seeds the ratios are known about as well as this, so that the test can fail.
LARGEST_ERROR = 0.15


@pytest.fixture(scope="module")
def made() -> northshire.Northshire:
    return northshire.make()


@pytest.fixture(scope="module")
def force() -> ForceFile:
    return find_force(ROOT / "forces", "northshire")


@pytest.fixture(scope="module")
def intake(force: ForceFile) -> Intake:
    return take_in(force, FORCE)


@pytest.fixture(scope="module")
def planted() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "truth" / "planted.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((FOLDER / "truth" / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Intake:
    """The truth, taken in as a force of its own."""
    root = tmp_path_factory.mktemp("clean")
    folder = root / "northshire"
    folder.mkdir()
    page = yaml.safe_load((FORCE / "force.yml").read_text(encoding="utf-8"))
    page["sources"] = {name: {"file": f"{name}.csv"} for name in Tables.names()}
    (folder / "force.yml").write_text(yaml.safe_dump(page), encoding="utf-8")
    for name in Tables.names():
        shutil.copy(FOLDER / "truth" / f"{name}.csv", folder)
    return take_in(find_force(root, "northshire"), folder)


def test_regeneration_is_byte_for_byte_the_committed_folder(
    tmp_path: Path, made: northshire.Northshire
) -> None:
    written = write.write_northshire(made, tmp_path)
    names = {p.relative_to(tmp_path) for p in written}
    assert names == {p.relative_to(FOLDER) for p in FOLDER.rglob("*") if p.is_file()}
    for path in written:
        name = path.relative_to(tmp_path)
        assert path.read_bytes() == (FOLDER / name).read_bytes(), name


def test_the_extract_has_many_vocabularies() -> None:
    content = {name: (FOLDER / "raw" / file).read_bytes() for name, file in traps.FILES.items()}
    with pytest.raises(UnicodeDecodeError):
        content["incidents"].decode("utf-8")
    assert "–" in content["incidents"].decode("cp1252")
    assert content["persons"].startswith(b"\xef\xbb\xbf")
    assert content["persons"].count(b";") > len(content["persons"].splitlines()) * 6
    assert b",42" in content["markers"]
    assert b"Z\tARR" in content["events"]


def test_the_clean_truth_needs_no_cleaning(clean: Intake, made: northshire.Northshire) -> None:
    assert not clean.ledger.loc[~clean.ledger["rule"].isin(["I05", *BY_CHANCE]), "touched"].any()
    assert clean.unread.empty
    assert clean.caveats == ()
    for name in Tables.names():
        assert len(clean.tables[name]) == len(made.tables[name])


def test_every_rule_touches_what_was_planted(intake: Intake, truth: dict) -> None:
    check_ledger(intake, truth["ledger"])


def check_ledger(intake: Intake, expected: dict[str, int]) -> None:
    touched = intake.ledger.groupby(["table", "rule"])["touched"].sum()
    found = {f"{t}.{r}": int(n) for (t, r), n in touched.items() if n and r not in BY_CHANCE}
    assert found == expected


@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_plant_what_rules_touch(tmp_path: Path, force: ForceFile, seed: int) -> None:
    other = northshire.make(seed)
    write.write_northshire(other, tmp_path / "data" / "synthetic" / "northshire")
    folder = tmp_path / "forces" / "northshire"
    folder.mkdir(parents=True)
    check_ledger(take_in(force, folder), other.truth["ledger"])


def test_split_persons_are_on_the_review_list(intake: Intake, planted: pd.DataFrame) -> None:
    rows = planted[planted["table"] == "persons"]
    split = rows[rows["trap"] == "split_person"]
    spoiled = rows[rows["trap"].isin(["month_first", "first_of_january", "unreadable_birth"])
                   | rows["rule"].isin(["P01", "P03", "P04"])]  # fmt: skip
    listed = intake.review["persons"]
    found = listed["source_row"].isin(split["source_row"])
    both = listed[listed["group"].isin(listed.loc[found, "group"])].groupby("group").size()
    assert (both >= 2).all()
    assert split["source_row"].isin(listed["source_row"]).mean() > 0.7
    assert not listed["source_row"].isin(spoiled["source_row"]).any()
    by_chance = listed["group"].nunique() - len(both)
    expected = pairs_by_chance(reported(intake))
    assert abs(by_chance - expected) < STANDARD_ERRORS * np.sqrt(expected)


def reported(intake: Intake) -> pd.DataFrame:
    persons = intake.tables.persons
    return persons[persons["person_id"].isin(intake.tables.incidents["person_id"])]


def test_rows_set_aside_are_the_planted_ones(intake: Intake, planted: pd.DataFrame) -> None:
    for table in ("persons", "incidents", "markers", "events"):
        rows = intake.quarantined[table]
        aside = set(zip(rows["rule"], rows["source_row"], strict=True))
        notes = planted[(planted["table"] == table) & planted["rule"].isin(["A01", "A03", "A04"])]
        assert aside == set(zip(notes["rule"], notes["source_row"], strict=True)), table


def test_every_unreadable_text_is_a_planted_one(intake: Intake, planted: pd.DataFrame) -> None:
    where = ["table", "column", "source_row"]
    notes = planted[planted["unread"] != ""].rename(columns={"unread": "column"})
    found = set(map(tuple, intake.unread[where].to_numpy().tolist()))
    assert found == set(map(tuple, notes[where].to_numpy().tolist()))


def test_what_notes_count_was_planted(intake: Intake, truth: dict) -> None:
    for (table, trap), note in NOTED.items():
        assert f"{note}{truth['planted'][f'{table}.{trap}']}" in intake.caveats
    people = truth["planted"]["ties.placeholder_number"]
    assert any(f"1, with {people} memberships" in note for note in intake.caveats)
    for trap, words in (("clock_twice", "occur twice"), ("clock_never", "do not occur")):
        said = [n for n in intake.caveats if n.startswith("incidents.") and words in n]
        numbers = [int(n.split(": ")[2].split(";")[0]) for n in said]
        assert sum(numbers) == truth["planted"][f"incidents.{trap}"] > 0


def test_each_trap_has_a_rule_a_note_or_a_reason(planted: pd.DataFrame) -> None:
    silent = planted[(planted["rule"] == "") & (planted["unread"] == "")]
    counted = {*NOTED, ("ties", "placeholder_number")}
    counted |= {("incidents", "clock_twice"), ("incidents", "clock_never"), ("ties", "utc_day")}
    for table, traps_of in UNFINDABLE.items():
        names = set(silent.loc[silent["table"] == table, "trap"])
        assert names - {trap for t, trap in counted if t == table} == traps_of, table


def test_a_declared_otherwise_is_used(intake: Intake, clean: Intake, truth: dict) -> None:
    planted = truth["planted"]["persons.declared_otherwise"]
    both = [i.tables.persons.set_index("person_id")["sex"] for i in (intake, clean)]
    shared = both[0].index.intersection(both[1].index)
    raw, true = (sex[shared].astype(str) for sex in both)
    assert ((raw == "unknown") & (true != "unknown")).sum() == planted
    assert (raw != true).sum() == planted


def test_rows_in_are_kept_merged_or_set_aside(intake: Intake) -> None:
    for line in intake.accounts.itertuples():
        assert line.rows_in == line.kept + line.merged + line.quarantined
        assert line.kept == len(intake.tables[line.table])
        assert line.quarantined == len(intake.quarantined[line.table])


def test_incidents_and_ties_come_back(intake: Intake, clean: Intake, planted: pd.DataFrame) -> None:
    raw, true = intake.tables.incidents, clean.tables.incidents
    lost = planted["rule"].isin(["A01", "A04"]) | (planted["trap"] == "closed_late")
    lost &= planted["table"] == "incidents"
    assert len(raw) == len(true) - lost.sum()
    numbers = raw["incident_id"].str.removeprefix("MP")
    assert numbers.is_unique
    assert set(numbers) <= set(true["incident_id"])
    pair = ["person_a", "person_b", "tie_type"]
    ties = intake.tables.ties.merge(clean.tables.ties, on=pair, suffixes=("", "_true"))
    assert len(ties) == len(intake.tables.ties) == len(clean.tables.ties)
    assert (planted["trap"] == "utc_day").any()
    assert (ties["first_seen"] == ties["first_seen_true"]).all()


def headline(tables: Tables, force: ForceFile) -> dict[str, float]:
    children = cohort.select(tables, force, "children")
    seen = repeats.gaps(children).query("observed")["gap_days"]
    held = concentration.measure(children.counts, 0.2, 10)
    return {
        "incidents": len(children.incidents),
        "children": len(children.counts),
        "repeat": repeats.repeat_shares(children.counts).share_of_repeat_people,
        "persistent": held.persistent_share,
        "top": held.top_share,
        "within_14": (seen <= 14).mean(),
        "within_28": (seen <= 28).mean(),
    }


def test_findings_from_the_extract_agree_with_the_truth(
    intake: Intake, clean: Intake, force: ForceFile, planted: pd.DataFrame
) -> None:
    raw, true = headline(intake.tables, force), headline(clean.tables, force)
    persons, incidents = intake.tables.persons, intake.tables.incidents
    ageless = persons.loc[persons["birth_date"].isna(), "person_id"]
    notes = planted[planted["table"] == "persons"]
    misdated = numbers_at(
        notes[notes["trap"].isin(["month_first", "first_of_january", "other_age"])]
    )
    lost = planted["rule"].isin(["A01", "A04"]) | (planted["trap"] == "closed_late")
    lost &= planted["table"] == "incidents"
    unsure = incidents["person_id"].isin({*ageless, *misdated})
    assert abs(true["incidents"] - raw["incidents"]) <= lost.sum() + unsure.sum()
    split = (notes["trap"] == "split_person").sum()
    people_off = incidents.loc[unsure, "person_id"].nunique() + lost.sum() + split
    assert abs(true["children"] - raw["children"]) <= people_off
    for name in ("repeat", "persistent", "top", "within_14", "within_28"):
        assert abs(true[name] - raw[name]) < SHARE_TOLERANCE, name


def numbers_at(notes: pd.DataFrame) -> set[str]:
    """Numbers of the persons in the planted rows of the nominal export."""
    raw = pd.read_csv(FOLDER / "raw" / traps.FILES["persons"], sep=";", dtype=str)
    return set(raw["NOMINAL_REF"].iloc[notes["source_row"] - 2])


def test_marker_effects_from_the_extract_agree_with_the_truth(
    intake: Intake, clean: Intake, force: ForceFile
) -> None:
    found = []
    for one in (intake, clean):
        people = frame.known_before(cohort.select(one.tables, force, "children"))
        terms = predictors.ever_missing(people).terms.set_index("term")
        found.append(np.log(terms.loc[people.study_markers, "estimate"].astype(float)))
    assert (found[0] - found[1]).abs().max() < LOG_ODDS_TOLERANCE


World = tuple[hawkes_world.Society, pd.DataFrame]


@pytest.fixture(scope="module")
def clock() -> Clock:
    return study_clock(hawkes_world.FIRST_DATE, hawkes_world.DAYS)


@pytest.fixture(scope="module")
def worlds(clock: Clock) -> list[World]:
    out = []
    for seed in SEEDS:
        society = hawkes_world.generate(seed)
        rng = np.random.default_rng([20, 15, seed])
        out.append((society, hawkes.simulate(society, hawkes.TRUTH, clock, rng)))
    return out


def at_risk(world: World, clock: Clock) -> list[tuple[np.ndarray, np.ndarray]]:
    """Operational times between which each person can be reported."""
    society, incidents = world
    before, gone = (clock.op(edge) for edge in hawkes.windows(society, clock))
    out = [(before[[k]], np.maximum(before, gone)[[k]]) for k in range(len(before))]
    for row, own in incidents.groupby("row"):
        reported, ended = clock.op(own["reported"]), clock.op(own["ended"])
        low = np.append(before[row], np.minimum(ended, gone[row]))
        out[row] = (low, np.append(reported, gone[row]))
    return out


def reached(since: np.ndarray, decay: float, low: np.ndarray, high: np.ndarray) -> float:
    """Integral of decay exp(-decay (t - since)) over the intervals, after each start."""
    a = np.maximum(low[None, :] - since[:, None], 0.0)
    b = np.maximum(high[None, :] - since[:, None], 0.0)
    return float((np.exp(-decay * a) - np.exp(-decay * b)).sum())


def ratios_to_the_formula(world: World, clock: Clock) -> dict[str, float]:
    """Incidents of each cause over the integral of their part of the intensity."""
    society, incidents = world
    truth, risk = hawkes.TRUTH, at_risk(world, clock)
    number = incidents["cause"].value_counts()
    by_row = {int(row): own for row, own in incidents.groupby("row")}
    own = sum(
        reached(clock.op(rows["ended"]), truth.own_decay, *risk[row])
        for row, rows in by_row.items()
    )
    peer = 0.0
    for row, alters in enumerate(hawkes.neighbours(society)):
        for other in [k for k in alters if k in by_row]:
            reports = clock.op(by_row[other]["reported"])
            peer += reached(reports, truth.peer_decay, *risk[row]) / len(alters)
    return {
        "own": number[hawkes.OWN] / (truth.own * own),
        "peer": number[hawkes.PEER] / (truth.peer * peer),
        **spontaneous_ratios(world, clock, risk),
    }


def spontaneous_ratios(
    world: World, clock: Clock, risk: list[tuple[np.ndarray, np.ndarray]]
) -> dict[str, float]:
    """Spontaneous incidents over their expectation, of all and of people with each marker."""
    society, incidents = world
    truth, grid = hawkes.TRUTH, np.arange(0.0, clock.operational[-1], 10.0)
    birth = society.people["birth"].to_numpy()
    years = (clock.at(grid)[None, :] / DAY - birth[:, None]) / YEAR
    rate = hawkes.rate_by_age(years)
    mass = np.column_stack([np.zeros(len(birth)), np.cumsum(rate[:, :-1] * 10.0, axis=1)])
    time = np.array(
        [
            (np.interp(high, grid, mass[k]) - np.interp(low, grid, mass[k])).sum()
            for k, (low, high) in enumerate(risk)
        ]
    )
    terms = society.design[list(truth.gamma)]
    eta = truth.alpha + terms.to_numpy() @ np.array(list(truth.gamma.values()))
    expected = np.exp(eta) * time
    rows = incidents.loc[incidents["cause"] == hawkes.SPONTANEOUS, "row"]
    seen = np.bincount(rows, minlength=len(birth))
    groups = {"all": np.ones(len(birth)), **{name: terms[name] for name in terms}}
    return {name: float((seen * g).sum() / (expected * g).sum()) for name, g in groups.items()}


def test_each_part_of_the_intensity_has_the_truth_as_expectation(
    worlds: list[World], clock: Clock
) -> None:
    found = pd.DataFrame([ratios_to_the_formula(world, clock) for world in worlds])
    error = found.std() / np.sqrt(len(found))
    assert ((found.mean() - 1).abs() < STANDARD_ERRORS * error).all(), found.mean()
    assert (error < LARGEST_ERROR).all()


def test_without_peer_effect_nobody_sets_off_another(clock: Clock) -> None:
    society = hawkes_world.generate(0)
    alone = replace(hawkes.TRUTH, peer=0.0)
    incidents = hawkes.simulate(society, alone, clock, np.random.default_rng(1))
    assert not (incidents["cause"] == hawkes.PEER).any()


def test_the_book_sees_incidents_travel_along_ties(
    clean: Intake, intake: Intake, force: ForceFile
) -> None:
    for one in (clean, intake):
        children = cohort.select(one.tables, force, "children")
        before = one.tables.ties[one.tables.ties["first_seen"] < children.start]
        found = peers.peer_timing(children, before, seed=1, draws=39)
        assert found.ratio > 1.2
        assert found.p <= 0.05
