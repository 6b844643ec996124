"""Repeats: held against R, hand-made gaps, brute-force sums and simulated worlds."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from missing_lib.figures import repeats as figures
from missing_lib.force.intake import Intake
from missing_lib.force.spec import ForceFile
from missing_lib.study import clustering, repeats, serial, survival
from missing_lib.study.cohort import Cohort, select
from tests.made_cohorts import make_cohort, random_cohort
from tests.reference_cases import case

RELATIVE = 1e-9  # tolerance that the cases state, or tighter
CLOSE = 1e-9
LAST_DAY = 68 * 30 - 1  # of the constructed case, if somebody goes missing on it

STEADY = settings(deadline=None, derandomize=True, max_examples=60)
FEW = settings(STEADY, max_examples=15)

times_and_events = st.lists(
    st.tuples(st.integers(1, 30), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40
)


def columns(rows: list[tuple[int, bool, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    time, event, who = (np.array(c) for c in zip(*rows, strict=True))
    return time.astype(float), event.astype(bool), who


# --- held against R ----------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["Maintained", "Nonmaintained"])
def test_kaplan_meier_agrees_with_r(group: str) -> None:
    data, expected, _ = case("km_aml_groups")
    rows, want = data[data["x"] == group], expected["groups"][group]
    curve = survival.kaplan_meier(rows["time"], rows["status"])
    np.testing.assert_array_equal(curve["time"], want["time"])
    np.testing.assert_array_equal(curve["at_risk"], want["n_risk"])
    np.testing.assert_array_equal(curve["events"], want["n_event"])
    np.testing.assert_allclose(curve["survival"], want["surv"], rtol=RELATIVE, atol=1e-14)
    inside = (curve["survival"] > 0).to_numpy()
    for column, name in (("se", "greenwood_se_surv"),):
        given_by_r = np.array(want[name], dtype=float)
        np.testing.assert_allclose(curve[column][inside], given_by_r[inside], rtol=RELATIVE)
    for column in ("lower", "upper"):
        given_by_r = np.array(want["ci_log-log"][column], dtype=float)
        np.testing.assert_allclose(curve[column][inside], given_by_r[inside], rtol=RELATIVE)


@pytest.mark.parametrize("group", ["all", "sex1", "sex2"])
def test_kaplan_meier_at_fixed_days_agrees_with_r(group: str) -> None:
    data, expected, _ = case("km_lung_sex")
    want = expected["curves"][group]
    rows = data if group == "all" else data[data["sex"] == int(group[3:])]
    curve = survival.kaplan_meier(rows["time"], rows["status"], at=want["times"])
    names = {
        "at_risk": "n_risk",
        "survival": "surv",
        "se": "se",
        "lower": "lower_loglog",
        "upper": "upper_loglog",
    }
    for ours, theirs in names.items():
        np.testing.assert_allclose(curve[ours], want[theirs], rtol=RELATIVE)


@pytest.mark.parametrize("group", ["transplant=0", "transplant=1"])
def test_kaplan_meier_with_delayed_entry_agrees_with_r(group: str) -> None:
    data, expected, _ = case("km_lefttrunc_heart")
    rows, want = data[data["transplant"] == int(group[-1])], expected[group]
    curve = survival.kaplan_meier(
        rows["stop"], rows["event"], entry=rows["start"], at=want["times"]
    )
    # the case's robust errors equal Greenwood's: R uses them where nobody has two events
    for ours, theirs in (("survival", "surv"), ("se", "se_greenwood")):
        np.testing.assert_allclose(curve[ours], want[theirs], rtol=RELATIVE)


@pytest.mark.parametrize("arm", ["1", "2"])
def test_nelson_aalen_agrees_with_r(arm: str) -> None:
    data, expected, _ = case("nelson_aalen_bladder_first")
    rows, want = data[data["rx"] == int(arm)], expected[arm]
    curve = survival.nelson_aalen(rows["stop"], rows["event"])
    np.testing.assert_array_equal(curve["time"], want["time"])
    np.testing.assert_array_equal(curve["at_risk"], want["n_risk"])
    np.testing.assert_allclose(curve["cumulative_hazard"], want["nelson_aalen"], rtol=RELATIVE)
    np.testing.assert_allclose(curve["se"], want["se_nelson_aalen"], rtol=RELATIVE)


@pytest.mark.parametrize("arm", ["all", "rIFN-g", "placebo"])
def test_mean_cumulative_function_agrees_with_r(arm: str) -> None:
    data, expected, _ = case("mcf_cgd")
    rows = data if arm == "all" else data[data["treat"] == arm]
    want, events = expected[arm], rows[rows["status"] == 1]
    curve = survival.mean_cumulative(
        events["tstop"], events["id"], rows.groupby("id")["tstop"].max()
    )
    np.testing.assert_array_equal(curve["time"], want["time"])
    np.testing.assert_array_equal(curve["at_risk"], want["n_risk"])
    np.testing.assert_allclose(curve["mean"], want["mcf"], rtol=RELATIVE)
    np.testing.assert_allclose(curve["se"], want["se_robust"], rtol=RELATIVE)


def test_mean_cumulative_function_counts_events_of_one_day_in_full() -> None:
    data, want, _ = case("mcf_valveseats")
    events = data[data["No."] == 1]
    curve = survival.mean_cumulative(events["Days"], events["ID"], data.groupby("ID")["Days"].max())
    np.testing.assert_array_equal(np.diff(curve["events"], prepend=0), want["n_event"])
    np.testing.assert_allclose(curve["mean"], want["mcf"], rtol=RELATIVE)
    np.testing.assert_allclose(curve["se"], want["se_lawless_nadeau"], rtol=RELATIVE)
    np.testing.assert_allclose(curve["lower"], want["lower_plain_ci"], rtol=RELATIVE, atol=1e-12)
    np.testing.assert_allclose(curve["upper"], want["upper_plain_ci"], rtol=RELATIVE)


@pytest.fixture(scope="module")
def constructed() -> tuple[pd.DataFrame, dict]:
    """The constructed study as gaps: days between incidents, the last open one censored."""
    data, expected, _ = case("concentration_constructed")
    data = data.sort_values(["child", "day"], kind="stable")
    nxt = data.groupby("child")["day"].shift(-1)
    spells = pd.DataFrame(
        {
            "person_id": data["child"],
            "order": data.groupby("child").cumcount() + 1,
            "gap_days": nxt.fillna(data["day"].max()) - data["day"],
            "observed": nxt.notna(),
        }
    )
    return spells, expected


def test_gap_shares_of_the_constructed_study(constructed: tuple[pd.DataFrame, dict]) -> None:
    spells, want = constructed
    counts = spells.groupby("person_id").size()
    shares = repeats.repeat_shares(counts)
    assert shares.share_of_repeat_people == pytest.approx(want["share_ge2"], rel=1e-12)
    assert shares.repeat_people == want["children"] - want["single"]
    table = repeats.short_gaps(spells, (14, 28), draws=50)
    assert table["gaps"].tolist() == [want["gaps"]] * 2
    assert table["share"].tolist() == pytest.approx([want["gap_le14"], want["gap_le28"]])
    assert table["share_of_incidents"].tolist() == pytest.approx(
        [want["per_incident_le14"], want["per_incident_le28"]]
    )


def test_kaplan_meier_of_the_constructed_study(constructed: tuple[pd.DataFrame, dict]) -> None:
    spells, want = constructed
    watched = repeats.ever_at_risk(spells)
    curve = survival.kaplan_meier(
        watched["gap_days"], watched["observed"], cluster=watched["person_id"], at=[14, 28]
    )
    followed = (1 - curve["survival"]).tolist()
    assert followed == pytest.approx([want["km_repeat_14"], want["km_repeat_28"]], rel=1e-12)
    assert curve["se"].tolist() == pytest.approx(want["km_se_cluster"], abs=1e-9)
    first = watched[watched["order"] == 1]
    curve = survival.kaplan_meier(first["gap_days"], first["observed"], at=[14, 28])
    followed = (1 - curve["survival"]).tolist()
    assert followed == pytest.approx(
        [want["km_first_repeat_14"], want["km_first_repeat_28"]], rel=1e-12
    )


# --- properties of the estimators --------------------------------------------------------------


@STEADY
@given(times_and_events, st.randoms())
def test_row_order_never_matters(rows: list, random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    for one, two in ((columns(rows), columns(shuffled)),):
        pd.testing.assert_frame_equal(
            survival.kaplan_meier(one[0], one[1], cluster=one[2]),
            survival.kaplan_meier(two[0], two[1], cluster=two[2]),
        )
        pd.testing.assert_frame_equal(
            survival.piecewise_hazard(*one, edges=(0, 7, 14, 28)),
            survival.piecewise_hazard(*two, edges=(0, 7, 14, 28)),
        )


@STEADY
@given(st.lists(st.integers(1, 20), min_size=1, max_size=50))
def test_without_censoring_the_curve_is_the_share_that_remains(times: list[int]) -> None:
    curve = survival.kaplan_meier(times, [True] * len(times))
    remain = [np.mean(np.array(times) > t) for t in curve["time"]]
    np.testing.assert_allclose(curve["survival"], remain, atol=1e-12)


@STEADY
@given(times_and_events)
def test_one_row_a_cluster_gives_greenwood(rows: list) -> None:
    time, event, _ = columns(rows)
    plain = survival.kaplan_meier(time, event)
    robust = survival.kaplan_meier(time, event, cluster=np.arange(len(time)))
    np.testing.assert_allclose(plain["se"], robust["se"], atol=1e-12)


@STEADY
@given(times_and_events)
def test_hazard_bands_share_out_all_events_and_days(rows: list) -> None:
    time, event, who = columns(rows)
    bands = survival.piecewise_hazard(time, event, who, (0, 5, 10, 30))
    assert bands["events"].sum() == event.sum()
    assert bands["person_days"].sum() == pytest.approx(time.sum())


def test_robust_variance_of_the_mean_cumulative_function_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    lengths = pd.Series(rng.integers(3, 25, 14), index=[f"p{k}" for k in range(14)], dtype=float)
    who = rng.choice(lengths.index[:9], 30)  # five people without any event
    times = np.floor(rng.uniform(0, 1, 30) * lengths[who].to_numpy())
    curve = survival.mean_cumulative(times, who, lengths)
    for row in curve.itertuples():
        total = 0.0
        for person, end in lengths.items():
            influence = 0.0
            for s in sorted(set(times[times <= row.time])):
                at_risk = (lengths >= s).sum()
                mean_step = (times == s).sum() / at_risk
                own = ((times == s) & (who == person)).sum()
                influence += (own - (end >= s) * mean_step) / at_risk
            total += influence**2
        assert row.se == pytest.approx(np.sqrt(total), rel=1e-10)


def test_a_row_censored_at_its_origin_was_never_at_risk() -> None:
    with_row = survival.kaplan_meier([0, 0, 5, 9], [True, False, True, False])
    without = survival.kaplan_meier([0, 5, 9], [True, True, False])
    pd.testing.assert_frame_equal(with_row, without)


# --- gaps made by hand -------------------------------------------------------------------------


def test_a_gap_runs_from_the_end_to_the_next_report() -> None:
    cohort = make_cohort(
        [("a", "2016-01-01 10:00"), ("a", "2016-01-15 16:00"), ("a", "2016-01-15 23:00")],
        hours=[6, 7, 1],
    )
    spells = repeats.gaps(cohort)
    assert spells["gap_days"].tolist()[:2] == [14.0, 0.0]
    assert spells["observed"].tolist() == [True, True, False]
    assert spells["away_days"].tolist()[:2] == pytest.approx([0.25, 7 / 24])
    table = repeats.short_gaps(spells, (14, 28), draws=10)
    assert table["short"].tolist() == [2, 2]  # a gap of exactly the bound is within it


def test_a_gap_longer_than_the_bound_by_a_minute_is_not_within_it() -> None:
    cohort = make_cohort([("a", "2016-01-01 10:00"), ("a", "2016-01-15 16:01")])
    table = repeats.short_gaps(repeats.gaps(cohort), (14, 28), draws=10)
    assert table["short"].tolist() == [0, 1]
    assert table["people_long"].tolist() == [1, 0]


@pytest.mark.parametrize("hours", [None, 24.0 * 40])
def test_without_a_usable_end_the_clock_starts_at_the_report(hours: float | None) -> None:
    cohort = make_cohort([("a", "2016-01-01 10:00"), ("a", "2016-01-11 10:00")], hours=[hours, 1])
    spells = repeats.gaps(cohort)
    assert spells["gap_days"].iloc[0] == 10.0
    assert spells["from_end"].tolist() == [False, True]
    assert repeats.clock_share(spells[spells["observed"]])["value"] == 0.0


@pytest.mark.parametrize(
    ("birth", "left", "last_instant"),
    [
        ("2003-06-15", None, "2018-01-01T00:00Z"),  # end of the study
        ("1999-03-01", None, "2017-03-01T00:00Z"),  # first instant of the eighteenth birthday
        ("1999-07-01", None, "2017-06-30T23:00Z"),  # the same in summer time
        ("2003-06-15", "2016-10-31", "2016-11-01T00:00Z"),  # moved away
    ],
)
def test_the_last_gap_is_censored_where_observation_ends(
    birth: str, left: str | None, last_instant: str
) -> None:
    cohort = make_cohort(
        [("a", "2016-01-01 10:00")], births={"a": birth}, observed_to={"a": left} if left else {}
    )
    row = repeats.gaps(cohort).iloc[0]
    wanted = pd.Timestamp(last_instant) - pd.Timestamp("2016-01-01T16:00Z")
    assert not row["observed"]
    assert row["gap_days"] == pytest.approx(wanted / pd.Timedelta(days=1))


def test_somebody_without_a_row_among_persons_is_watched_to_the_end() -> None:
    cohort = make_cohort([("a", "2017-12-01 12:00"), ("b", "2017-12-01 12:00")])
    twice = pd.concat([cohort.persons[cohort.persons["person_id"] == "b"]] * 2)
    spells = repeats.gaps(
        replace(cohort, persons=twice.assign(observed_to=pd.to_datetime([None, "2017-12-20"])))
    )
    assert spells["gap_days"].tolist() == [30.25, 30.25]  # the first row of a person holds


def test_an_incident_after_the_birthday_is_not_the_next_one() -> None:
    cohort = make_cohort(
        [("a", "2017-02-20 10:00"), ("a", "2017-03-05 10:00")], births={"a": "1999-03-01"}
    )
    assert len(cohort.incidents) == 1
    assert repeats.gaps(cohort)["observed"].tolist() == [False]


def test_incidents_are_put_in_bands_of_their_order() -> None:
    cohort = make_cohort([("a", f"2016-{m:02d}-01 10:00") for m in range(1, 12)])
    bands = repeats.gaps(cohort)["order_band"].astype(str).tolist()
    assert bands == (
        ["1st", "2nd"] + ["3rd to 4th"] * 2 + ["5th to 9th"] * 5 + ["10th or later"] * 2
    )


def test_both_meanings_of_repeat() -> None:
    shares = repeats.repeat_shares([1, 1, 2, 6])
    assert shares.of_repeat_people == 8
    assert shares.after_first == 6
    assert shares.share_of_repeat_people == 0.8
    assert shares.share_after_first == 0.6


# --- clocks of the mean cumulative function ----------------------------------------------------


def test_clock_since_the_first_leaves_the_first_out_and_counts_same_day_repeats() -> None:
    cohort = make_cohort(
        [("a", "2017-12-01 10:00"), ("a", "2017-12-01 20:00"), ("b", "2017-12-11 10:00")]
    )
    events, windows = repeats.clock_since_first(cohort)
    assert events["days_since_first"].tolist() == [0]
    assert windows.set_index("person_id")["days"].to_dict() == {"a": 30, "b": 20}


def test_clock_since_entry_holds_everybody_known() -> None:
    cohort = make_cohort([("a", "2015-01-01 10:00"), ("a", "2015-01-31 10:00")], others=3)
    events, windows = repeats.clock_since_entry(cohort)
    assert events["days_since_entry"].tolist() == [1, 31]
    assert len(windows) == 4
    means = repeats.mean_numbers(cohort, (365,)).set_index("clock")["mean"]
    assert means.tolist() == [1.0, 0.5]


# --- uncertainty -------------------------------------------------------------------------------


def test_intervals_of_the_short_gap_share_cover_the_truth() -> None:
    worlds, covered = 100, 0
    rng = np.random.default_rng(5)

    def drawn(people: int) -> pd.DataFrame:
        number = rng.integers(1, 12, people)
        tendency = rng.beta(2, 2, people)  # gaps of one person resemble each other
        who = np.repeat(np.arange(people), number)
        short = rng.random(len(who)) < np.repeat(tendency, number)
        return pd.DataFrame(
            {"person_id": who, "gap_days": np.where(short, 3.0, 60.0), "observed": True}
        )

    for seed in range(worlds):
        row = repeats.short_gaps(drawn(120), (14,), draws=200, seed=seed).iloc[0]
        covered += row["low"] <= 0.5 <= row["high"]
    # nominal 95 %; three standard errors of 100 replicates are 6.5 points
    assert covered / worlds >= 0.885


def test_intervals_allow_for_gaps_of_one_person_being_alike() -> None:
    who = np.repeat(np.arange(40), 10)
    short = np.repeat(np.arange(40) % 2 == 0, 10)  # a person has short gaps only, or none
    alike = pd.DataFrame(
        {"person_id": who, "gap_days": np.where(short, 3.0, 60.0), "observed": True}
    )
    row = repeats.short_gaps(alike, (14,), seed=1).iloc[0]
    assert row["high"] - row["low"] > 0.25  # 0.10 if gaps were independent


@pytest.mark.parametrize(
    ("share", "shown", "says"),
    [
        (0.7, True, "In {share}"),
        (0.99, False, "Nearly all of these gaps start at the recorded end"),
        (0.01, False, "Nearly all of these gaps start at the report"),
        (0.5, False, "is not shown"),
        (np.nan, False, "is not shown"),
    ],
)
def test_from_where_the_gaps_run(share: float, shown: bool, says: str) -> None:
    assert says in repeats.describe_clock(share, shown)


@FEW
@given(st.floats(0.2, 3.0), st.floats(0.001, 0.1), st.floats(0.5, 200.0))
def test_memoryless_people_after_a_randomly_chosen_event(k: float, theta: float, t: float) -> None:
    law = stats.gamma(k, scale=theta)
    chosen, _ = integrate.quad(
        lambda u: law.ppf(u) * np.exp(-law.ppf(u) * t), 0, 1, limit=200, epsabs=1e-12
    )
    assert repeats.memoryless_survival(t, k, theta) == pytest.approx(chosen / (k * theta), rel=1e-4)


# --- the synthetic force -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def children(thames_valley: ForceFile, thames_valley_intake: Intake) -> Cohort:
    return select(thames_valley_intake.tables, thames_valley, "children")


def test_the_synthetic_force_has_the_published_repeats(children: Cohort) -> None:
    shares = repeats.repeat_shares(children.counts)
    assert round(100 * shares.share_of_repeat_people) == 88
    assert round(100 * shares.share_after_first, 1) == 78.5
    table = repeats.short_gaps(repeats.gaps(children), (14, 28), draws=20)
    assert (100 * table["share"]).round().tolist() == [60, 70]


# --- too little data, and figures --------------------------------------------------------------

NOBODY = make_cohort([])
ONE = make_cohort([("a", "2015-05-05 10:00")])
NO_REPEATS = make_cohort([(p, "2016-05-05 10:00") for p in "abc"], others=2)
SAME_DAY = make_cohort([(p, "2016-05-05 10:00") for p in "aaabb"], hours=[0] * 5)


@pytest.mark.parametrize(
    "cohort", [NOBODY, ONE, NO_REPEATS, SAME_DAY], ids=["nobody", "one", "no repeats", "same day"]
)
def test_too_little_data_gives_missing_values_and_no_error(cohort: Cohort) -> None:
    spells = repeats.gaps(cohort)
    seen, watched = spells[spells["observed"]], repeats.ever_at_risk(spells)
    table = repeats.short_gaps(spells, (14, 28), draws=10)
    assert table["share"].isna().all() == seen.empty
    repeats.bootstrap_shares(cohort.counts, draws=10)
    repeats.clock_share(seen)
    repeats.followed_by(watched, [14, 365])
    repeats.hazard_table(watched)
    repeats.mean_numbers(cohort, (365,))
    repeats.memoryless_table(*repeats.memoryless_reference(cohort))
    survival.nelson_aalen(watched["gap_days"], watched["observed"])
    worlds, nulls = clustering.compare_nulls(cohort, spells, (14, 28), draws=5)
    assert nulls["p"].isna().all() == seen.empty
    clustering.describe(clustering.main_comparison(nulls))
    rates = repeats.hazard_table(watched).join(clustering.expected_hazard(worlds))
    clustering.describe_soonest(clustering.soonest(rates))
    figures.hazard(rates)
    figures.clustering(clustering.in_words(nulls))
    serial.describe(serial.serial_correlation(spells))


def test_same_day_repeats_count_as_gaps_of_no_length() -> None:
    spells = repeats.gaps(SAME_DAY)
    assert spells.loc[spells["observed"], "gap_days"].tolist() == [0.0] * 3
    assert repeats.hazard_table(spells)["people"].iloc[0] == 2


def test_figures_are_drawn_and_left_to_nobody() -> None:
    cohort = random_cohort(60, 3, clustered=True)
    spells = repeats.gaps(cohort)
    watched = repeats.ever_at_risk(spells)
    curve = survival.kaplan_meier(watched["gap_days"], watched["observed"])
    reference = repeats.memoryless_table(*repeats.memoryless_reference(cohort))
    worlds, nulls = clustering.compare_nulls(cohort, spells, (14, 28), draws=9)
    rates = repeats.hazard_table(watched).join(clustering.expected_hazard(worlds))
    mean = pd.DataFrame({"group": "all", "time": [0.0, 30.0], "mean": [0.0, 0.4]})
    drawn = [
        figures.next_incident(curve.assign(group="all"), reference, bounds=(14, 28)),
        figures.next_incident(curve.assign(group="all")),
        figures.hazard(rates),
        figures.clustering(clustering.in_words(nulls)),
        figures.mean_number(mean, "since the first report"),
    ]
    assert [len(f.axes) for f in drawn] == [1] * 5
    assert drawn[2].axes[0].get_yscale() == "log"
    assert not plt.get_fignums()
