"""Network and timing: held against R, all-pairs search, plain loops and simulated nulls."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from missing_lib.figures import network as figures
from missing_lib.force.spec import ForceFile
from missing_lib.force.tables import STUDY_MARKERS
from missing_lib.study import frame as frames
from missing_lib.study import nearness, network, peers, regression, structure
from missing_lib.study.cohort import Cohort, select
from missing_lib.synthetic.counts import CHILD_STAGES
from missing_lib.synthetic.thames_valley import make as make_thames_valley
from tests.made_networks import known_cohort, odd_cohorts, random_force
from tests.reference_cases import FOLDER, case

pytestmark = pytest.mark.filterwarnings("error")

R = 1e-9  # the tolerance of the karate case; the Florentine one is exact
ODD = odd_cohorts()
#: Odd cohorts in which somebody of the comparison went missing and has a tie.
SHUFFLED = {
    "two tied, one missing",
    "everybody missing",
    "no markers",
    "constant marker",
    "marker tells all",
    "one component",
    "everybody of all ages",
}


def reference(name: str) -> tuple[nearness.Graph, pd.DataFrame, dict]:
    ties, expected, _ = case(name)
    nodes = pd.read_csv(FOLDER / name / "nodes.csv")
    return nearness.graph(ties, nodes["node"]), nodes, expected


def random_graph(n: int, each: float, seed: int) -> nearness.Graph:
    pairs = np.random.default_rng(seed).integers(0, n, (int(n * each / 2), 2))
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    return nearness.graph(pd.DataFrame(pairs), np.arange(n))


def far(value: float) -> float:
    return np.inf if value is None else value


# --- structure, held against R ---------------------------------------------------------------


def test_the_karate_club_is_that_of_r() -> None:
    graph, nodes, expected = reference("net_karate")
    assert graph.degree.tolist() == expected["degree"]
    found = structure.structure(graph, nodes["club"] == 1)
    assert (found.people, found.connected, found.pairs) == (34, 34, expected["m"])
    assert (found.components, found.in_largest, found.in_small) == (1, expected["components"], 0)
    assert found.transitivity == pytest.approx(expected["global_transitivity"], rel=R)
    assert found.assortativity == pytest.approx(expected["nominal_assortativity"], rel=R)
    assert found.mean_degree == pytest.approx(np.mean(expected["degree"]), rel=R)
    own = np.array(expected["local_clustering"])[np.array(expected["degree"]) > 1]
    assert found.clustering == pytest.approx(own.mean(), rel=R)
    assert found.degree_assortativity == pytest.approx(expected["degree_assortativity"], rel=R)
    everybody = nearness.harmonic_closeness(graph, np.ones(34, bool))
    assert everybody == pytest.approx(expected["harmonic_sum"], rel=R)


def test_nearness_of_the_florentine_families_is_that_of_r() -> None:
    graph, nodes, expected = reference("net_florentine_nearest_exact")
    case_ = nodes["case"].to_numpy(bool)
    steps = nearness.nearest_other(graph, case_)
    near = expected["nearest"]
    assert steps[case_].tolist() == [far(v) for v in near["case_to_nearest_other_case"]]
    assert steps[~case_].tolist() == [
        far(v) for v, own in zip(near["dist_to_nearest_case"], case_, strict=True) if not own
    ]
    assert steps[case_].mean() == pytest.approx(expected["observed"]["mean_nn"], rel=1e-12)
    found = structure.assortativity(graph, case_)
    assert found == pytest.approx(expected["metrics"]["nominal_assortativity"], rel=1e-12)


def test_every_choice_of_five_families_gives_the_exact_p_of_r() -> None:
    graph, nodes, expected = reference("net_florentine_nearest_exact")
    every = list(combinations(range(15), 5))
    mean, inverse = np.empty(len(every)), np.empty(len(every))
    for k, chosen in enumerate(every):
        label = np.isin(np.arange(15), chosen)
        steps = nearness.nearest_other(graph, label)[label]
        mean[k], inverse[k] = steps.mean(), (1 / steps).mean()
    observed = expected["observed"]["mean_nn"]
    assert (mean <= observed + 1e-12).sum() == expected["count_le"]
    assert mean.mean() == pytest.approx(expected["perm_mean"]["mean_nn"], rel=1e-12)
    assert mean.std() == pytest.approx(expected["perm_sd_population"]["mean_nn"], rel=1e-12)

    label, one = nodes["case"].to_numpy(bool), np.zeros(15, int)
    rng = np.random.default_rng(1)
    test = nearness.nearness_test(graph, label, np.arange(15), one, rng, draws=1999)
    exact = (inverse >= test.observed - 1e-12).mean()
    assert test.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 1999))
    assert test.p == (1 + (test.null >= test.observed - 1e-12).sum()) / 2000


# --- search, held against all pairs ----------------------------------------------------------


@pytest.mark.parametrize(("each", "share"), [(0.8, 0.2), (2.0, 0.1), (5.0, 0.02), (3.0, 1.0)])
@pytest.mark.parametrize("seed", range(4))
def test_steps_to_the_nearest_other_are_those_of_all_pairs(
    each: float, share: float, seed: int
) -> None:
    graph = random_graph(90, each, seed)
    label = np.random.default_rng(seed + 50).random(90) < share
    lengths = dict(nx.all_pairs_shortest_path_length(nx.from_scipy_sparse_array(graph.neighbours)))
    others = [[lengths[i][j] for j in lengths[i] if label[j] and j != i] for i in range(90)]
    assert nearness.nearest_other(graph, label).tolist() == [min(d, default=np.inf) for d in others]
    inverse = [sum(1 / d for d in ds) for ds in others]
    assert nearness.harmonic_closeness(graph, label) == pytest.approx(inverse, rel=1e-12)


def test_own_incidents_never_count() -> None:
    graph = nearness.graph(pd.DataFrame({"a": ["x", "y"], "b": ["y", "z"]}), ["alone"])
    only_y = graph.names.isin(["y"])
    steps = dict(zip(graph.names, nearness.nearest_other(graph, only_y), strict=True))
    assert steps == {"alone": np.inf, "x": 1, "y": np.inf, "z": 1}


def test_too_large_a_network_gets_no_closeness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearness, "DISTANCE_BUDGET", 10)
    graph = random_graph(50, 2.0, 1)
    assert np.isnan(nearness.harmonic_closeness(graph, np.ones(50, bool))).all()


def test_only_ties_of_before_the_landmark_make_connections() -> None:
    ties = [
        ("a", "b", "co_arrest", "2014-12-31"),
        ("a", "b", "same_school", "2013-01-01", "education"),
        ("a", "c", "co_arrest", "2015-01-01"),
        ("a", "d", "missing_together", "2014-06-01"),
        ("c", "d", "same_school", "2014-06-01", "education"),
        ("d", "d", "co_arrest", "2014-06-01"),
    ]
    cohort = known_cohort({name: {} for name in "abcd"}, (), (), ties)
    pairs = network.ties_before(cohort)
    assert pairs.to_numpy().tolist() == [["a", "b"], ["c", "d"]]
    assert network.connections(pairs).to_dict() == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert network.ties_before(cohort, agency="police").to_numpy().tolist() == [["a", "b"]]
    turned = cohort.ties.rename(columns={"person_a": "person_b", "person_b": "person_a"})
    again = network.ties_before(replace(cohort, ties=turned))
    pd.testing.assert_frame_equal(again, pairs)


# --- tables and models -----------------------------------------------------------------------


def test_classes_of_connections_hold_everybody_once_and_enough_people() -> None:
    cohort = random_force(600, 2, ties_each=4.0)
    frame = frames.known_before(cohort)
    degree = network.connections(network.ties_before(cohort))
    table = network.by_connections(frame, degree)
    assert table["people"].sum() == len(frame.people)
    assert table["ever"].sum() == frame.people["ever"].sum()
    assert table["fewest"].iloc[-1] >= structure.SMALLEST_CLASS
    assert table["connections"].iloc[-1].endswith("or more")
    number = frame.people["person_id"].map(degree).fillna(0)
    inside = number.between(3, 4)
    row = table.set_index("connections").loc["3 to 4"]
    assert (row["people"], row["ever"]) == (inside.sum(), frame.people.loc[inside, "ever"].sum())
    graph = nearness.graph(network.ties_before(cohort), frame.people["person_id"])
    missing = graph.names.isin(cohort.counts.index)
    steps = network.by_steps(frame, graph, nearness.nearest_other(graph, missing))
    assert steps["people"].sum() == len(frame.people)


def test_more_connections_raise_the_odds_by_the_simulated_amount() -> None:
    cohort = random_force(4000, 9, ties_each=4.0)
    frame = frames.known_before(cohort)
    degree = network.connections(network.ties_before(cohort))
    number = frame.people["person_id"].map(degree).fillna(0)
    rng = np.random.default_rng(9)
    chance = 1 / (1 + np.exp(2.0 - 0.5 * np.log2(1 + number)))
    people = frame.people.assign(ever=rng.random(len(number)) < chance)
    row = network.degree_model(replace(frame, people=people), degree).row("connections")
    assert abs(row["coefficient"] - 0.5) < 4 * row["se"]
    assert row["se"] < 0.06
    assert network.raises(row["estimate"], row["p"]) is True


def test_the_step_model_has_honest_errors_where_the_usual_ones_are_too_small() -> None:
    """Nobody influences anybody, yet two tied people are part of each other's nearness."""
    n, draws = 400, 100
    graph = random_graph(n, 2.5, 3)
    names = [f"p{k:03d}" for k in range(n)]
    graph = replace(graph, names=pd.Index(names))
    cohort = known_cohort(
        {name: {"birth_date": f"200{k % 5}-06-15"} for k, name in enumerate(names)}
    )
    frame = frames.known_before(cohort)
    degree = pd.Series(graph.degree, index=names)
    rng = np.random.default_rng(4)
    honest, usual = [], []
    for _ in range(draws):
        ever = rng.random(n) < 0.25
        steps = nearness.nearest_other(graph, ever)
        mine = replace(frame, people=frame.people.assign(ever=ever))
        row = network.steps_model(mine, graph, degree, steps).row("steps")
        design = network.design_of(mine, degree).assign(
            steps=np.where(np.isfinite(steps), steps, np.nan)
        )
        plain = regression.logistic(ever, design).row("steps")
        assert plain["coefficient"] == row["coefficient"]
        honest.append(row["coefficient"] / row["se"])
        usual.append(plain["coefficient"] / plain["se"])
    outside = np.mean(np.abs(honest) > 1.96)
    assert outside <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / draws)  # 4 binomial errors
    assert 0.72 < np.std(honest) < 1.28  # 4 standard errors of a standard deviation of 100
    assert np.std(usual) > 1.15 * np.std(honest)


@pytest.mark.parametrize(
    ("lower", "upper", "p", "says"),
    [
        (0.81, 1.24, 0.04, "no apparent influence"),
        (1.01, 1.2, 0.01, "no apparent influence"),
        (0.81, 1.24, 0.06, "not enough data"),
        (1.01, 1.2, np.nan, "not enough data"),
        (0.79, 1.1, 0.04, "not enough data"),
        (0.9, 1.3, 0.9, "not enough data"),
        (1.01, 1.3, 0.9, "an association"),
        (0.5, 0.99, 0.9, "an association"),
        (np.nan, np.nan, np.nan, "not available"),
    ],
)
def test_absence_of_evidence_is_told_from_evidence_of_absence(
    lower: float, upper: float, p: float, says: str
) -> None:
    assert network.verdict(lower, upper, p) == says


def test_raises_needs_a_small_adjusted_p() -> None:
    assert network.raises(1.1, 0.04) is True
    assert network.raises(0.4, 0.04) is False
    assert network.raises(1.5, 0.06) is None
    assert network.raises(np.nan, np.nan) is None
    assert network.raises(1.5, np.nan) is None


def test_shuffles_stay_within_strata_and_reach_everybody() -> None:
    rng = np.random.default_rng(5)
    stratum = rng.integers(0, 4, 200)
    label = rng.random(200) < 0.1 + 0.2 * stratum
    share = np.zeros(200)
    for _ in range(400):
        mixed = nearness.shuffle_within(label, stratum, rng)
        assert (np.bincount(stratum, mixed) == np.bincount(stratum, label)).all()
        share += mixed / 400
    want = (np.bincount(stratum, label) / np.bincount(stratum))[stratum]
    assert np.abs(share - want).max() < 5 * np.sqrt(0.25 / 400)


def test_strata_hold_alike_people() -> None:
    people = {f"p{k}": {"birth_date": f"{2000 + k}-06-15"} for k in range(4)}
    care = [
        ("p1", "local_authority_care", "2014-01-01", None),
        ("p2", "arrest", "2014-01-01", None),
    ]
    frame = frames.known_before(known_cohort(people, (), care))
    alike = network.strata(frame, pd.Series({"p0": 1, "p1": 1, "p2": 1, "p3": 2}))
    assert len(set(alike)) == 4
    same = {name: {"birth_date": "2003-06-15"} for name in people}
    frame = frames.known_before(known_cohort(same))
    assert len(set(network.strata(frame, pd.Series({"p0": 5, "p1": 7})))) == 2


def test_the_nearness_test_keeps_its_size_and_sees_clusters() -> None:
    """80 worlds in which missingness depends on connections alone, then one ring of friends."""
    graph = random_graph(150, 2.5, 6)
    stratum = np.minimum(graph.degree, 4)
    rng = np.random.default_rng(6)
    chance = 0.1 + 0.08 * stratum
    p = [
        nearness.nearness_test(
            graph, rng.random(150) < chance, np.arange(150), stratum, rng, draws=39
        ).p
        for _ in range(80)
    ]
    rejected = np.mean(np.array(p) <= 0.10)
    assert abs(rejected - 0.10) < 4 * np.sqrt(0.09 / 80)  # 4 binomial errors
    lengths = nx.single_source_shortest_path_length(
        nx.from_scipy_sparse_array(graph.neighbours), int(np.argmax(graph.degree)), cutoff=2
    )
    friends = np.isin(np.arange(150), list(lengths))
    assert nearness.nearness_test(graph, friends, np.arange(150), stratum, rng).p <= 0.01


def test_labels_that_may_not_move_stay() -> None:
    graph = random_graph(60, 3.0, 7)
    label = np.arange(60) % 3 == 0
    movable = np.arange(0, 30)
    seen = []

    def spy(network_: nearness.Graph, yes: np.ndarray) -> np.ndarray:
        seen.append(yes.copy())
        return np.ones(60)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearness, "nearest_other", spy)
        rng = np.random.default_rng(1)
        nearness.nearness_test(graph, label, movable, np.zeros(30, int), rng, draws=20)
    assert all((yes[30:] == label[30:]).all() and yes[:30].sum() == 10 for yes in seen)
    assert any((yes[:30] != label[:30]).any() for yes in seen)


# --- timing ----------------------------------------------------------------------------------


def histories_of(times: dict[str, list[float]], pairs: list[tuple[str, str]]) -> tuple:
    start = pd.Timestamp("2015-01-01")
    rows = [(p, start + pd.Timedelta(days=t)) for p, ts in times.items() for t in ts]
    ties = [(min(a, b), max(a, b), "same_school", "2014-01-01") for a, b in pairs]
    cohort = known_cohort({p: {} for p in times}, rows, (), ties)
    histories = peers.own_clocks(cohort, background=False)
    return cohort, histories, peers.encounters(histories, network.ties_before(cohort))


def loop_over_everything(
    times: dict[str, list[float]], pairs: list[tuple[str, str]], days: int
) -> float:
    """What is counted, in plain loops over all people and incidents."""
    friends = {p: {b for a, b in pairs if a == p} | {a for a, b in pairs if b == p} for p in times}
    incidents = [(p, t) for p, ts in times.items() for t in ts]
    together = nx.Graph()
    together.add_nodes_from(range(len(incidents)))
    for i, (p, s) in enumerate(incidents):
        for j, (q, t) in enumerate(incidents):
            if q in friends[p] and abs(s - t) <= peers.TOGETHER:
                together.add_edge(i, j)
    size = {i: len(c) for c in nx.connected_components(together) for i in c}
    total = 0.0
    for i, (p, s) in enumerate(incidents):
        exposed = False
        for q in friends[p]:
            for t in times[q]:
                own_event = any(abs(mine - t) <= peers.TOGETHER for mine in times[p])
                exposed |= 0 < s - t <= days and not own_event
        total += exposed / size[i]
    return total


@pytest.mark.parametrize("seed", range(8))
def test_incidents_that_follow_are_those_of_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    people = [f"p{k}" for k in range(12)]
    times = {p: sorted(np.round(rng.uniform(0, 200, rng.integers(1, 7)) * 4) / 4) for p in people}
    pairs = [pair for pair in combinations(people, 2) if rng.random() < 0.3]
    _, histories, met = histories_of(times, pairs)
    got = peers.events_that_follow(histories.at, met, 28).sum()
    assert got == pytest.approx(loop_over_everything(times, pairs, 28), abs=1e-9)


def test_the_window_is_closed_and_going_together_is_one_event() -> None:
    def count(a: list[float], b: list[float]) -> float:
        _, histories, met = histories_of({"a": a, "b": b}, [("a", "b")])
        return float(peers.events_that_follow(histories.at, met, 28).sum())

    assert count([10.0], [38.0]) == 1
    assert count([10.0], [38.01]) == 0
    assert count([10.0], [10.5]) == 0  # together: nobody followed
    assert count([10.0], [11.5]) == 1
    # b's second incident follows only an event in which b took part
    assert count([10.0], [10.5, 20.0]) == 0
    # a goes alone on day 15, so b's on day 20 follows that one
    assert count([10.0, 15.0], [10.5, 20.0]) == 1 + 0


def test_own_incidents_and_strangers_are_no_exposure() -> None:
    _, histories, met = histories_of({"a": [1, 5, 9], "b": [100], "c": [102]}, [("a", "b")])
    assert peers.events_that_follow(histories.at, met, 28).sum() == 0


def test_shifts_stay_in_the_window_and_keep_the_gaps() -> None:
    cohort = random_force(60, 4)
    leaver = cohort.persons.assign(observed_to=pd.Timestamp("2017-03-01"))
    cohort = replace(cohort, persons=leaver)
    rng = np.random.default_rng(1)
    for background in (False, True):
        histories = peers.own_clocks(cohort, background)
        first, last = histories.edges[:, 0], histories.edges[:, -1]
        assert (np.diff(histories.mass, axis=1) >= 0).all()
        assert histories.mass[:, -1] == pytest.approx(1)
        moved = peers.shifted(histories, rng)
        assert (moved >= first[histories.person] - 1e-6).all()
        assert (moved <= last[histories.person] + 1e-6).all()
        assert np.abs(moved - histories.at).max() > 30
        for row in np.unique(histories.person):
            mine = histories.person == row
            edges, mass = histories.edges[row], histories.mass[row]
            before = np.interp(histories.at[mine], edges, mass)
            after = np.interp(moved[mine], edges, mass)
            turn = (after - before) % 1.0
            apart = np.abs(turn - turn[0])
            assert np.minimum(apart, 1 - apart).max() < 1e-6


def test_the_clock_follows_the_risk_by_age() -> None:
    """Incidents ten times as frequent from fourteen on: the clock must run faster there."""
    rng = np.random.default_rng(2)
    people, rows = {}, []
    for k in range(400):
        born = pd.Timestamp("2001-01-01") + pd.Timedelta(days=int(rng.integers(0, 900)))
        people[f"p{k}"] = {"birth_date": str(born.date())}
        grid = np.arange(1090)
        old = (grid + (pd.Timestamp("2015-01-01") - born).days) / 365.25 >= 14
        day = rng.choice(grid, p=np.where(old, 10.0, 1.0) / np.where(old, 10.0, 1.0).sum())
        rows.append((f"p{k}", pd.Timestamp("2015-01-01") + pd.Timedelta(days=float(day) + 0.5)))
    histories = peers.own_clocks(known_cohort(people, rows))
    span = np.diff(histories.edges, axis=1)
    rate = np.diff(histories.mass, axis=1) / np.where(span > 0, span, np.nan)
    born = np.array([pd.Timestamp(people[p]["birth_date"]) for p in histories.windows["person_id"]])
    age = [(pd.Timestamp("2015-01-01") - pd.Timestamp(b)).days / 365.25 for b in born]
    age = np.array(age)[:, None] + histories.edges[:, :-1] / 365.25
    rates = rate * (span > 0)
    mixed = (age < 13).any(axis=1) & (age > 15).any(axis=1)
    ratio = np.nanmean(rates[mixed][age[mixed] > 15]) / np.nanmean(rates[mixed][age[mixed] < 13])
    assert 5 < ratio < 20


def world_of_pairs(
    rng: np.random.Generator, influence: float = 0.0, growing: bool = False, pairs: int = 60
) -> Cohort:
    """Pairs of friends of one age with bursts of incidents; one may follow the other."""
    people, rows, ties = {}, [], []
    start, grid = pd.Timestamp("2015-01-01"), np.arange(1090)
    for k in range(pairs):
        born = pd.Timestamp("2001-03-01") + pd.Timedelta(days=int(rng.integers(0, 1500)))
        age = (grid + (start - born).days) / 365.25
        weight = np.where((age > 14) & (age < 15.5) & growing, 12.0, 1.0)
        histories = []
        for _ in range(2):
            roots = rng.choice(grid, rng.integers(1, 4), p=weight / weight.sum()) + rng.random()
            burst = [r + np.cumsum(rng.exponential(6, rng.integers(0, 4))) for r in roots]
            histories.append(np.concatenate([roots, *burst]))
        follows = histories[0][rng.random(len(histories[0])) < influence]
        histories[1] = np.concatenate([histories[1], follows + rng.uniform(2, 15, len(follows))])
        for side, days in zip("xy", histories, strict=True):
            people[f"{k:03d}{side}"] = {"birth_date": str(born.date())}
            rows += [(f"{k:03d}{side}", start + pd.Timedelta(days=d)) for d in days]
        ties.append((f"{k:03d}x", f"{k:03d}y", "same_school", "2014-01-01"))
    return known_cohort(people, rows, (), ties)


def rejections(worlds: int, seed: int, backgrounds: tuple[bool, ...], **options: Any) -> np.ndarray:
    """Share of worlds with p at most 0.10, which 19 shifts make exact, by background."""
    small = []
    for k in range(worlds):
        cohort = world_of_pairs(np.random.default_rng([seed, k]), **options)
        pairs = network.ties_before(cohort)
        small.append(
            [peers.peer_timing(cohort, pairs, k, draws=19, background=b).p for b in backgrounds]
        )
    return (np.array(small) <= 0.10).mean(axis=0)


def test_the_timing_test_keeps_its_size_with_bursts() -> None:
    (share,) = rejections(60, 1, (True,))
    assert abs(share - 0.10) < 4 * np.sqrt(0.09 / 60)  # 4 binomial errors


def test_growing_up_together_is_no_evidence_on_the_clock_but_is_on_the_calendar() -> None:
    on_clock, on_calendar = rejections(30, 2, (True, False), growing=True)
    assert on_clock <= 0.10 + 4 * np.sqrt(0.09 / 30)
    assert on_calendar > on_clock + 0.2


def test_the_timing_test_sees_influence() -> None:
    (share,) = rejections(12, 3, (True,), influence=0.7)
    assert share >= 0.75
    cohort = world_of_pairs(np.random.default_rng(3), influence=0.7, pairs=120)
    timing = peers.peer_timing(cohort, network.ties_before(cohort), seed=1)
    assert timing.ratio > timing.high
    assert timing.p == 1 / 200
    assert peers.reading(timing) == "in step"


def test_the_timing_test_is_seeded_and_ignores_later_ties() -> None:
    cohort = world_of_pairs(np.random.default_rng(5))
    pairs = network.ties_before(cohort)
    one, two = (peers.peer_timing(cohort, pairs, seed=3, draws=19) for _ in range(2))
    assert (one.null == two.null).all()
    assert one.p == (1 + (one.null >= one.ratio - 1e-9).sum()) / 20
    assert one.expected == pytest.approx(one.observed / one.ratio)
    later = cohort.ties.assign(first_seen=cohort.start)
    made = cohort.ties.assign(tie_type="missing_together")
    both = replace(cohort, ties=pd.concat([cohort.ties, later, made], ignore_index=True))
    pd.testing.assert_frame_equal(network.ties_before(both), pairs)


def timing_with(**values: float) -> peers.Timing:
    nan = float("nan")
    base = peers.Timing(nan, nan, nan, nan, nan, nan, nan, 0, 0, np.array([]))
    return replace(base, **values)


@pytest.mark.parametrize(
    ("p", "detectable", "says"),
    [(0.01, 2.0, "in step"), (0.3, 1.2, "no sign"), (0.3, 1.4, "not enough data")],
)
def test_reading_a_test_of_timing(p: float, detectable: float, says: str) -> None:
    assert peers.reading(timing_with(ratio=1.1, p=p, detectable=detectable)) == says
    assert peers.reading(timing_with()) == "not available"


def test_reading_a_test_of_timing_by_its_adjusted_p() -> None:
    seen = timing_with(ratio=1.1, p=0.01, detectable=1.2)
    assert peers.reading(seen, 0.08) == "no sign"
    assert peers.reading(replace(seen, p=0.9), 0.04) == "in step"


def test_childhood_and_adulthood_are_two_histories_where_both_are_studied() -> None:
    people = {"a": {"birth_date": "1998-07-01"}, "b": {"birth_date": None}}
    rows = [("a", "2015-06-01"), ("a", "2017-06-01"), ("b", "2016-01-01")]
    cohort = known_cohort(people, rows, (), [("a", "b", "family", "2014-01-01")], population="all")
    histories = peers.own_clocks(cohort)
    assert histories.windows["person_id"].tolist() == ["a", "a", "b"]
    assert histories.person.tolist() == [0, 1, 2]
    assert histories.edges[0, -1] == histories.edges[1, 0] == 547
    moved = peers.shifted(histories, np.random.default_rng(0))
    assert moved[0] < 547 < moved[1]
    met = peers.encounters(histories, network.ties_before(cohort))
    assert len(met.own) == 4


# --- what is left of odd cohorts -------------------------------------------------------------


@pytest.mark.parametrize("name", ODD)
def test_odd_cohorts_give_nan_not_errors(name: str) -> None:
    cohort: Cohort = ODD[name]
    frame = frames.known_before(cohort)
    pairs = network.ties_before(cohort)
    degree = network.connections(pairs)
    graph = nearness.graph(pairs, frame.people["person_id"])
    missing = graph.names.isin(cohort.counts.index)
    known = structure.structure(graph, missing)
    assert known.pairs == len(pairs)
    assert known.connected == len(degree)
    steps = nearness.nearest_other(graph, missing)
    close = nearness.harmonic_closeness(graph, missing)
    for fit in (
        network.degree_model(frame, degree),
        network.steps_model(frame, graph, degree, steps),
        network.closeness_model(frame, graph, degree, close),
    ):
        assert not np.isinf(fit.terms[["estimate", "upper"]].to_numpy(float)).any()
    at = graph.names.get_indexer(frame.people["person_id"])
    rng = np.random.default_rng(1)
    test = nearness.nearness_test(graph, missing, at, network.strata(frame, degree), rng, draws=9)
    # Where labels can be shuffled at all, all shuffles are alike or nearer by chance.
    assert test.p == pytest.approx(1.0 if name in SHUFFLED else np.nan, nan_ok=True)
    timing = peers.peer_timing(cohort, pairs, seed=1, draws=9)
    met = name == "everybody missing"
    assert peers.reading(timing) == ("not enough data" if met else "not available")
    shares = network.by_connections(frame, degree)
    assert shares["people"].sum() == len(frame.people)
    figures.shares(shares, by="connections", label="Connections")
    figures.shares(network.by_steps(frame, graph, steps), by="steps", label="Steps")
    figures.against_chance(nearness.binned(timing.null), timing.ratio, label="Ratio")


def test_a_force_without_markers_has_a_network_chapter() -> None:
    cohort = random_force(900, 12, {}, ties_each=3.0, level=-0.5)
    frame = frames.known_before(cohort)
    assert frame.marks.shape[1] == 0
    degree = network.connections(network.ties_before(cohort))
    fit = network.degree_model(frame, degree)
    assert fit.problem == ""
    assert fit.terms["term"].tolist() == [
        "female",
        "sex_other",
        "age",
        "age_squared",
        "connections",
    ]


def test_values_are_sorted_into_round_classes() -> None:
    rng = np.random.default_rng(1)
    for spread in (0.003, 0.4, 90.0):
        values = 1 + spread * rng.normal(size=300)
        table = nearness.binned(values)
        assert table["share"].sum() == pytest.approx(1)
        assert 6 <= len(table) <= 26
        width = (table["to"] - table["from"]).to_numpy()
        assert width == pytest.approx(width[0], rel=1e-6)
        k = len(table) // 2
        inside = (values >= table["from"][k]) & (values < table["to"][k])
        assert table["share"][k] == pytest.approx(inside.mean())
    assert nearness.binned([np.nan]).empty
    assert len(nearness.binned([1.0, 1.0])) == 1


def test_figures_draw_what_the_tables_hold() -> None:
    table = pd.DataFrame(
        {
            "steps": ["1", "2", "3 or more"],
            "share": [0.2, np.nan, 0.1],
            "lower": [0.1, np.nan, 0.05],
            "upper": [0.3, np.nan, 0.2],
        }
    )
    ax = figures.shares(table, by="steps", label="Steps").axes[0]
    assert ax.containers[0].lines[0].get_ydata().tolist() == [0.2, 0.1]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "3+"]
    assert [t.get_text() for t in ax.texts] == ["not\nshown"]
    bars = pd.DataFrame({"from": [0.9, 1.0], "to": [1.0, 1.1], "share": [0.4, 0.6]})
    ax = figures.against_chance(bars, 1.05, label="Ratio").axes[0]
    assert [p.get_height() for p in ax.patches] == [0.4, 0.6]
    assert ax.lines[0].get_xdata() == [1.05, 1.05]
    assert not figures.against_chance(bars, np.nan, label="Ratio").axes[0].lines


@pytest.mark.long
def test_the_truths_of_the_synthetic_force_come_back_over_new_outcomes(
    thames_valley: ForceFile,
) -> None:
    """Same people and records, ten new draws of who goes missing: no bias, and no influence."""
    truth = thames_valley_truth("ever")
    estimates, errors, p = [], [], []
    for seed in range(1, 11):
        tables = make_thames_valley(outcome_seed=seed).tables
        cohort = select(tables, thames_valley, "children")
        frame = frames.known_before(cohort)
        pairs = network.ties_before(cohort)
        degree = network.connections(pairs)
        terms = network.degree_model(frame, degree).terms.set_index("term")
        estimates.append(terms.loc[list(truth), "coefficient"])
        errors.append(terms.loc[list(truth), "se"])
        graph = nearness.graph(pairs, frame.people["person_id"])
        missing = graph.names.isin(cohort.counts.index)
        steps = nearness.nearest_other(graph, missing)
        p.append(network.steps_model(frame, graph, degree, steps).row("steps")["p"])
        p.append(peers.peer_timing(cohort, pairs, seed).p)
    off = np.mean(estimates, axis=0) - list(truth.values())
    assert (np.abs(off) < 4 * np.mean(errors, axis=0) / np.sqrt(10)).all()
    assert np.sum(np.array(p) <= 0.05) <= 5  # 20 tests at 5 %: six or more once in 3,000


def thames_valley_truth(stage: str) -> dict[str, float]:
    """Coefficients on the scale of the models here: connections count by doublings."""
    beta = dict(CHILD_STAGES[stage].beta)
    truth = {name: beta[name] for name in STUDY_MARKERS}
    return truth | {"connections": beta["log1p_degree"] * np.log(2)}
