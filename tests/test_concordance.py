"""Concordance: held against R, and against a loop over all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter

from missing_lib.study.concordance import Concordance, concordance
from tests.reference_cases import case

RELATIVE = 1e-9  # tolerance that the cases state
CLOSE = 1e-10  # two orders of one sum
SCORES = 1e-5  # how far lifelines' scores may lie from R's: only their order matters

STEADY = settings(deadline=None, derandomize=True, max_examples=40)

rows_of_people = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(1, 5),
        st.booleans(),
        st.integers(0, 4),
        st.sampled_from([0.5, 1.0, 3.0]),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=25,
)

COUNTS = {
    "concordant": "concordant",
    "discordant": "discordant",
    "tied_risk": "tied.x",
    "tied_time": "tied.y",
    "tied_both": "tied.xy",
}


def agrees(found: Concordance, want: dict) -> None:
    np.testing.assert_allclose([found.estimate, found.se], [want["c"], want["se"]], rtol=RELATIVE)
    counts_agree(found, want["counts"])


def counts_agree(found: Concordance, counts: dict) -> None:
    for ours, theirs in COUNTS.items():
        np.testing.assert_allclose(
            getattr(found, ours), counts[theirs], rtol=RELATIVE, atol=CLOSE, err_msg=ours
        )


# --- held against R ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lung() -> tuple[pd.DataFrame, dict]:
    """The case with the score of its Cox model, which has no file of its own."""
    data, expected, _ = case("concordance_lung")
    model = CoxPHFitter().fit(data.drop(columns="inst"), "time", "status")
    terms = ["age", "sex", "ph.ecog"]
    score = data[terms].to_numpy(float) @ model.params_[terms].to_numpy()
    data["score"] = score - score[0] + expected["lp_first6"][0]
    np.testing.assert_allclose(data["score"][:6], expected["lp_first6"], atol=SCORES)
    return data, expected


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("harrell", {}),
        ("uno_n_over_G2", {"time_weight": "n/G2"}),
        ("S_weight", {"time_weight": "S"}),
        # R completes the "n/G" of the case to n/G2: its values are Uno's again
        ("n_over_G", {"time_weight": "n/G2"}),
        ("trunc_365", {"until": 365}),
        ("cluster_inst", {"cluster": "inst"}),
    ],
)
def test_concordance_of_a_cox_model_agrees_with_r(lung: tuple, name: str, options: dict) -> None:
    data, expected = lung
    if "cluster" in options:
        options = {"cluster": data[options["cluster"]]}
    found = concordance(data["time"], data["status"], data["score"], **options)
    agrees(found, expected[name])
    assert (found.rows, found.left_out) == (len(data), 0)


def test_a_score_with_few_values_agrees_with_r(lung: tuple) -> None:
    data, expected = lung
    agrees(concordance(data["time"], data["status"], data["ph.ecog"]), expected["ecog_only"])


def test_rows_with_start_and_stop_agree_with_r() -> None:
    data, expected, _ = case("ag_bladder2")
    coefficients = expected["efron"]["coef"]
    score = data[list(coefficients)].to_numpy(float) @ np.array(list(coefficients.values()))
    found = concordance(data["stop"], data["event"], score, start=data["start"])
    want = expected["efron_extra"]
    assert found.estimate == pytest.approx(want["concordance"], rel=RELATIVE)
    counts_agree(found, want["concordance_counts"])


@pytest.mark.parametrize("weight", ["n", "S", "S/G", "n/G2", "I"])
@pytest.mark.parametrize(
    ("name", "given_as"),
    [
        ("plain", {}),
        ("weighted", {"weights": "w"}),
        ("strata", {"weights": "w", "strata": "stratum"}),
    ],
)
def test_ties_weights_and_strata_agree_with_r(name: str, given_as: dict, weight: str) -> None:
    data, expected, _ = case("concordance_tied")
    options = {option: data[column] for option, column in given_as.items()}
    found = concordance(data["time"], data["status"], data["x"], time_weight=weight, **options)
    agrees(found, expected[f"{name} {weight}"])


@pytest.mark.parametrize(
    ("name", "given_as"),
    [
        ("entry n", {}),
        ("entry strata n", {"strata": "stratum"}),
        ("entry cluster n", {"cluster": "who"}),
        ("entry until n", {"until": 6}),
    ],
)
def test_late_entry_agrees_with_r(name: str, given_as: dict) -> None:
    data, expected, _ = case("concordance_tied")
    options = {k: data[v] if isinstance(v, str) else v for k, v in given_as.items()}
    found = concordance(
        data["time"], data["status"], data["x"], start=data["start"], weights=data["w"], **options
    )
    want = expected[name]
    if name == "entry until n":
        # R counts all ties in time here, also those after the end, when rows have a start (and
        # only then): ours are those before it, as without a start
        ties = want["counts"]["tied.y"] + want["counts"]["tied.xy"]
        early = data["status"] * (data["time"] <= 6) * data["w"]
        squares = (early**2).groupby(data["time"]).sum()
        before = ((early.groupby(data["time"]).sum() ** 2 - squares) / 2).sum()
        assert ties > before
        want["counts"]["tied.y"] = before - want["counts"]["tied.xy"]
    agrees(found, want)


# --- definitions ---------------------------------------------------------------------------------


@STEADY
@given(rows_of_people)
def test_pairs_and_influence_by_a_loop_over_all_pairs(people: list) -> None:
    start, length, event, risk, weight, stratum = (
        np.array(column) for column in zip(*people, strict=True)
    )
    stop = start + length
    counts = np.zeros(3)  # concordant, discordant, tied
    taking_part = np.zeros((len(stop), 3))
    for i in np.flatnonzero(event):
        for j in range(len(stop)):
            outlives = stop[j] > stop[i] or (stop[j] == stop[i] and not event[j])
            if stratum[i] != stratum[j] or start[j] >= stop[i] or not outlives:
                continue
            kind = 0 if risk[i] > risk[j] else 1 if risk[i] < risk[j] else 2
            counts[kind] += weight[i] * weight[j]
            taking_part[i, kind] += weight[j]
            taking_part[j, kind] += weight[i]
    found = concordance(stop, event, risk, start=start, weights=weight, strata=stratum)
    np.testing.assert_allclose(
        [found.concordant, found.discordant, found.tied_risk], counts, atol=CLOSE
    )
    if not counts.sum():
        assert np.isnan(found.estimate)
        assert np.isnan(found.se)
        return
    c = (counts[0] + counts[2] / 2) / counts.sum()
    right = taking_part[:, 0] + taking_part[:, 2] / 2
    influence = weight * (right - c * taking_part.sum(axis=1)) / counts.sum()
    np.testing.assert_allclose(found.influence, influence, atol=CLOSE)
    assert found.se == pytest.approx(np.sqrt((influence**2).sum()), abs=CLOSE)


def test_an_opposite_score_has_the_opposite_concordance() -> None:
    data, _, _ = case("concordance_tied")
    one = concordance(data["time"], data["status"], data["x"])
    other = concordance(data["time"], data["status"], -data["x"])
    assert one.estimate == pytest.approx(1 - other.estimate, abs=CLOSE)
    assert one.se == pytest.approx(other.se, rel=CLOSE)


def test_a_thousand_strata_are_a_thousand_problems() -> None:
    rng = np.random.default_rng(1)
    stratum, time = np.repeat(np.arange(1000), 3), rng.integers(1, 9, 3000)
    event, risk = rng.random(3000) < 0.6, rng.integers(0, 5, 3000)
    found = concordance(time, event, risk, strata=stratum)
    each = [concordance(time[s], event[s], risk[s]) for s in np.split(np.arange(3000), 1000)[:50]]
    some = stratum < 50
    first = concordance(time[some], event[some], risk[some], strata=stratum[some])
    assert first.concordant == pytest.approx(sum(one.concordant for one in each))
    assert found.concordant > first.concordant
    # one stratum after another on a single clock is the same set of pairs
    shifted = concordance(time + 10 * stratum, event, risk, start=10.0 * stratum)
    assert shifted.estimate == pytest.approx(found.estimate, abs=CLOSE)


def test_rows_that_miss_something_are_left_out_and_counted() -> None:
    time, event = [1.0, np.nan, 3.0, 4.0, 5.0], [True, True, True, False, True]
    risk = [3.0, 9.0, np.nan, 1.0, 2.0]
    found = concordance(time, event, risk)
    assert (found.rows, found.left_out) == (3, 2)
    whole = concordance([1.0, 4.0, 5.0], [True, False, True], [3.0, 1.0, 2.0])
    assert found.estimate == whole.estimate
    late = concordance([1.0, 2.0, 3.0], [True] * 3, [1, 2, 3], start=[0.0, 2.0, 0.0])
    assert (late.rows, late.left_out) == (2, 1)


@pytest.mark.parametrize(
    ("time", "event"),
    [([], []), ([1.0], [True]), ([1.0, 2.0], [False] * 2), ([2.0] * 2, [True] * 2)],
)
def test_without_a_pair_there_is_no_concordance(time: list, event: list) -> None:
    for weight in ("n", "S", "n/G2", "I"):
        found = concordance(time, event, np.arange(len(time)), time_weight=weight)
        assert np.isnan(found.estimate)
        assert np.isnan(found.se)
        assert found.concordant == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"time_weight": "n/G"}, "n, S, S/G, n/G2, I"),
        ({"time_weight": "n/G2", "start": [0, 0]}, "censoring curve"),
    ],
)
def test_what_cannot_be_had_says_why(options: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        concordance([1, 2], [True, True], [1, 2], **options)
