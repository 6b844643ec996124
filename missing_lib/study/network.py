"""Does the social environment matter? Connections and nearness as they stood at the landmark."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from missing_lib.study.cohort import Cohort
from missing_lib.study.frame import Frame, covariates
from missing_lib.study.intervals import wilson
from missing_lib.study.nearness import Graph
from missing_lib.study.regression import Fit, logistic, negative_binomial
from missing_lib.study.structure import DEGREE_FROM, SMALLEST_CLASS, classes

#: Ties that an episode itself creates; they never count.
EPISODE_TIES = ("missing_together",)
#: Stated before looking: odds ratios in between are too small to matter.
EQUIVALENCE = (0.8, 1.25)
#: Adjusted p values below this count as evidence.
LEVEL = 0.05


def ties_before(
    cohort: Cohort,
    agency: str | None = None,
    leave_out: tuple[str, ...] = EPISODE_TIES,
    only: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """Distinct pairs of people tied before the landmark, the first day of the study.

    Parameters
    ----------
    cohort : Cohort
    agency : str, optional
        Only ties that this agency recorded.
    leave_out : tuple of str
        Types of ties that do not count.
    only : tuple of str, optional
        Types of ties that count; all others if not given.

    Returns
    -------
    DataFrame
        ``person_a`` < ``person_b``, sorted; each pair once, whatever the number of ties
        between them.
    """
    ties = records_before(cohort, agency, leave_out, only)
    first, second, names = numbered(ties)
    pair = np.sort(first * len(names) + second)
    pair = pair[np.diff(pair, prepend=-1) > 0]
    first, second = np.divmod(pair, max(len(names), 1))
    return pd.DataFrame({"person_a": names[first], "person_b": names[second]})


def records_before(
    cohort: Cohort,
    agency: str | None = None,
    leave_out: tuple[str, ...] = EPISODE_TIES,
    only: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """The records of ties behind :func:`ties_before`: canonical rows, two different people each."""
    ties = cohort.ties
    keep = (ties["first_seen"] < cohort.start) & ~ties["tie_type"].isin(leave_out)
    keep &= ties["person_a"].notna() & ties["person_b"].notna()
    keep &= (ties["person_a"] != ties["person_b"]).fillna(False)
    if only is not None:
        keep &= ties["tie_type"].isin(only)
    if agency is not None:
        keep &= (ties["agency"] == agency).fillna(False)
    return ties[keep]


def numbered(ties: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64], pd.Index]:
    """People of ties by number: the smaller and the larger of each tie, and their names in order.

    Parameters
    ----------
    ties : DataFrame
        ``person_a`` and ``person_b``, any way round.
    """
    ends = pd.concat([ties["person_a"], ties["person_b"]], ignore_index=True)
    code, names = pd.factorize(ends, sort=True)
    one, two = code[: len(ties)].astype(np.int64), code[len(ties) :].astype(np.int64)
    return np.minimum(one, two), np.maximum(one, two), names


def connections(pairs: pd.DataFrame) -> pd.Series:
    """Number of distinct connections of everybody with at least one, by ``person_id``."""
    ends = pd.concat([pairs["person_a"], pairs["person_b"]])
    return ends.value_counts().rename("connections").rename_axis("person_id").sort_index()


def by_connections(frame: Frame, degree: pd.Series) -> pd.DataFrame:
    """Share of people ever missing by number of connections.

    Returns
    -------
    DataFrame
        ``connections`` (label of the class), ``middle`` (mean number in it), ``people``,
        ``ever``, ``fewest``, ``share``, ``lower``, ``upper`` (95 % Wilson). Classes with fewer
        than :data:`SMALLEST_CLASS` people ever or never missing join the class below.
    """
    number = _number(frame, degree)
    ever = frame.people["ever"].to_numpy(bool)
    begins = list(DEGREE_FROM)
    while len(begins) > 1:
        top = number >= begins[-1]
        if min(ever[top].sum(), (~ever[top]).sum()) >= SMALLEST_CLASS:
            break
        begins.pop()
    rows = []
    for label, low, high in classes(begins):
        inside = (number >= low) & (number < high)
        middle = float(number[inside].mean()) if inside.any() else np.nan
        rows.append((label, middle, *_share(ever[inside])))
    return pd.DataFrame(rows, columns=["connections", "middle", *_SHARE])


def by_steps(frame: Frame, network: Graph, steps: NDArray[np.float64]) -> pd.DataFrame:
    """Share of people ever missing by steps to the nearest other person who went missing.

    Parameters
    ----------
    frame : Frame
    network : Graph
    steps : array, shape (n,)
        From :func:`.nearness.nearest_other`, in the order of ``network.names``; inf where
        nobody can be reached.

    Returns
    -------
    DataFrame
        ``steps`` (``1``, ``2``, ``3 or more``, ``nobody in reach``) and the columns of
        :func:`by_connections`. People without a tie are in the last class.
    """
    number = steps[position(frame, network)]
    ever = frame.people["ever"].to_numpy(bool)
    classes = {
        "1": number == 1,
        "2": number == 2,
        "3 or more": (number >= 3) & np.isfinite(number),
        "nobody in reach": np.isinf(number),
    }
    rows = [(label, *_share(ever[inside])) for label, inside in classes.items()]
    return pd.DataFrame(rows, columns=["steps", *_SHARE])


def degree_model(
    frame: Frame,
    degree: pd.Series,
    further: pd.DataFrame | None = None,
    markers: list[str] | None = None,
) -> Fit:
    """Logistic regression of ever missing on connections, markers, sex and age.

    The term ``connections`` is log2(1 + number): its odds ratio is per doubling of one plus
    the number.

    Parameters
    ----------
    frame : Frame
    degree : Series
        Connections by ``person_id``.
    further : DataFrame of float, optional
        Rows of ``frame.people``: further terms.
    markers : list of str, optional
        Which markers; all of the frame if not given.
    """
    return logistic(frame.people["ever"], design_of(frame, degree, further, markers))


def number_model(
    frame: Frame,
    degree: pd.Series,
    further: pd.DataFrame | None = None,
    markers: list[str] | None = None,
) -> Fit:
    """Negative binomial regression of the number of incidents per day at risk on the same terms.

    Everybody in the frame counts, those never missing with none; parameters as for
    :func:`degree_model`.
    """
    design = design_of(frame, degree, further, markers)
    return negative_binomial(frame.people["incidents"], design, frame.people["days"])


def steps_model(
    frame: Frame,
    network: Graph,
    degree: pd.Series,
    steps: NDArray[np.float64],
    further: pd.DataFrame | None = None,
) -> Fit:
    """Logistic regression on connections, markers, sex, age and steps to the nearest other case.

    Only people who can reach one; the term ``steps`` is the odds ratio of one step further
    away, the form of Papachristos, Braga and Hureau 2012, doi 10.1007/s11524-012-9703-9.
    The steps of two tied people hold each other's outcome, which the standard error allows for.

    Parameters
    ----------
    frame : Frame
    network : Graph
    degree : Series
        Connections by ``person_id``.
    steps : array, shape (n,)
        From :func:`.nearness.nearest_other`, in the order of ``network.names``.
    further : DataFrame of float, optional
        Rows of ``frame.people``: further terms.
    """
    at = position(frame, network)
    number = np.where(np.isfinite(steps[at]), steps[at], np.nan)
    design = design_of(frame, degree, further).assign(steps=number)
    return logistic(frame.people["ever"], design, linked=network.neighbours[at][:, at])


def closeness_model(
    frame: Frame,
    network: Graph,
    degree: pd.Series,
    closeness: NDArray[np.float64],
    further: pd.DataFrame | None = None,
) -> Fit:
    """The same with harmonic closeness to all others who went missing, per standard deviation.

    Only people with a tie; parameters as for :func:`steps_model`.
    """
    at = position(frame, network)
    value = pd.Series(np.where(network.degree[at] > 0, closeness[at], np.nan))
    spread = value.std(ddof=0)
    scaled = (value - value.mean()) / (spread if spread > 0 else np.nan)
    design = design_of(frame, degree, further).assign(closeness=scaled)
    return logistic(frame.people["ever"], design, linked=network.neighbours[at][:, at])


def verdict(lower: float, upper: float, p: float, region: tuple[float, float] = EQUIVALENCE) -> str:
    """What an interval of an odds ratio and a test of equivalence say about a null effect.

    Parameters
    ----------
    lower, upper : float
        95 % bounds.
    p : float
        Of the test that the ratio lies in the region (:func:`.family.equivalence_p`), adjusted.
    region : (float, float)

    Returns
    -------
    {"no apparent influence", "an association", "not enough data", "not available"}
        The first where p is below 0.05 and the whole interval lies in the region, the second
        where it leaves the region and excludes 1, the third where it does neither. The second
        is no claim of the family, and exploratory.

    Examples
    --------
    >>> verdict(0.9, 1.1, 0.01), verdict(0.9, 1.1, 0.2), verdict(0.5, 0.75, 0.9)
    ('no apparent influence', 'not enough data', 'an association')
    """
    if np.isnan(lower) or np.isnan(upper):
        return "not available"
    inside = region[0] <= lower and upper <= region[1]
    if inside:
        return "no apparent influence" if p < LEVEL else "not enough data"
    return "an association" if lower > 1 or upper < 1 else "not enough data"


def raises(estimate: float, p: float) -> bool | None:
    """Whether a ratio lies above 1; None where its (adjusted) p value leaves that open."""
    if np.isnan(estimate) or not p < LEVEL:
        return None
    return bool(estimate > 1)


def strata(
    frame: Frame, degree: pd.Series, further: pd.DataFrame | None = None
) -> NDArray[np.int64]:
    """Coarse strata: connections, number of markers, care, and age in bands of three years.

    Parameters
    ----------
    frame : Frame
    degree : Series
        Connections by ``person_id``.
    further : DataFrame, optional
        Rows of ``frame.people``: columns with few values, whose strata are kept apart as well.

    Returns
    -------
    array of int, shape (people,)
        Number of each person's stratum.
    """
    marks = frame.marks
    keys = pd.DataFrame(
        {
            "connections": np.digitize(_number(frame, degree), DEGREE_FROM),
            "markers": marks.sum(axis=1).clip(upper=3),
            "care": marks.get("local_authority_care", 0.0),
            "age": np.floor(frame.people["age"] / 3).fillna(-1),
        }
    )
    keys = keys if further is None else pd.concat([keys, further], axis=1)
    return keys.groupby(list(keys.columns), sort=True).ngroup().to_numpy(np.int64)


def design_of(
    frame: Frame,
    degree: pd.Series,
    further: pd.DataFrame | None = None,
    markers: list[str] | None = None,
) -> pd.DataFrame:
    """Terms of a model on connections: those of :func:`.frame.covariates` and log2(1 + number)."""
    design = covariates(frame, markers).assign(connections=np.log2(1 + _number(frame, degree)))
    return design if further is None else pd.concat([design, further], axis=1)


def position(frame: Frame, network: Graph) -> NDArray[np.intp]:
    """Node of each person of the frame; everybody in it must be a node."""
    return network.names.get_indexer(pd.Index(frame.people["person_id"]))


_SHARE = ["people", "ever", "fewest", "share", "lower", "upper"]


def _share(ever: NDArray[np.bool_]) -> tuple[float, ...]:
    n, k = len(ever), int(ever.sum())
    return n, k, min(k, n - k), k / n if n else np.nan, *wilson(k, n)


def _number(frame: Frame, degree: pd.Series) -> NDArray[np.float64]:
    return frame.people["person_id"].map(degree).fillna(0).to_numpy(float)
