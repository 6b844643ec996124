"""Does the social environment matter? Connections and nearness as they stood at the landmark."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from missing_lib.study.cohort import Cohort
from missing_lib.study.frame import Frame, covariates
from missing_lib.study.intervals import wilson
from missing_lib.study.nearness import Graph
from missing_lib.study.regression import Fit, logistic

#: Ties that an episode itself creates; they never count.
EPISODE_TIES = ("missing_together",)
#: Stated before looking: odds ratios in between are too small to matter.
EQUIVALENCE = (0.8, 1.25)
#: Adjusted p values below this count as evidence.
LEVEL = 0.05
#: Lower bounds of the classes of numbers of connections; merged from the top where few remain.
DEGREE_FROM = (0, 1, 2, 3, 5, 10, 20)
#: Components below this size are shown as one class, degree classes hold as many people.
SMALLEST_CLASS = 10


@dataclass(frozen=True)
class Structure:
    """Plain description of a network; exact values.

    Attributes
    ----------
    people, connected, pairs : int
        Nodes, nodes with a tie, and tied pairs.
    components : int
        Components of :data:`SMALLEST_CLASS` people or more.
    in_largest, in_small : int
        People in the largest component, and tied people in components below that size.
    mean_degree : float
        Over people with a tie.
    transitivity : float
        Triangles closed, of all pairs of ties that share a person.
    assortativity : float
        Of having gone missing, over ties (Newman 2003, doi 10.1103/PhysRevE.67.026126); 1 where
        only like is tied to like, 0 where ties do not care.
    """

    people: int
    connected: int
    pairs: int
    components: int
    in_largest: int
    in_small: int
    mean_degree: float
    transitivity: float
    assortativity: float


def ties_before(
    cohort: Cohort, agency: str | None = None, leave_out: tuple[str, ...] = EPISODE_TIES
) -> pd.DataFrame:
    """Distinct pairs of people tied before the landmark, the first day of the study.

    Parameters
    ----------
    cohort : Cohort
    agency : str, optional
        Only ties that this agency recorded.
    leave_out : tuple of str
        Types of ties that do not count.

    Returns
    -------
    DataFrame
        ``person_a`` < ``person_b``; each pair once, whatever the number of ties between them.
    """
    ties = cohort.ties
    keep = (ties["first_seen"] < cohort.start) & ~ties["tie_type"].isin(leave_out)
    if agency is not None:
        keep &= (ties["agency"] == agency).fillna(False)
    a, b = ties.loc[keep, "person_a"], ties.loc[keep, "person_b"]
    swap = (a > b).fillna(False)
    pairs = pd.DataFrame({"person_a": a.where(~swap, b), "person_b": b.where(~swap, a)}).dropna()
    pairs = pairs[pairs["person_a"] != pairs["person_b"]].drop_duplicates()
    return pairs.sort_values(["person_a", "person_b"]).reset_index(drop=True)


def connections(pairs: pd.DataFrame) -> pd.Series:
    """Number of distinct connections of everybody with at least one, by ``person_id``."""
    ends = pd.concat([pairs["person_a"], pairs["person_b"]])
    return ends.value_counts().rename("connections").rename_axis("person_id").sort_index()


def structure(network: Graph, missing: ArrayLike) -> Structure:
    """Describe a network.

    Parameters
    ----------
    network : Graph
    missing : array_like of bool, shape (n,)
        Who went missing, in the order of ``network.names``.
    """
    g = nx.from_scipy_sparse_array(network.neighbours)
    sizes = [len(c) for c in nx.connected_components(g) if len(c) > 1]
    tied = network.degree > 0
    return Structure(
        people=len(network.names),
        connected=int(tied.sum()),
        pairs=g.number_of_edges(),
        components=sum(size >= SMALLEST_CLASS for size in sizes),
        in_largest=max(sizes, default=0),
        in_small=sum(size for size in sizes if size < SMALLEST_CLASS),
        mean_degree=float(network.degree[tied].mean()) if tied.any() else np.nan,
        transitivity=float(nx.transitivity(g)) if tied.any() else np.nan,
        assortativity=assortativity(network, missing),
    )


def assortativity(network: Graph, label: ArrayLike) -> float:
    """Assortativity of a yes-no label over ties; NaN where all ends of ties are alike."""
    rows = network.neighbours.tocoo()
    yes = np.asarray(label, bool)
    if rows.nnz == 0 or yes[rows.row].all() or not yes[rows.row].any():
        return np.nan
    like = float((yes[rows.row] == yes[rows.col]).mean())
    share = float(yes[rows.row].mean())
    by_chance = share**2 + (1 - share) ** 2
    return (like - by_chance) / (1 - by_chance)


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
    ends = [*begins[1:], None]
    rows = []
    for low, high in zip(begins, ends, strict=True):
        inside = (number >= low) & (number < (np.inf if high is None else high))
        label = f"{low} or more" if high is None else _between(low, high - 1)
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
    number = steps[_position(frame, network)]
    ever = frame.people["ever"].to_numpy(bool)
    classes = {
        "1": number == 1,
        "2": number == 2,
        "3 or more": (number >= 3) & np.isfinite(number),
        "nobody in reach": np.isinf(number),
    }
    rows = [(label, *_share(ever[inside])) for label, inside in classes.items()]
    return pd.DataFrame(rows, columns=["steps", *_SHARE])


def degree_model(frame: Frame, degree: pd.Series) -> Fit:
    """Logistic regression of ever missing on connections, markers, sex and age.

    The term ``connections`` is log2(1 + number): its odds ratio is per doubling of one plus
    the number.
    """
    return logistic(frame.people["ever"], _design(frame, degree))


def steps_model(frame: Frame, network: Graph, degree: pd.Series, steps: NDArray[np.float64]) -> Fit:
    """The same with steps to the nearest other person who went missing.

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
    """
    at = _position(frame, network)
    number = np.where(np.isfinite(steps[at]), steps[at], np.nan)
    design = _design(frame, degree).assign(steps=number)
    return logistic(frame.people["ever"], design, linked=network.neighbours[at][:, at])


def closeness_model(
    frame: Frame, network: Graph, degree: pd.Series, closeness: NDArray[np.float64]
) -> Fit:
    """The same with harmonic closeness to all others who went missing, per standard deviation.

    Only people with a tie; parameters as for :func:`steps_model`.
    """
    at = _position(frame, network)
    value = pd.Series(np.where(network.degree[at] > 0, closeness[at], np.nan))
    spread = value.std(ddof=0)
    scaled = (value - value.mean()) / (spread if spread > 0 else np.nan)
    design = _design(frame, degree).assign(closeness=scaled)
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


def strata(frame: Frame, degree: pd.Series) -> NDArray[np.int64]:
    """Coarse strata: connections, number of markers, care, and age in bands of three years.

    Returns
    -------
    array of int, shape (people,)
        Number of each person's stratum.
    """
    marks = frame.marks
    care = marks.get("local_authority_care", 0.0)
    keys = pd.DataFrame(
        {
            "connections": np.digitize(_number(frame, degree), DEGREE_FROM),
            "markers": marks.sum(axis=1).clip(upper=3),
            "care": care,
            "age": np.floor(frame.people["age"] / 3).fillna(-1),
        }
    )
    return keys.groupby(list(keys.columns), sort=True).ngroup().to_numpy(np.int64)


_SHARE = ["people", "ever", "fewest", "share", "lower", "upper"]


def _share(ever: NDArray[np.bool_]) -> tuple[float, ...]:
    n, k = len(ever), int(ever.sum())
    return n, k, min(k, n - k), k / n if n else np.nan, *wilson(k, n)


def _between(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _number(frame: Frame, degree: pd.Series) -> NDArray[np.float64]:
    return frame.people["person_id"].map(degree).fillna(0).to_numpy(float)


def _position(frame: Frame, network: Graph) -> NDArray[np.intp]:
    """Node of each person of the frame; everybody in it must be a node."""
    return network.names.get_indexer(pd.Index(frame.people["person_id"]))


def _design(frame: Frame, degree: pd.Series) -> pd.DataFrame:
    return covariates(frame).assign(connections=np.log2(1 + _number(frame, degree)))
