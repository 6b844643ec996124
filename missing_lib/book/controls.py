"""What the page on simulated worlds shows: what was asked of each method, and how it did."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

from missing_lib.book.code_state import of_experiments
from missing_lib.book.experiments import EXPERIMENTS
from missing_lib.book.simulate import Result, read
from missing_lib.study.controls.criteria import (
    COVERED,
    COVERS,
    KEEPS_SIZE,
    MET,
    NOT_MET,
    NOTHING,
    REPLICATES,
    SIZE,
    Experiment,
    Quantity,
    verdict,
)
from missing_lib.study.controls.summary import LEVEL, Summary
from missing_lib.study.intervals import wilson

EARLIER = "made with earlier code"
#: What is said of an experiment that was never run to its end.
NOT_RUN = "not run yet"


@dataclass(frozen=True)
class Tried:
    """One quantity of one experiment.

    Attributes
    ----------
    experiment : Experiment
    quantity : Quantity
    found : Summary
    verdict : str
    stale : bool
        Whether the code that it depends on has changed since.
    """

    experiment: Experiment
    quantity: Quantity
    found: Summary
    verdict: str
    stale: bool

    @property
    def words(self) -> str:
        """The verdict, and that the code has changed."""
        return f"{self.verdict}; {EARLIER}" if self.stale else self.verdict


@dataclass(frozen=True)
class Trials:
    """Everything that was tried, and what was not.

    Attributes
    ----------
    tried : tuple of Tried
    results : dict of (Result or None)
        By experiment.
    stale : tuple of str
        Experiments whose results were made with earlier code.
    """

    tried: tuple[Tried, ...]
    results: dict[str, Result | None]
    stale: tuple[str, ...]

    def count(self, *verdicts: str) -> int:
        """Quantities with one of these verdicts."""
        return sum(one.verdict in verdicts for one in self.tried)

    @property
    def not_run(self) -> int:
        """Experiments without a result."""
        return sum(result is None for result in self.results.values())


def trials(
    folder: Path, root: Path, experiments: Sequence[Experiment] = tuple(EXPERIMENTS.values())
) -> Trials:
    """Read what the experiments gave, and hold it against today's code.

    Parameters
    ----------
    folder : Path
        With one file for each experiment.
    root : Path
        With ``requirements.lock``.
    """
    results = {one.name: read(folder, one.name) for one in experiments}
    codes = of_experiments(experiments, root)
    stale = tuple(n for n, r in results.items() if r is not None and r.code != codes[n])
    tried = [
        Tried(one, quantity, result.found[quantity.name], "", one.name in stale)
        for one in experiments
        if (result := results[one.name]) is not None
        for quantity in one.quantities
        if quantity.name in result.found
    ]
    judged = (
        Tried(t.experiment, t.quantity, t.found, verdict(t.quantity, t.found), t.stale)
        for t in tried
    )
    return Trials(tuple(judged), results, stale)


def worlds(made: Trials) -> pd.DataFrame:
    """What was simulated.

    Returns
    -------
    DataFrame
        ``experiment``, ``model``, ``world``, ``data_sets`` (how many, or that it was not run).
    """
    rows = [
        (name, one.model, one.world, _data_sets(made, name))
        for name, one in EXPERIMENTS.items()
        if name in made.results
    ]
    return pd.DataFrame(rows, columns=["experiment", "model", "world", "data_sets"])


def coverage(made: Trials, required: bool) -> pd.DataFrame:
    """How often 95 % intervals hold the truth.

    Parameters
    ----------
    required : bool
        Quantities of which something is asked, or the others.

    Returns
    -------
    DataFrame
        ``experiment``, ``quantity``, ``bias`` (with its Monte Carlo error), ``held`` (per cent),
        ``from``, ``to`` (Monte Carlo interval), ``criterion``.
    """
    rows = [
        (
            *(one.experiment.name, one.quantity.words, _bias(one.found)),
            *(*_percent(one.found.covered, one.found.intervals), one.words),
        )
        for one in _of(made, required)
        if one.found.intervals
    ]
    names = ["experiment", "quantity", "bias", "held", "from", "to", "criterion"]
    return pd.DataFrame(rows, columns=names)


def rejections(made: Trials, required: bool) -> pd.DataFrame:
    """How often tests at 5 % reject.

    Returns
    -------
    DataFrame
        ``experiment``, ``quantity``, ``asked`` (size or power), ``rejects`` (per cent),
        ``from``, ``to``, ``criterion``.
    """
    rows = [
        (
            *(one.experiment.name, one.quantity.words, one.quantity.wants),
            *(*_percent(one.found.rejected, one.found.tests), one.words),
        )
        for one in _of(made, required)
        if one.found.tests
    ]
    names = ["experiment", "quantity", "asked", "rejects", "from", "to", "criterion"]
    table = pd.DataFrame(rows, columns=names)
    return table if required else table.drop(columns="asked")


def unanswered(made: Trials) -> pd.DataFrame:
    """Quantities that have no answer in some data sets, or neither interval nor test.

    Returns
    -------
    DataFrame
        ``experiment``, ``quantity``, ``no_answer`` (per cent of the data sets), ``bias``.
    """
    rows = [
        (
            one.experiment.name,
            one.quantity.words,
            _one_decimal(one.found.failures / one.found.replicates),
            _bias(one.found),
        )
        for one in made.tried
        if one.found.failures or not (one.found.intervals or one.found.tests)
    ]
    return pd.DataFrame(rows, columns=["experiment", "quantity", "no_answer", "bias"])


def findings(made: Trials) -> pd.DataFrame:
    """Where methods fail, and why that is the finding.

    Returns
    -------
    DataFrame
        ``experiment``, ``worst`` (computed: the quantity that fails most), ``finding``.
    """
    rows = []
    for name, one in EXPERIMENTS.items():
        mine = [t for t in made.tried if t.experiment.name == name and t.quantity.wants == NOTHING]
        if one.finding and mine:
            rows.append((name, _worst(mine), one.finding))
    return pd.DataFrame(rows, columns=["experiment", "worst", "finding"])


def describe(made: Trials) -> str:
    """What the trials say, as a template with ``met``, ``required``, ``missed`` and ``names``."""
    if not made.count(MET, NOT_MET):
        return "No experiment has been run with enough data sets to say anything yet."
    asked = "Of {required} things asked of the methods" + " tried so far" * bool(made.not_run)
    if not made.count(NOT_MET):
        return asked + ", all are met."
    return asked + ", {met} are met. Not met: {names}."


def missed(made: Trials) -> str:
    """Quantities that do not meet what is asked of them, by experiment."""
    return ", ".join(
        f"{t.experiment.model} ({t.quantity.words})" for t in made.tried if t.verdict == NOT_MET
    )


def missed_by_luck(made: Trials) -> float:
    """How many of the things asked would miss by chance if each had exactly the level it states.

    Only those that are asked to lie between two bounds.
    """
    n = REPLICATES
    chance = 0.0
    for wants, level, (low, high) in ((COVERS, 0.95, COVERED), (KEEPS_SIZE, LEVEL, SIZE)):
        law = binom(n, level)
        inside = law.cdf(np.floor(high * n + 1e-9)) - law.cdf(np.ceil(low * n - 1e-9) - 1)
        asked = sum(t.quantity.wants == wants for t in made.tried if t.verdict in (MET, NOT_MET))
        chance += asked * (1 - float(inside))
    return chance


def _of(made: Trials, required: bool) -> Iterator[Tried]:
    return (t for t in made.tried if (t.quantity.wants != NOTHING) == required)


def _data_sets(made: Trials, name: str) -> str:
    result = made.results[name]
    if result is None:
        return NOT_RUN
    return f"{result.replicates}; {EARLIER}" if name in made.stale else str(result.replicates)


def _bias(found: Summary) -> str:
    """Bias, give or take its Monte Carlo error, to the digits that the error allows."""
    if math.isnan(found.bias) or math.isnan(found.bias_error):
        return ""
    digits = max(0, 1 - math.floor(math.log10(found.bias_error))) if found.bias_error > 0 else 2
    return f"{found.bias:+.{digits}f} ± {found.bias_error:.{digits}f}"


def _percent(part: int, whole: int) -> tuple[float, ...]:
    """A share of the data sets with Wilson's interval, which is the error of the simulation."""
    return tuple(_one_decimal(share) for share in (part / whole, *wilson(part, whole)))


def _one_decimal(share: float) -> float:
    return round(100 * share, 1)


def _worst(mine: Sequence[Tried]) -> str:
    """The quantity whose interval misses most, or else the test that rejects most."""
    bounded = [t for t in mine if t.found.intervals]
    if bounded:
        worst = min(bounded, key=lambda t: t.found.coverage)
        said = f"intervals hold the truth in {_whole(worst.found.coverage)}"
    elif any(t.found.tests for t in mine):
        worst = max((t for t in mine if t.found.tests), key=lambda t: t.found.rejection)
        said = f"rejects in {_whole(worst.found.rejection)}"
    else:
        worst = mine[0]
        said = f"no answer in {_whole(worst.found.failures / worst.found.replicates)}"
    stale = f" ({EARLIER})" if worst.stale else ""
    return f"{worst.quantity.words}: {said}{stale}"


def _whole(share: float) -> str:
    return f"{100 * share:.0f} %"
