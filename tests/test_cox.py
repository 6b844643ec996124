"""Cox regression against R, against brute force, and on data that cannot be fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
    return out | _lung() | _hagelloch()


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
    "lung cluster", "lung strata and cluster", "lung weighted", "lung offset",
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


@pytest.mark.parametrize("transform", ["km", "identity"])
def test_proportional_hazards_test_of_rossi(transform: str) -> None:
    d, expected, _ = case("cox_rossi")
    rows = prepare(d.week, d.arrest, d[ROSSI])
    told = residuals.proportional_hazards_test(rows, fit_rows(rows), transform)
    r = expected[f"zph_{transform}"]
    np.testing.assert_allclose(told.chi_squared, list(r["chisq"].values()), rtol=1e-7)
    if "p" in r:
        np.testing.assert_allclose(told.p, list(r["p"].values()), rtol=1e-7)
