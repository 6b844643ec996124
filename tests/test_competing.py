"""Competing events: held against R, against brute force, and against Kaplan-Meier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from missing_lib.study.competing import cumulative_incidence, fine_gray_rows
from missing_lib.study.survival import kaplan_meier
from tests.reference_cases import case

RELATIVE = 1e-8  # tolerance that the cases state
CLOSE = 1e-10  # two ways of writing one sum
NUDGE = 1e-6  # change of a weight in a numerical derivative, and what it is good for below

STEADY = settings(deadline=None, derandomize=True, max_examples=30)

lives = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(0, 2), st.integers(0, 4)),
    min_size=1,
    max_size=25,
)


def by_cause(curves: pd.DataFrame, column: str) -> dict:
    return {name: rows[column].to_numpy() for name, rows in curves.groupby("cause")}


def log_likelihood(rows: pd.DataFrame, x: np.ndarray, beta: np.ndarray) -> float:
    """Weighted partial likelihood with Efron's ties, summed as it is written."""
    risk = rows["weight"].to_numpy() * np.exp(x @ beta)
    start, stop = rows["start"].to_numpy(), rows["stop"].to_numpy()
    event, weight = rows["event"].to_numpy(), rows["weight"].to_numpy()
    total = 0.0
    for t in np.unique(stop[event]):
        dead = event & (stop == t)
        all_risk, dead_risk = risk[(start < t) & (t <= stop)].sum(), risk[dead].sum()
        thinned = all_risk - np.arange(dead.sum()) / dead.sum() * dead_risk
        total += (weight[dead] * (x[dead] @ beta)).sum()
        total -= weight[dead].mean() * np.log(thinned).sum()
    return total


# --- held against R ----------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["all", "F", "M"])
def test_cumulative_incidence_agrees_with_r(group: str) -> None:
    data, expected, _ = case("cif_mgus2")
    rows = data if group == "all" else data[data["sex"] == group]
    want = expected["cif"][group]
    found = cumulative_incidence(rows["etime"], rows["etype"], at=want["times"])
    assert (found.rows, found.left_out) == (len(rows), 0)
    for column, name in (("incidence", "cif"), ("se", "se")):
        values = by_cause(found.curves, column)
        np.testing.assert_allclose(values[1], want[f"{name}_pcm"], rtol=RELATIVE)
        np.testing.assert_allclose(values[2], want[f"{name}_death"], rtol=RELATIVE)
    alone = kaplan_meier(rows["etime"], rows["etype"] == 1, at=want["times"])
    np.testing.assert_allclose(1 - alone["survival"], want["naive_1_minus_km_pcm"], rtol=RELATIVE)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("plain", []),
        ("weighted", ["weights"]),
        ("cluster", ["cluster"]),
        ("entry", ["entry"]),
        ("entry_weighted_cluster", ["entry", "weights", "cluster"]),
    ],
)
def test_ties_weights_clusters_and_late_entry_agree_with_r(name: str, given: list[str]) -> None:
    data, expected, _ = case("cif_tied_entry")
    columns = {"entry": "start", "weights": "w", "cluster": "who"}
    options = {option: data[columns[option]] for option in given}
    want = expected[name]
    found = cumulative_incidence(data["time"], data["cause"], at=want["times"], **options)
    for column, ours in (("incidence", "cif"), ("se", "se")):
        values = by_cause(found.curves, column)
        np.testing.assert_allclose(values[1], want[f"{ours}_one"], rtol=RELATIVE)
        np.testing.assert_allclose(values[2], want[f"{ours}_two"], rtol=RELATIVE)


def test_the_rows_of_fine_and_gray_have_the_likelihood_of_r() -> None:
    data, expected, _ = case("cif_mgus2")
    want = expected["fine_gray"]
    rows = fine_gray_rows(data["etime"], data["etype"], of=1)
    x = np.column_stack([data["age"], data["sex"] == "M"])[rows["row"]].astype(float)
    best = np.array([want["coef"]["age"], want["coef"]["sexM"]])
    found = [log_likelihood(rows, x, np.zeros(2)), log_likelihood(rows, x, best)]
    np.testing.assert_allclose(found, want["loglik"], rtol=RELATIVE)
    assert rows["event"].sum() == (data["etype"] == 1).sum()


@pytest.mark.parametrize(
    ("name", "of", "given"),
    [("plain", 2, []), ("strata", 1, ["strata"]), ("entry", 1, ["entry"])],
)
def test_rows_with_ties_strata_and_late_entry_agree_with_r(
    name: str, of: int, given: list[str]
) -> None:
    data, expected, _ = case("cif_tied_entry")
    columns = {"entry": "start", "strata": "half"}
    rows = fine_gray_rows(
        data["time"], data["cause"], of, **{option: data[columns[option]] for option in given}
    )
    x = data[["x"]].to_numpy(float)[rows["row"]]
    want = expected["fine_gray"][name]
    found = [log_likelihood(rows, x, np.array([b])) for b in (0.0, want["coef"])]
    np.testing.assert_allclose(found, want["loglik"], rtol=RELATIVE)
    best = minimize_scalar(lambda b: -log_likelihood(rows, x, np.array([b])), tol=1e-12)
    assert best.x == pytest.approx(want["coef"], rel=1e-5)  # as fine as a flat top lets it be


# --- definitions ---------------------------------------------------------------------------------


@STEADY
@given(lives)
def test_incidence_and_its_error_by_brute_force(people: list) -> None:
    entry, length, cause, who = (np.array(column) for column in zip(*people, strict=True))
    stop = entry + length

    def summed(weight: np.ndarray, until: float) -> float:
        surviving, total = 1.0, 0.0
        for s in np.unique(stop[cause > 0]):
            if s > until:
                break
            at_risk = weight[(entry < s) & (s <= stop)].sum()
            total += surviving * weight[(stop == s) & (cause == 1)].sum() / at_risk
            surviving *= 1 - weight[(stop == s) & (cause > 0)].sum() / at_risk
        return total

    times = [2.0, 5.0, 9.0]
    found = cumulative_incidence(stop, cause, entry=entry, cluster=who, at=times).curves
    rows = found[found["cause"] == 1]
    if rows.empty:
        assert not (cause == 1).any()
        return
    ones = np.ones(len(stop))
    np.testing.assert_allclose(rows["incidence"], [summed(ones, t) for t in times], atol=CLOSE)
    influence = np.zeros((len(times), 5))
    for i in range(len(stop)):
        more, less = ones.copy(), ones.copy()
        more[i], less[i] = 1 + NUDGE, 1 - NUDGE
        for k, t in enumerate(times):
            influence[k, who[i]] += (summed(more, t) - summed(less, t)) / (2 * NUDGE)
    want = np.sqrt((influence**2).sum(axis=1))
    np.testing.assert_allclose(rows["se"], want, atol=NUDGE)


@STEADY
@given(lives)
def test_incidences_add_up_to_what_has_happened_at_all(people: list) -> None:
    entry, length, cause, _ = (np.array(column) for column in zip(*people, strict=True))
    stop = entry + length
    curves = cumulative_incidence(stop, cause, entry=entry).curves
    if curves.empty:
        return
    happened = kaplan_meier(stop, cause > 0, entry=entry, at=sorted(set(curves["time"])))
    total = curves.groupby("time")["incidence"].sum()
    np.testing.assert_allclose(total, 1 - happened["survival"], atol=CLOSE)


def test_with_one_event_the_curve_is_one_less_kaplan_meier() -> None:
    data, _, _ = case("cif_mgus2")
    found = cumulative_incidence(data["etime"], data["etype"] > 0, at=[60.0], censored=False)
    alone = kaplan_meier(data["etime"], data["etype"] > 0, cluster=data["id"], at=[60.0])
    curve = found.curves.iloc[0]
    np.testing.assert_allclose(curve["incidence"], 1 - alone["survival"], rtol=CLOSE)
    np.testing.assert_allclose(curve["se"], alone["se"], rtol=CLOSE)
    np.testing.assert_allclose(curve["lower"], 1 - alone["upper"], rtol=CLOSE)
    np.testing.assert_allclose(curve["upper"], 1 - alone["lower"], rtol=CLOSE)


def test_rows_without_a_competing_event_are_as_they_were() -> None:
    rows = fine_gray_rows([1, 2, 2, 5], [1, 0, 1, 0], of=1)
    assert rows["row"].tolist() == [0, 1, 2, 3]
    assert rows["stop"].tolist() == [1, 2, 2, 5]
    assert (rows["weight"] == 1).all()
    assert (rows["start"] == 0).all()


@pytest.mark.parametrize(
    ("times", "cause", "left_out"),
    [
        ([1.0, np.nan, 3.0, 4.0], [1, 1, 2, 0], 1),
        ([1.0, 2.0, 3.0, 4.0], [1, np.nan, np.nan, 0], 2),
        ([1.0, 2.0, 3.0, 4.0], ["home", None, "moved", "none"], 1),
    ],
)
def test_rows_that_miss_something_are_left_out_and_counted(
    times: list, cause: list, left_out: int
) -> None:
    censored = "none" if isinstance(cause[0], str) else 0
    found = cumulative_incidence(times, cause, censored=censored)
    assert (found.rows, found.left_out) == (4 - left_out, left_out)
    rows = fine_gray_rows(times, cause, of=cause[0], censored=censored)
    assert rows["row"].nunique() == 4 - left_out


@pytest.mark.parametrize(("times", "cause"), [([], []), ([3.0], [0]), ([1.0, 2.0], [0, 0])])
def test_nothing_happened(times: list, cause: list) -> None:
    found = cumulative_incidence(times, cause)
    assert found.curves.empty
    assert "incidence" in found.curves
    with pytest.raises(ValueError, match="nobody has the event"):
        fine_gray_rows(times, cause, of=1)


def test_one_person_has_a_curve_and_no_interval() -> None:
    curve = cumulative_incidence([3.0], [1]).curves.iloc[0]
    assert curve["incidence"] == 1
    assert curve["se"] == 0
    assert np.isnan(curve["upper"])


def test_a_weight_that_is_not_defined_is_refused() -> None:
    # the first left at 2 by another event before anybody else had entered, at 5
    with pytest.raises(ValueError, match="start the clock later"):
        fine_gray_rows([2, 8, 9], [2, 1, 1], of=1, entry=[0, 5, 5])
