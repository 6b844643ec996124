"""The synthetic force Thames Valley: exact margins, known truth, nothing leaked, same bytes."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import chi2

from missing_lib.force.tables import MISSING_REPORT, SCHEMA, STUDY_MARKERS, age_in_years
from missing_lib.synthetic import (
    counts,
    fits,
    people,
    pseudo_true,
    thames_valley,
    times,
    world,
    write,
)
from missing_lib.synthetic.clock import study_clock
from missing_lib.synthetic.conditional import centred_intercept, conditional_bernoulli

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / write.FOLDER
LANDMARK = pd.Timestamp("2014-05-01")
STUDY_ENDS = pd.Timestamp("2020-01-01")
CHILDREN_BY_NUMBER = {1: 631, 2: 96, 3: 112, 4: 48, 5: 36, 6: 28, 7: 22, 8: 18, 9: 16}
REPLICATES = 400
#: A true coverage of 95 % gives values in here for all ten terms in 19 of 20 such tests.
COVERAGE = (0.92, 0.98)
#: A mean over the replicates is off by more than this many standard errors once in 16,000.
STANDARD_ERRORS = 4.0
#: Log odds; maximum likelihood is biased away from zero by less than this with 800 events.
LARGEST_BIAS = 0.03
#: Chance of a false alarm of a chi-squared test of frequencies.
RARE = 1e-4
DRAWS = 6_000


def read(name: str) -> pd.DataFrame:
    kinds = {column: spec.kind for column, spec in SCHEMA[name].items()}
    frame = pd.read_csv(FOLDER / f"{name}.csv", dtype="string", keep_default_na=False)
    frame = frame.mask(frame == "")
    for column, kind in kinds.items():
        if kind in ("date", "time"):
            frame[column] = pd.to_datetime(frame[column], format="ISO8601", utc=kind == "time")
        if kind == "flag":
            frame[column] = frame[column].map({"true": True, "false": False}).astype("boolean")
    return frame


@pytest.fixture(scope="module")
def persons() -> pd.DataFrame:
    return read("persons")


@pytest.fixture(scope="module")
def ties() -> pd.DataFrame:
    return read("ties")


@pytest.fixture(scope="module")
def markers() -> pd.DataFrame:
    return read("markers")


@pytest.fixture(scope="module")
def incidents(persons: pd.DataFrame) -> pd.DataFrame:
    rows = read("incidents").merge(persons, on="person_id", how="left", validate="many_to_one")
    local = rows["reported_at"].dt.tz_convert("Europe/London").dt.tz_localize(None)
    day = local.dt.normalize()
    rows = rows.assign(local=local, day=day, month=day.dt.to_period("M"))
    rows["is_child"] = age_in_years(rows["birth_date"], day) < 18
    return rows.sort_values(["person_id", "reported_at"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def children(incidents: pd.DataFrame) -> pd.DataFrame:
    return incidents[incidents["is_child"]].reset_index(drop=True)


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def before() -> world.World:
    return world.generate(thames_valley.SEED)


@pytest.fixture(scope="module")
def ever(before: world.World) -> np.ndarray:
    """Replicates of who goes missing as a child, drawn with the exact total; rows are draws."""
    stage = counts.CHILD_STAGES["ever"]
    pool = np.flatnonzero(before.is_child)
    eta = stage.eta(before.design.iloc[pool])
    out = np.zeros((REPLICATES, len(before.people)))
    for k in range(REPLICATES):
        rng = np.random.default_rng([20, 14, k])
        out[k, pool] = conditional_bernoulli(eta, stage.total, rng)
    return out


def test_regeneration_is_byte_for_byte_the_committed_folder(tmp_path: Path) -> None:
    written = [p for p in write.regenerate(tmp_path) if p.parent.name == FOLDER.name]
    assert sorted(p.name for p in written) == sorted(p.name for p in FOLDER.iterdir())
    for path in written:
        assert path.read_bytes() == (FOLDER / path.name).read_bytes(), path.name
    assert sum(path.stat().st_size for path in written) < 5e6


@pytest.mark.parametrize("name", SCHEMA)
def test_files_are_plain_and_in_canonical_columns(name: str) -> None:
    data = (FOLDER / f"{name}.csv").read_bytes()
    assert b"\r" not in data
    assert data.isascii()
    told = [column for column, about in SCHEMA[name].items() if about.kind != "age"]
    assert data.decode().splitlines()[0] == ",".join(told)


def test_exact_margins(incidents: pd.DataFrame, children: pd.DataFrame) -> None:
    assert len(incidents) == 8_773
    assert incidents["person_id"].nunique() == 2_753
    assert len(children) == 5_262
    number = children.groupby("person_id").size()
    assert len(number) == 1_132
    small = number[number < 10].value_counts().to_dict()
    heavy = number[number >= 10]
    assert small == CHILDREN_BY_NUMBER
    assert (len(heavy), heavy.sum(), heavy.max()) == (125, 3_121, 140)


def test_incidents_lie_in_the_study_and_in_the_window_of_the_person(
    incidents: pd.DataFrame,
) -> None:
    assert incidents["day"].min() >= LANDMARK
    assert incidents["day"].max() < STUDY_ENDS
    assert incidents["month"].nunique() == 68
    assert (incidents["day"] >= incidents["observed_from"]).all()
    assert not (incidents["day"] > incidents["observed_to"]).any()


@pytest.mark.parametrize(("days", "share"), [(14, 0.60), (28, 0.70)])
def test_shares_of_repeat_gaps(children: pd.DataFrame, days: int, share: float) -> None:
    ended = children.groupby("person_id")["ended_at"].shift()
    gap = (children["reported_at"] - ended)[children["person_id"].duplicated()]
    assert len(gap) == 4_130
    assert gap.notna().all()
    assert abs((gap <= pd.Timedelta(days=days)).mean() - share) < 0.004


def test_fixed_top_fifth_holds_its_share_of_every_month(children: pd.DataFrame) -> None:
    number = children.groupby("person_id").size().sort_values(ascending=False)
    size = 0.2 * len(number)
    above = number.map(lambda n: (number > n).sum())
    equal = number.map(lambda n: (number == n).sum())
    weight = children["person_id"].map(((size - above) / equal).clip(0, 1))
    month = children.groupby("month")
    total, top = month.size(), weight.groupby(children["month"]).sum()
    assert (top / total).min() >= 0.63
    rounded = 5 * np.floor(top / 5 + 0.5) / (5 * np.floor(total / 5 + 0.5))
    assert rounded.min() >= 0.60
    assert total.min() >= 40
    for inside in (weight == 1, weight == 0):
        active = children[inside].groupby("month")["person_id"].nunique()
        assert active.min() >= 10


def test_default_cleaning_touches_no_row(persons: pd.DataFrame, incidents: pd.DataFrame) -> None:
    assert persons["person_id"].is_unique
    assert incidents["incident_id"].is_unique
    assert not incidents.duplicated(["person_id", "reported_at"]).any()
    same = incidents["person_id"].duplicated()
    ended = incidents.groupby("person_id")["ended_at"].shift()
    assert ended[same].notna().all()
    assert (incidents["reported_at"] > ended)[same].all()
    assert not (incidents["missing_from_at"] > incidents["reported_at"]).any()
    assert not (incidents["missing_from_at"] <= ended).any()
    assert not (incidents["ended_at"] <= incidents["reported_at"]).any()
    assert persons["birth_date"].min() > pd.Timestamp("1910-01-01")
    assert persons["birth_date"].max() < LANDMARK
    assert incidents["birth_date"].notna().all()
    midnight = incidents["local"] == incidents["day"]
    assert (midnight == ~incidents["time_known"]).all()


def test_tables_refer_to_each_other(
    persons: pd.DataFrame, markers: pd.DataFrame, ties: pd.DataFrame
) -> None:
    known = set(persons["person_id"])
    columns = [markers["person_id"], ties["person_a"], ties["person_b"]]
    for column in [*columns, read("events")["person_id"], read("incidents")["person_id"]]:
        assert set(column) <= known
    assert (ties["person_a"] < ties["person_b"]).all()
    assert not ties.duplicated(["person_a", "person_b", "tie_type"]).any()
    assert not markers.duplicated(["person_id", "marker", "known_from"]).any()
    dated = markers.merge(persons, on="person_id")
    assert (dated["known_from"] >= dated["observed_from"]).all()
    assert not (dated["known_to"] <= dated["known_from"]).any()


def test_data_behave_like_such_data(incidents: pd.DataFrame, children: pd.DataFrame) -> None:
    spell = (children["ended_at"] - children["reported_at"]).dt.total_seconds() / 3600
    assert 0.45 < (spell <= 8).mean() < 0.55
    assert 0.02 < (spell > 168).mean() < 0.04
    assert 0.03 < incidents["harm"].mean() < 0.045
    early = incidents["day"] < pd.Timestamp("2017-01-01")
    absent = incidents["category"] == "no_apparent_risk"
    assert absent[early].mean() > 0.15
    assert absent[~early].mean() < 0.03
    girls = children.drop_duplicates("person_id")["sex"].eq("female").mean()
    assert 0.45 < girls < 0.60
    age = age_in_years(children["birth_date"], children["day"])
    assert (age >= 12).mean() > 0.75
    is_open = incidents["ended_at"].isna()
    assert 0 < is_open.sum() < 15
    assert incidents.loc[is_open, "day"].min() > STUDY_ENDS - pd.Timedelta(days=14)
    crossing = set(children["person_id"]) & set(incidents.loc[~incidents["is_child"], "person_id"])
    assert 150 <= len(crossing) <= 250
    assert children.loc[children["from_care"].fillna(False), "placement_id"].notna().all()


def test_those_first_known_through_the_report_have_no_record_before_it(
    persons: pd.DataFrame, markers: pd.DataFrame, ties: pd.DataFrame
) -> None:
    reason = persons["known_first_by"].str.split(":").str[1]
    through_report = set(persons.loc[reason == MISSING_REPORT, "person_id"])
    early = markers[markers["known_from"] < LANDMARK]
    assert not through_report & set(early["person_id"])
    earlier = ties[ties["first_seen"] < LANDMARK]
    assert not through_report & (set(earlier["person_a"]) | set(earlier["person_b"]))


def test_design_of_the_frame_can_be_rebuilt_from_the_files(
    before: world.World,
    persons: pd.DataFrame,
    markers: pd.DataFrame,
    ties: pd.DataFrame,
    truth: dict,
) -> None:
    age = age_in_years(persons["birth_date"], pd.Series(LANDMARK, index=persons.index))
    through_report = persons["known_first_by"].str.endswith(f":{MISSING_REPORT}")
    chosen = ~through_report & (persons["observed_from"] < LANDMARK) & (age < 18)
    frame = persons[chosen].assign(age=age[chosen])
    assert len(frame) == len(before.frame) == truth["frame"]["persons"]
    assert frame["age"].between(6, 18).all()
    early = markers[markers["known_from"] < LANDMARK]
    design = before.design.iloc[before.frame]
    for marker in (*STUDY_MARKERS, "residential_care"):
        has = frame["person_id"].isin(early.loc[early["marker"] == marker, "person_id"])
        assert np.array_equal(has.to_numpy(float), design[marker].to_numpy()), marker
    used = ties[(ties["first_seen"] < LANDMARK) & (ties["tie_type"] != "missing_together")]
    pairs = used[["person_a", "person_b"]].drop_duplicates()
    degree = pd.concat([pairs["person_a"], pairs["person_b"]]).value_counts()
    number = frame["person_id"].map(degree).fillna(0).astype(float)
    assert np.allclose(np.log1p(number), design["log1p_degree"])
    assert np.allclose(frame["age"] - world.AGE_CENTRE, design["age"])


def test_records_before_the_landmark_ignore_the_outcomes() -> None:
    one = thames_valley.make(outcome_seed=1).tables
    two = thames_valley.make(outcome_seed=2).tables
    assert not one.incidents.equals(two.incidents)
    for name, dated in (("markers", "known_from"), ("ties", "first_seen")):
        early = [t[name][t[name][dated] < LANDMARK].reset_index(drop=True) for t in (one, two)]
        pd.testing.assert_frame_equal(*early)
    known = people.KNOWN_CHILDREN + people.KNOWN_ADULTS
    columns = ["person_id", "sex", "observed_from", "observed_to", "known_first_by"]
    pd.testing.assert_frame_equal(one.persons[columns][:known], two.persons[columns][:known])


@pytest.mark.parametrize("total", [1, 2, 3])
def test_conditional_sampler_has_the_enumerated_probabilities(total: int) -> None:
    eta = np.array([-1.0, 0.0, 0.4, 1.5])
    chosen = list(itertools.combinations(range(len(eta)), total))
    weight = np.array([np.exp(eta[list(c)].sum()) for c in chosen])
    expected = DRAWS * weight / weight.sum()
    rng = np.random.default_rng(total)
    seen = dict.fromkeys(chosen, 0)
    for _ in range(DRAWS):
        draw = conditional_bernoulli(eta, total, rng)
        assert draw.sum() == total
        seen[tuple(np.flatnonzero(draw).tolist())] += 1
    statistic = ((np.array(list(seen.values())) - expected) ** 2 / expected).sum()
    assert statistic < _chi_squared_bound(len(chosen) - 1)


@pytest.mark.parametrize("total", [0, 3])
def test_conditional_sampler_at_the_ends(total: int) -> None:
    draw = conditional_bernoulli(np.zeros(3), total, np.random.default_rng(1))
    assert draw.sum() == total


def test_intercept_refuses_an_impossible_total() -> None:
    with pytest.raises(ValueError, match="strictly between"):
        centred_intercept(np.zeros(3), 3)


@pytest.mark.parametrize(("n", "roots"), [(3, 1), (4, 2), (5, 5)])
def test_forests_are_uniform(n: int, roots: int) -> None:
    forests = [] if n == roots else _forests(n, roots)
    possible = max(1, roots * n ** (n - roots - 1)) if n > roots else 1
    rng = np.random.default_rng(n)
    seen: dict[tuple[int, ...], int] = {}
    for _ in range(DRAWS):
        key = tuple(times.uniform_forest(n, roots, rng).tolist())
        seen[key] = seen.get(key, 0) + 1
    assert len(seen) == possible
    assert not forests or set(seen) == set(forests)
    expected = DRAWS / possible
    statistic = sum((k - expected) ** 2 / expected for k in seen.values())
    assert statistic < _chi_squared_bound(possible - 1)


def test_number_of_immigrants_follows_poisson_and_borel_tanner() -> None:
    n, a, rng = 6, 0.6, np.random.default_rng(8)
    m = np.arange(1, n + 1)
    factorial = np.cumprod(np.concatenate([[1.0], np.arange(1.0, 10.0)]))
    borel_tanner = m / n * np.exp(-a * n) * (a * n) ** (n - m) / factorial[n - m]
    weight = ((1 - a) * n) ** m / factorial[m] * borel_tanner
    expected = DRAWS * weight / weight.sum()
    drawn = [times.number_of_immigrants(n, a, rng) for _ in range(DRAWS)]
    statistic = ((np.bincount(drawn, minlength=n + 1)[1:] - expected) ** 2 / expected).sum()
    assert statistic < _chi_squared_bound(n - 1)


def test_history_without_echo_follows_the_clock() -> None:
    clock = study_clock()
    window = times.Window(0, 2_071, int(clock.day_start[-1]), 0, -20 * 365)
    rhythm = times.Rhythm(0.001, 5.0, 30.0, 0.5, 0.0)
    rng = np.random.default_rng(3)
    drawn = [times.history(40, window, rhythm, clock, rng) for _ in range(100)]
    op = clock.op(np.concatenate([h.reported for h in drawn])) / clock.operational[-1]
    bins = np.bincount((op * 20).astype(int), minlength=20)
    expected = len(op) / 20
    assert ((bins - expected) ** 2 / expected).sum() < _chi_squared_bound(19)


def test_logistic_model_in_the_frame_recovers_the_truth(
    before: world.World, ever: np.ndarray, truth: dict
) -> None:
    stage = truth["true"]["child_stages"]["ever"]
    beta = stage["beta"] | {"log1p_degree": stage["gamma"]}
    x = sm.add_constant(before.design.iloc[before.frame][list(world.TERMS)])
    wanted = np.array([beta[term] for term in world.TERMS])
    estimates, covered = [], []
    for y in ever[:, before.frame]:
        fit = sm.Logit(y, x.to_numpy()).fit(disp=0)
        error = fit.params[1:] - wanted
        estimates.append(error)
        covered.append(np.abs(error) < 1.959964 * fit.bse[1:])
    error = np.array(estimates)
    bias = error.mean(axis=0)
    noise = error.std(axis=0) / np.sqrt(REPLICATES)
    assert (np.abs(bias) < STANDARD_ERRORS * noise).all()
    assert (np.abs(bias[: len(STUDY_MARKERS)]) < LARGEST_BIAS).all()
    coverage = np.mean(covered, axis=0)
    assert coverage.min() >= COVERAGE[0]
    assert coverage.max() <= COVERAGE[1]


def test_closeness_to_missing_children_has_no_effect(before: world.World, ever: np.ndarray) -> None:
    used = before.ties[["a", "b"]].drop_duplicates().to_numpy()
    frame = before.frame
    x = np.column_stack([np.ones(len(frame)), before.design.iloc[frame][list(world.TERMS)]])
    effects = []
    for y in ever[: REPLICATES // 2]:
        near = np.bincount(used[:, 0], y[used[:, 1]], len(y))
        near += np.bincount(used[:, 1], y[used[:, 0]], len(y))
        effects.append(fits.logit(np.column_stack([x, near[frame] > 0]), y[frame])[-1])
    mean, spread = np.mean(effects), np.std(effects)
    assert abs(mean) < STANDARD_ERRORS * spread / np.sqrt(len(effects))


def test_pseudo_true_values_belong_to_this_version(before: world.World, truth: dict) -> None:
    stored = truth["pseudo_true"]
    assert stored["fingerprint"] == pseudo_true.fingerprint(before)
    assert stored["people"] == 1_000_000
    error = stored["negative_binomial"]["monte_carlo_error"]
    assert all(error[marker] < 0.03 for marker in STUDY_MARKERS)


def test_own_fits_agree_with_statsmodels(before: world.World) -> None:
    block = pseudo_true.simulate(before, study_clock(), np.random.default_rng(5), people=4_000)
    x, offset = block.terms.to_numpy(), np.log(block.days / 365.25)
    ever = (block.number > 0).astype(float)
    assert np.allclose(fits.logit(x, ever), sm.Logit(ever, x).fit(disp=0).params, atol=1e-6)
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    glm = sm.GLM(ever, x, family=family, offset=offset).fit(tol=1e-10)
    assert np.allclose(fits.complementary_log_log(x, ever, offset), glm.params, atol=1e-5)
    found = fits.negative_binomial(x, block.number, offset)
    model = sm.NegativeBinomial(block.number, x, offset=offset)
    start = np.append(found[:-1], np.exp(found[-1]))
    again = model.fit(start_params=start, method="newton", disp=0, maxiter=50)
    assert np.allclose(again.params[:-1], found[:-1], atol=1e-3)


def _forests(n: int, roots: int) -> list[tuple[int, ...]]:
    """All parent lists without a cycle."""
    out = []
    for above in itertools.product(range(n), repeat=n - roots):
        parent = (-1,) * roots + above
        if all(_reaches_a_root(parent, node) for node in range(n)):
            out.append(parent)
    return out


def _reaches_a_root(parent: tuple[int, ...], node: int) -> bool:
    for _ in parent:
        if parent[node] == -1:
            return True
        node = parent[node]
    return False


def _chi_squared_bound(degrees: int) -> float:
    return float(chi2.isf(RARE, max(degrees, 1)))
