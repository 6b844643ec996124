"""The methods of the chapters on the network and on transmission, side by side in every world."""

from __future__ import annotations

import pandas as pd

from missing_lib.book.controls import EARLIER, NOT_RUN, Trials, Tried
from missing_lib.book.experiments import EXPERIMENTS
from missing_lib.study.intervals import wilson

#: Method, and the quantity of an experiment that is its test.
METHODS = {
    "regression on steps": "steps",
    "labels shuffled": "shuffle",
    "histories shifted": "shift",
    "Cox, peer exposure": "cox",
    "ties rewired": "rewired",
    "Hawkes model": "hawkes",
}
#: World in words, and its experiment for each method that was tried in it.
WORLDS: dict[str, tuple[str, ...]] = {
    "nobody influences anybody": (
        "network_models", "nearness", "timing", "exposure", "rewired", "hawkes",
    ),
    "two leave together, and go on apart": (
        "timing_together", "exposure_together", "rewired_together", "hawkes_together",
    ),
    "connections are alike in what no record holds": (
        "network_models_unseen", "nearness_unseen", "timing_alike", "exposure_alike",
        "rewired_alike", "hawkes_alike",
    ),
    "groups are watched more at some times": (
        "timing_watched", "exposure_watched", "rewired_watched", "hawkes_watched",
    ),
    "groups have bad weeks in common": (
        "timing_shocks", "exposure_shocks", "rewired_shocks", "hawkes_shocks",
    ),
    "incidents do bring on others": (
        "timing_influence", "exposure_influence", "rewired_influence", "hawkes_influence",
    ),
}  # fmt: skip


def side_by_side(made: Trials) -> pd.DataFrame:
    """How often each method rejects that nothing travels in each world, in per cent.

    Returns
    -------
    DataFrame
        ``world`` and a column for each of :data:`METHODS`: per cent of data sets with the
        error of the simulation, that it was not run, or nothing where it was not asked.
    """
    rows = []
    for world, names in WORLDS.items():
        row = {"world": world}
        for method, quantity in METHODS.items():
            row[method] = _rejects(made, names, quantity)
        rows.append(row)
    return pd.DataFrame(rows, columns=["world", *METHODS])


def _rejects(made: Trials, names: tuple[str, ...], quantity: str) -> str:
    asked = [name for name in names if quantity in {q.name for q in EXPERIMENTS[name].quantities}]
    if not asked:
        return "\u2013"
    found = [t for t in made.tried if t.experiment.name in asked and t.quantity.name == quantity]
    return _share(found[0]) if found else NOT_RUN


def _share(tried: Tried) -> str:
    found = tried.found
    low, high = wilson(found.rejected, found.tests)
    said = f"{100 * found.rejection:.0f} ({100 * low:.0f} to {100 * high:.0f})"
    return f"{said}; {EARLIER}" if tried.stale else said
