"""Cox regression against R, against brute force, and on data that cannot be fitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from missing_lib.study.competing import fine_gray_rows
from missing_lib.study.cox import CoxFit, fit_cox, fit_rows, prepare, residuals
from missing_lib.study.exposure import recent_events_of_alters
from tests.reference_cases import FOLDER, case

#: As the cases state it; both sides work in doubles, and Newton stops far closer.
R_TOLERANCE = 1e-8
ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
BLADDER = ["rx", "number", "size"]
HEART = ["age", "year", "surgery", "transplant"]


def cases() -> dict[str, tuple[CoxFit, dict]]:
    """Every fit of every Cox case, with what R printed."""
    out = {}
    d, e, _ = case("ag_bladder2")
    p, pe, _ = case("pwp_bladder2")
    h, he, _ = case("cox_heart_tv")
    r, re, _ = case("cox_rossi")
    t, te, _ = case("cox_rossi_timevarying")
    a, ae, _ = case("cox_hand_tied")
    for ties in ("efron", "breslow"):
        out[f"andersen-gill {ties}"] = (
            fit_cox(d.stop, d.event, d[BLADDER], start=d.start, cluster=d.id, ties=ties),
            e[ties],
        )
        whole = {"strata": p.enum, "cluster": p.id, "ties": ties}
        out[f"pwp total time {ties}"] = (
            fit_cox(p.stop, p.event, p[BLADDER], start=p.start, **whole),
            pe[f"pwp_tt_{ties}"],
        )
        out[f"pwp gap time {ties}"] = (
            fit_cox(p.gap, p.event, p[BLADDER], **whole),
            pe[f"pwp_gt_{ties}"],
        )
        out[f"heart {ties}"] = (
            fit_cox(h.stop, h.event, h[HEART], start=h.start, cluster=h.id, ties=ties),
            he[ties],
        )
        out[f"rossi {ties}"] = (fit_cox(r.week, r.arrest, r[ROSSI], ties=ties), re[ties])
        for name in ("employed", "lag1"):
            terms = [*ROSSI, "employed" if name == "employed" else "employed_lag1"]
            out[f"rossi {name} {ties}"] = (
                fit_cox(t.stop, t.arrest, t[terms], start=t.start, ties=ties),
                te[f"{name}_{ties}"],
            )
        out[f"by hand {ties}"] = (fit_cox(a.time, a.status, a[["x"]], ties=ties), ae[ties])
    own = pd.concat(
        [(p.rx * (p.enum == k)).rename(f"rx{k}") for k in range(1, 5)] + [p.number, p["size"]],
        axis=1,
    )
    out["pwp gap time, effects by event"] = (
        fit_cox(p.gap, p.event, own, strata=p.enum, cluster=p.id),
        pe["pwp_gt_eventspecific_rx_efron"],
    )
    out["heart strata"] = (
        fit_cox(h.stop, h.event, h[["age", "year", "transplant"]], start=h.start,
                strata=h.surgery), he["strata_surgery"]
    )  # fmt: skip
    out["rossi lag1 robust"] = (
        fit_cox(t.stop, t.arrest, t[[*ROSSI, "employed_lag1"]], start=t.start, cluster=t.id),
        te["lag1_robust_id_efron"],
    )
    return out | _lung() | _mgus2() | _hagelloch()


def _lung() -> dict[str, tuple[CoxFit, dict]]:
    d, e, _ = case("cox_lung_cluster")
    three, weight = d[["age", "sex", "ph.ecog"]], d["ph.karno"] / 50
    return {
        "lung cluster": (fit_cox(d.time, d.status, three, cluster=d.inst), e["cluster_inst"]),
        "lung strata and cluster": (
            fit_cox(d.time, d.status, d[["age", "ph.ecog", "wt.loss"]], strata=d.sex,
                    cluster=d.inst), e["strata_sex_cluster_inst"]
        ),
        "lung weighted": (
            fit_cox(d.time, d.status, three, weights=weight, cluster=d.index), e["weighted"]
        ),
        "lung offset": (
            fit_cox(d.time, d.status, d[["age", "ph.ecog"]], offset=0.3 * d.sex), e["offset"]
        ),
    }  # fmt: skip


def _mgus2() -> dict[str, tuple[CoxFit, dict]]:
    d, e, _ = case("cif_mgus2")
    design = pd.DataFrame({"age": d.age, "sexM": d.sex == "M"}).astype(float)
    return {
        "cause-specific": (fit_cox(d.etime, d.etype == 1, design), e["cause_specific_cox"]),
    }


def hagelloch_rows(within: float) -> pd.DataFrame:
    """One row per child and day until onset, with sick mates of house and class before."""
    d, _, _ = case("peer_exposure_hagelloch")
    rows = d.loc[d.index.repeat(d.day)].reset_index(drop=True)
    rows["stop"] = rows.groupby("id").cumcount() + 1
    rows["start"], rows["event"] = rows.stop - 1, rows.stop == rows.day
    onset = d.rename(columns={"id": "person", "day": "time"})[["person", "time"]]
    pairs = d[["id", "household", "class"]].merge(
        d[["id", "household", "class"]], how="cross", suffixes=("", "_other")
    )
    pairs = pairs[pairs.id != pairs.id_other]
    home = pairs.household == pairs.household_other
    school = ~home & (pairs["class"] == pairs.class_other) & (pairs["class"] != "preschool")
    for name, of in (("hh", home), ("cl", school)):
        ties = pairs.loc[of, ["id", "id_other"]].set_axis(["ego", "alter"], axis=1)
        rows[name] = recent_events_of_alters(rows.id, rows.stop, ties, onset, within)
    return rows


def _hagelloch() -> dict[str, tuple[CoxFit, dict]]:
    _, e, _ = case("peer_exposure_hagelloch")
    rows, week = hagelloch_rows(14), hagelloch_rows(7)
    terms = ["hh", "cl", "age", "female"]

    def fit(of: pd.DataFrame, **more: object) -> CoxFit:
        return fit_cox(of.stop, of.event, of[terms], start=of.start, **more)

    any_of = rows[["hh", "cl"]].gt(0).astype(float).join(rows.age)
    return {
        "hagelloch efron": (fit(rows), e["efron"]),
        "hagelloch breslow": (fit(rows, ties="breslow"), e["breslow"]),
        "hagelloch week": (fit(week), e["window7_efron"]),
        "hagelloch households": (fit(rows, cluster=rows.household), e["cluster_household_efron"]),
        "hagelloch any": (
            fit_cox(rows.stop, rows.event, any_of, start=rows.start),
            e["any_household_efron"],
        ),
    }


_BOTH = ("andersen-gill", "pwp total time", "pwp gap time", "heart", "rossi", "rossi employed",
         "rossi lag1", "by hand", "hagelloch")  # fmt: skip
NAMES = [
    *(f"{name} {ties}" for name in _BOTH for ties in ("efron", "breslow")),
    "pwp gap time, effects by event", "heart strata", "rossi lag1 robust",
    "cause-specific", "lung cluster", "lung strata and cluster", "lung weighted", "lung offset",
    "hagelloch week", "hagelloch households", "hagelloch any",
]  # fmt: skip


@pytest.fixture(scope="module")
def fits() -> dict[str, tuple[CoxFit, dict]]:
    return cases()


def test_every_fit_is_compared(fits: dict[str, tuple[CoxFit, dict]]) -> None:
    assert set(fits) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_agrees_with_r(name: str, fits: dict[str, tuple[CoxFit, dict]]) -> None:
    fit, expected = fits[name]
    close = {"rtol": R_TOLERANCE}
    np.testing.assert_allclose(fit.coefficients, list(expected["coef"].values()), **close)
    model = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(model, list(expected["se_model"].values()), **close)
    used = fit.covariance if fit.robust is None else fit.robust
    np.testing.assert_allclose(used, expected["vcov"], rtol=1e-7, atol=1e-12)
    assert (fit.robust is None) == (expected["se_robust"] is None)
    if fit.robust is not None:
        np.testing.assert_allclose(
            fit.standard_errors, list(expected["se_robust"].values()), **close
        )
        assert fit.robust_score_test == pytest.approx(
            expected["robust_score_test"], rel=R_TOLERANCE
        )
    seen = [fit.log_likelihood_null, fit.log_likelihood, fit.likelihood_ratio_test,
            fit.score_test, fit.wald_test]  # fmt: skip
    names = ["loglik_null", "loglik", "lr_test", "score_test", "wald_test"]
    np.testing.assert_allclose(seen, [expected[n] for n in names], **close)
    assert (fit.rows, fit.events) == (expected["n"], expected["nevent"])


def test_fine_and_gray_is_a_fit_of_weighted_rows() -> None:
    d, expected, _ = case("cif_mgus2")
    rows, r = fine_gray_rows(d.etime, d.etype, of=1), expected["fine_gray"]
    about = d.loc[rows.row].reset_index(drop=True)
    design = pd.DataFrame({"age": about.age, "sexM": about.sex == "M"}).astype(float)
    # R turns to robust errors by itself where weights are not whole, each row on its own.
    fit = fit_cox(
        rows.stop, rows.event, design, start=rows.start, weights=rows.weight, cluster=rows.index
    )
    close = {"rtol": R_TOLERANCE}
    np.testing.assert_allclose(fit.coefficients, list(r["coef"].values()), **close)
    np.testing.assert_allclose(fit.standard_errors, r["se_model"], **close)
    seen = [fit.log_likelihood_null, fit.log_likelihood]
    np.testing.assert_allclose(seen, r["loglik"], **close)


def test_exposure_of_hagelloch_is_that_of_r_row_by_row() -> None:
    shipped = pd.read_csv(FOLDER / "peer_exposure_hagelloch" / "expanded_person_days.csv")
    columns = ["id", "start", "stop", "event", "hh", "cl"]
    ours = hagelloch_rows(14)[columns].astype(int)
    pd.testing.assert_frame_equal(
        ours.sort_values(columns[:2], ignore_index=True),
        shipped[columns].sort_values(columns[:2], ignore_index=True),
    )


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_residuals_of_the_example_by_hand(ties: str) -> None:
    d, expected, _ = case("cox_hand_tied")
    rows = prepare(d.time, d.status, d[["x"]])
    fit = fit_rows(rows, ties=ties)
    known = d.status.notna().to_numpy()
    assert fit.dropped == 1
    close = {"rtol": R_TOLERANCE, "atol": 1e-12}
    m = residuals.martingale(rows, fit)
    assert np.isnan(m[~known]).all()
    np.testing.assert_allclose(m[known], expected[ties]["martingale"], **close)
    each = residuals.score_by_row(rows, fit)["x"][known]
    np.testing.assert_allclose(each, expected[ties]["score_resid"], **close)
    schoenfeld = residuals.schoenfeld(rows, fit)["x"]
    np.testing.assert_allclose(schoenfeld, expected[ties]["schoenfeld"], **close)
    if ties == "breslow":
        assert fit.coefficients[0] == pytest.approx(expected[ties]["beta_closed_form"], rel=1e-12)


def test_diagnostics_of_andersen_gill() -> None:
    d, expected, _ = case("ag_bladder2")
    rows = prepare(d.stop, d.event, d[BLADDER], start=d.start)
    fit, more = fit_rows(rows, cluster=d.id), expected["efron_extra"]
    moved = residuals.dfbeta(rows, fit, d.id)
    np.testing.assert_allclose(moved, np.array(more["dfbeta_by_id"]), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(moved.T @ moved, fit.robust, rtol=1e-10)
    by_person = pd.Series(residuals.martingale(rows, fit)).groupby(d.id).sum()
    np.testing.assert_allclose(by_person, more["martingale_by_id"], rtol=1e-7, atol=1e-12)
    hazard, r = residuals.baseline(rows, fit), more["baseline_cumhaz_at_zero"]
    at = np.searchsorted(hazard.time, r["time"], side="right") - 1
    ours = np.append(hazard.cumulative_hazard, 0.0)[at]
    np.testing.assert_allclose(ours, r["cumhaz"], rtol=R_TOLERANCE)


def test_diagnostics_of_rossi() -> None:
    d, expected, _ = case("cox_rossi")
    rows = prepare(d.week, d.arrest, d[ROSSI])
    fit = fit_rows(rows)
    close = {"rtol": R_TOLERANCE, "atol": 1e-12}
    np.testing.assert_allclose(
        fit_rows(rows, cluster=d.index).standard_errors,
        list(expected["robust_hc_se"].values()),
        **close,
    )
    m = residuals.martingale(rows, fit)
    np.testing.assert_allclose(m[:10], expected["martingale_first10"], **close)
    assert np.abs(m).sum() == pytest.approx(expected["sum_abs_martingale"], rel=R_TOLERANCE)
    signed = residuals.deviance(rows, fit)[:10]
    np.testing.assert_allclose(signed, expected["deviance_first10"], **close)
    scaled = residuals.schoenfeld(rows, fit, scaled=True)[ROSSI].mean()
    np.testing.assert_allclose(scaled, expected["scaled_schoenfeld_colmeans"], **close)
    largest = residuals.dfbeta(rows, fit).abs().max()
    np.testing.assert_allclose(largest, expected["max_abs_dfbeta"], **close)


def test_baseline_and_predictions_of_rossi() -> None:
    d, expected, _ = case("cox_rossi")
    rows = prepare(d.week, d.arrest, d[ROSSI])
    fit = fit_rows(rows)
    hazard, r = residuals.baseline(rows, fit), expected["baseline_cumhaz_zero"]
    at = np.searchsorted(hazard.time, r["time"], side="right") - 1
    np.testing.assert_allclose(hazard.cumulative_hazard.to_numpy()[at], r["cumhaz"], rtol=1e-8)
    r = expected["pred_surv"]
    who = {"age": 25, "race": 1, "wexp": 0, "mar": 0, "paro": 1, "prio": 3}
    for column, fin in enumerate((0, 1)):
        told = residuals.predicted_survival(rows, fit, who | {"fin": fin}, r["times"])
        for ours, theirs in (("survival", "surv"), ("se", "se"), ("lower", "lower_loglog"),
                             ("upper", "upper_loglog")):  # fmt: skip
            values = np.array(r[theirs])[:, column]
            np.testing.assert_allclose(told[ours], values, rtol=R_TOLERANCE)


#: As the other transforms, R 4.2.2 with survival 3.5.3: cox.zph(fit, "rank", terms = FALSE).
RANKED = {
    "chisq": dict(
        zip([*ROSSI, "GLOBAL"],
            [1.38380845141, 0.896421461566, 2.2599781512, 4.15968375317, 0.0895921418466,
             0.0218516556887, 1.64080345194, 11.0251834071], strict=True)
    )
}  # fmt: skip


@pytest.mark.parametrize("transform", ["km", "identity", "rank"])
def test_proportional_hazards_test_of_rossi(transform: str) -> None:
    d, expected, _ = case("cox_rossi")
    rows = prepare(d.week, d.arrest, d[ROSSI])
    told = residuals.proportional_hazards_test(rows, fit_rows(rows), transform)
    r = expected.get(f"zph_{transform}", RANKED)
    np.testing.assert_allclose(told.chi_squared, list(r["chisq"].values()), rtol=1e-7)
    if "p" in r:
        np.testing.assert_allclose(told.p, list(r["p"].values()), rtol=1e-7)


def test_proportional_hazards_by_rank_with_entry_and_strata_is_that_of_r() -> None:
    d, _, _ = case("cox_heart_tv")
    design = d[["age", "year", "transplant"]]
    rows = prepare(d.stop, d.event, design, start=d.start, strata=d.surgery)
    told = residuals.proportional_hazards_test(rows, fit_rows(rows), "rank")
    # R 4.2.2, survival 3.5.3; R ranks the ends of censored rows, too.
    r = [0.765377468146, 0.911792007066, 0.342097941956, 2.5075654887]
    np.testing.assert_allclose(told.chi_squared, r, rtol=1e-7)


def test_events_at_one_time_cannot_tell_whether_a_ratio_changes() -> None:
    design = pd.DataFrame({"x": np.random.default_rng(1).normal(size=30)})
    rows = prepare(np.full(30, 3.0), np.arange(30) % 2, design)
    for transform in ("km", "identity", "rank", "log"):
        told = residuals.proportional_hazards_test(rows, fit_rows(rows), transform)
        assert told[["chi_squared", "p"]].isna().all(axis=None)


def test_a_time_of_nought_has_no_logarithm() -> None:
    design = pd.DataFrame({"x": np.random.default_rng(1).normal(size=30)})
    rows = prepare(np.arange(30) - 2.0, np.ones(30), design)
    with pytest.raises(ValueError, match="time of 0 or less"):
        residuals.proportional_hazards_test(rows, fit_rows(rows), "log")


def made(seed: int, rows: int = 60, whole_days: bool = True) -> dict:
    """Rows with ties, late entry, strata, weights, an offset and clusters."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 6, rows).astype(float)
    stop = start + rng.integers(1, 9, rows)
    if not whole_days:
        start, stop = start * 0.37, stop * 0.37
    design = pd.DataFrame(
        {"a": rng.integers(0, 2, rows), "b": rng.normal(size=rows), "c": rng.normal(3, 50, rows)}
    )
    return {
        "stop": stop, "event": rng.random(rows) < 0.6, "design": design.astype(float),
        "start": start, "strata": rng.choice(["north", "south", "west"], rows),
        "weights": rng.integers(1, 4, rows) / 2, "offset": rng.normal(size=rows),
        "cluster": rng.choice([f"p{i}" for i in range(15)], rows),
    }  # fmt: skip


def brute_force(beta: np.ndarray, d: dict, ties: str) -> float:
    """Log partial likelihood, written out event time by event time."""
    x, total = d["design"].to_numpy(), 0.0
    eta = x @ beta + d["offset"]
    r = d["weights"] * np.exp(eta)
    for stratum in np.unique(d["strata"]):
        inside = d["strata"] == stratum
        for t in np.unique(d["stop"][inside & d["event"]]):
            there = inside & (d["start"] < t) & (t <= d["stop"])
            dying = inside & d["event"] & (d["stop"] == t)
            number, weight = dying.sum(), d["weights"][dying]
            total += weight @ eta[dying]
            for rank in range(number):
                part = rank / number if ties == "efron" else 0.0
                total -= weight.mean() * np.log(r[there].sum() - part * r[dying].sum())
    return total


def derivatives(function: Callable, beta: np.ndarray, h: float) -> np.ndarray:
    """Central differences of a scalar or vector function."""
    units = np.eye(len(beta)) * h / np.maximum([1.0, 1.0, 50.0], 1)[:, None]
    return np.array([(function(beta + u) - function(beta - u)) / (2 * u.sum()) for u in units])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("whole_days", [True, False])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_agrees_with_the_likelihood_written_out(seed: int, whole_days: bool, ties: str) -> None:
    d = made(seed, whole_days=whole_days)
    fit = fit_cox(**d, ties=ties)

    def likelihood(b: np.ndarray) -> float:
        return brute_force(b, d, ties)

    assert fit.log_likelihood == pytest.approx(likelihood(fit.coefficients), rel=1e-12)
    assert fit.log_likelihood_null == pytest.approx(likelihood(np.zeros(3)), rel=1e-12)
    slope = derivatives(likelihood, fit.coefficients, 1e-4)
    np.testing.assert_allclose(slope, 0, atol=1e-5)
    curvature = derivatives(lambda b: derivatives(likelihood, b, 1e-3), fit.coefficients, 1e-3)
    np.testing.assert_allclose(np.linalg.inv(-curvature), fit.covariance, rtol=2e-4)
    # A row's dfbeta is the move of the estimate as its weight begins to fall.
    moved = residuals.dfbeta(prepare(**{k: v for k, v in d.items() if k != "cluster"}), fit)
    for row in (0, 7, 20):
        lighter = d["weights"].copy()
        lighter[row] *= 1 - 1e-4
        change = fit.coefficients - fit_cox(**d | {"weights": lighter}, ties=ties).coefficients
        if ties == "breslow":  # Efron's mean death weight has a part that the formula leaves out
            np.testing.assert_allclose(change / 1e-4, moved.iloc[row], rtol=1e-2, atol=1e-6)
    by_person = moved.groupby(d["cluster"]).sum().to_numpy()
    np.testing.assert_allclose(by_person.T @ by_person, fit.robust, rtol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_neither_order_nor_splitting_a_row_nor_units_matter(ties: str) -> None:
    d = made(4)
    fit = fit_cox(**d, ties=ties)
    order = np.random.default_rng(1).permutation(len(d["stop"]))
    shuffled = {k: (v.iloc[order] if k == "design" else v[order]) for k, v in d.items()}
    other = fit_cox(**shuffled, ties=ties)
    np.testing.assert_allclose(other.coefficients, fit.coefficients, rtol=1e-9)
    np.testing.assert_allclose(other.robust, fit.robust, rtol=1e-9)
    cut = (d["start"] + d["stop"]) / 2
    twice = {
        k: pd.concat([v, v], ignore_index=True) if k == "design" else np.concatenate([v, v])
        for k, v in d.items()
    }
    twice["stop"] = np.concatenate([cut, d["stop"]])
    twice["start"] = np.concatenate([d["start"], cut])
    twice["event"] = np.concatenate([np.zeros(len(cut), bool), d["event"]])
    other = fit_cox(**twice, ties=ties)
    np.testing.assert_allclose(other.coefficients, fit.coefficients, rtol=1e-9)
    np.testing.assert_allclose(other.robust, fit.robust, rtol=1e-9)
    scaled = d | {"design": d["design"] * [1, 1000, 0.001] + 5, "offset": d["offset"] + 900}
    other = fit_cox(**scaled, ties=ties)
    np.testing.assert_allclose(other.coefficients * [1, 1000, 0.001], fit.coefficients, rtol=1e-8)


def test_many_strata_are_searched_as_they_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    d = made(5) | {"strata": np.arange(60) // 4}
    looked_up = fit_cox(**d)
    monkeypatch.setattr("missing_lib.study.cox.rows._CELLS_AT_LEAST", 0)
    monkeypatch.setattr("missing_lib.study.cox.rows._CELLS_PER_ROW", 0)
    searched = fit_cox(**d)
    np.testing.assert_array_equal(looked_up.coefficients, searched.coefficients)


def exact_ties(beta: np.ndarray, x: np.ndarray, stop: np.ndarray, died: np.ndarray) -> np.ndarray:
    """Exact log partial likelihood and its gradient: those who die against all such groups."""
    out = np.zeros(1 + len(beta))
    r = np.exp(x @ beta)
    for t in np.unique(stop[died]):
        dying, number = died & (stop == t), int((died & (stop == t)).sum())
        sums = np.zeros((number + 1, 1 + len(beta)))
        sums[0, 0] = 1.0
        for row in np.flatnonzero(stop >= t):
            lower = sums[:-1].copy()
            sums[1:] += r[row] * lower
            sums[1:, 1:] += r[row] * lower[:, :1] * x[row]
        out += np.append(x[dying].sum(axis=0) @ beta, x[dying].sum(axis=0))
        out -= np.append(np.log(sums[-1, 0]), sums[-1, 1:] / sums[-1, 0])
    return out


def test_exact_ties_are_left_out_because_they_move_nothing_that_is_printed() -> None:
    """The kernel has no exact ties: the model is another one, and reports carry a clock."""
    d, expected, _ = case("cox_rossi")
    r = np.array(list(expected["exact"]["coef"].values()))
    x, died = d[ROSSI].to_numpy(float), d.arrest.to_numpy() == 1
    told = exact_ties(r, x, d.week.to_numpy(), died)
    assert told[0] == pytest.approx(expected["exact"]["loglik"], rel=R_TOLERANCE)
    np.testing.assert_allclose(told[1:], 0, atol=1e-6)
    fit = fit_cox(d.week, d.arrest, d[ROSSI])
    assert (np.abs(fit.coefficients - r) < 0.02 * fit.standard_errors).all()


def test_exact_ties_have_no_estimate_in_the_example_by_hand() -> None:
    d, expected, _ = case("cox_hand_tied")
    d = d.dropna()
    x, died = d[["x"]].to_numpy(float), d.status.to_numpy() == 1
    values = [exact_ties(np.array([b]), x, d.time.to_numpy(), died)[0] for b in (0.0, 2, 8, 30)]
    assert np.all(np.diff(values) > 0)
    assert values[-1] == pytest.approx(expected["exact"]["sup_loglik"], rel=R_TOLERANCE)


SEPARATED = pd.DataFrame({"x": [1.0, 1, 1, 0, 0, 0], "z": [0.3, 1.2, 0.1, 0.9, 0.4, 1.0]})


@pytest.mark.parametrize(
    ("design", "stop", "event", "problem", "reasons"),
    [
        (SEPARATED, [1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0],
         "the events are fully told by x, so no estimate is finite", {}),
        (SEPARATED[["z"]], [1, 2, 3, 4, 5, 6], [0] * 6, "no event is among the rows", {}),
        (SEPARATED.assign(x=7.0)[["x"]], [1, 2, 3, 4, 5, 6], [1] * 6,
         "no term differs among those at risk at an event", {}),
        (SEPARATED.assign(w=SEPARATED.z * 3 - 2)[["z", "w"]], [3, 2, 1, 4, 6, 5], [1] * 6, "",
         {"w": "cannot be told apart from z"}),
        (SEPARATED.assign(w=1.0)[["z", "w"]], [3, 2, 1, 4, 6, 5], [1] * 6, "",
         {"w": "the same for everybody at risk at an event"}),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_named(
    design: pd.DataFrame, stop: list, event: list, problem: str, reasons: dict
) -> None:
    fit = fit_cox(stop, event, design)
    assert fit.problem == problem
    if problem:
        assert fit.terms == ()
        assert set(fit.reasons) == set(design.columns)
        with pytest.raises(ValueError, match="has no estimate"):
            residuals.martingale(prepare(stop, event, design), fit)
    else:
        assert fit.reasons == reasons
        assert fit.terms == ("z",)
        alone = fit_cox(stop, event, design[["z"]])
        np.testing.assert_allclose(fit.coefficients, alone.coefficients)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_separation_by_two_terms_together_is_seen_in_any_unit(scale: float) -> None:
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(2, 200))
    later = 1000 - 10 * np.round(a + b, 2) + rng.random(200) * 0.01
    design = pd.DataFrame({"a": a.round(2) * scale, "b": b.round(2), "other": rng.normal(size=200)})
    exact = design["a"] / scale + design["b"]
    fit = fit_cox(1000 - exact.rank(), np.ones(200), design)
    assert "a and b" in fit.problem
    assert "other" not in fit.problem
    near = fit_cox(later + rng.normal(0, 20, 200), np.ones(200), design)
    assert near.problem == ""


def test_a_term_that_varies_between_strata_alone_is_left_out() -> None:
    d = made(6)
    d["design"] = d["design"].assign(place=(d["strata"] == "north") * 1.0)
    fit = fit_cox(**d)
    assert fit.reasons == {"place": "the same for everybody at risk at an event"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stop": [1, np.inf, 3]}, "Values of stop are infinite"),
        ({"design": pd.DataFrame({"age": [1, 2, -np.inf]})}, "Values of age are infinite"),
        ({"start": [0, 2, 0]}, "1 rows end no later than they start"),
        ({"weights": [1, 1, -1]}, "weights must be 0 or more"),
        ({"cluster": [1, 2]}, "cluster has 2 values for 3 rows"),
        ({"cluster": ["a", None, "b"]}, "cluster is missing in some rows"),
        ({"ties": "exact"}, "it must be 'efron' or 'breslow'"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict, message: str) -> None:
    good = {"stop": [1, 2, 3], "event": [1, 1, 0], "design": pd.DataFrame({"age": [1.0, 2, 4]})}
    with pytest.raises(ValueError, match=message):
        fit_cox(**good | change)


def test_rows_with_a_missing_value_are_left_out_and_counted() -> None:
    d = made(7)
    holed = {k: v.copy() for k, v in d.items()}
    holed["design"].loc[3, "a"] = np.nan
    holed["stop"][5] = np.nan
    holed["event"] = holed["event"].astype(float)
    holed["event"][9] = np.nan
    holed["strata"] = pd.Series(d["strata"]).where(np.arange(60) != 11).to_numpy()
    keep = ~np.isin(np.arange(60), [3, 5, 9, 11])
    rest = {k: v[keep] for k, v in d.items()}
    fit, other = fit_cox(**holed), fit_cox(**rest)
    assert (fit.dropped, fit.rows) == (4, 56)
    np.testing.assert_allclose(fit.coefficients, other.coefficients, rtol=1e-12)
    np.testing.assert_allclose(fit.robust, other.robust, rtol=1e-12)


def test_late_thin_risk_sets_lose_no_digits() -> None:
    """A million early rows, then three at risk at the end: sums run from the last slot back."""
    rng = np.random.default_rng(9)
    early = 200_000
    stop = np.concatenate([rng.integers(1, 50, early), [100, 101, 102, 103]])
    x = np.concatenate([rng.normal(5, 3, early), [1.0, 4.0, 2.0, 3.0]])
    event = np.concatenate([np.zeros(early, bool), [True, True, True, False]])
    design = pd.DataFrame({"x": x})
    fit = fit_cox(stop, event, design)
    last = fit_cox(stop[-4:], event[-4:], design[-4:])
    np.testing.assert_allclose(fit.coefficients, last.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, last.covariance, rtol=1e-9)


@pytest.mark.parametrize("transform", ["rank", "log"])
def test_proportional_hazards_with_strata_and_entry_is_the_wider_models_score(
    transform: str,
) -> None:
    d = made(10, rows=120)
    d = {k: v for k, v in d.items() if k != "cluster"} | {"weights": np.ones(120)}
    rows = prepare(**d)
    fit = fit_rows(rows)
    told = residuals.proportional_hazards_test(rows, fit, transform)
    times = np.sort(np.unique(d["stop"][d["event"]]))
    clock = np.log if transform == "log" else (lambda t: rank_among(t, d["stop"]))
    pieces = [cut_at(d, a, b) for a, b in zip([-1.0, *times[:-1]], times, strict=True)]
    wide = {
        k: pd.concat([p[k] for p in pieces], ignore_index=True)
        if k == "design"
        else np.concatenate([p[k] for p in pieces])
        for k in d
    }
    g = clock(np.concatenate([np.full(len(p["stop"]), t)
                              for p, t in zip(pieces, times, strict=True)]))  # fmt: skip
    wide["design"] = wide["design"].assign(b_g=wide["design"]["b"] * g)
    start = np.append(fit.coefficients, 0.0)

    def likelihood(b: np.ndarray) -> float:
        return brute_force(b, wide, "efron")

    h = 1e-3 / np.maximum(wide["design"].std().to_numpy(), 1)
    units = np.diag(h)
    slope = np.array(
        [(likelihood(start + u) - likelihood(start - u)) / (2 * u.sum()) for u in units]
    )
    whole = np.array(
        [[(likelihood(start + u + v) - likelihood(start + u - v) - likelihood(start - u + v)
           + likelihood(start - u - v)) / (4 * u.sum() * v.sum()) for v in units] for u in units]
    )  # fmt: skip
    expected = slope @ np.linalg.solve(-whole, slope)
    assert told.set_index("term").chi_squared["b"] == pytest.approx(expected, rel=1e-3)


def rank_among(t: np.ndarray, times: np.ndarray) -> np.ndarray:
    ranks = pd.Series(times).rank().groupby(times).mean()
    return ranks.loc[t].to_numpy()


def cut_at(d: dict, low: float, high: float) -> dict:
    """The part of every row within (low, high]."""
    start, stop = np.maximum(d["start"], low), np.minimum(d["stop"], high)
    inside = start < stop
    out = {k: v[inside] for k, v in d.items()}
    return out | {
        "start": start[inside], "stop": stop[inside],
        "event": (d["event"] & (d["stop"] <= high))[inside],
    }  # fmt: skip
