"""What models other than the stage models would find: pseudo-true values by simulation.

``python -m missing_lib.synthetic.pseudo_true`` rewrites ``pseudo_true.json`` beside this
module (some minutes). A million people are drawn with replacement from the predictors' frame,
in blocks; each block goes through the stage models, without exact totals, and is fitted.
The mean over the blocks is the pseudo-true value, their standard error its Monte Carlo error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import expit

from missing_lib.synthetic import counts, fits, outcomes, times, truth, world
from missing_lib.synthetic.clock import YEAR, Clock, study_clock
from missing_lib.synthetic.people import child_window
from missing_lib.synthetic.thames_valley import SEED

BLOCKS = 20
PEOPLE = 50_000
#: Fixed horizons of the landmark models, in days.
HORIZONS = (365, 730)
COMMAND = "python -m missing_lib.synthetic.pseudo_true"
POPULATION = "people drawn with replacement from the frame; columns as under terms"
MEANING = {
    "negative_binomial": "log rate ratios of child incidents, offset log child-years observed",
    "complementary_log_log": "log hazard ratios of ever missing, offset log child-years observed",
    "logit_within_365_days": "log odds ratios among those observed as a child for 365 days",
    "logit_within_730_days": "log odds ratios among those observed as a child for 730 days",
}


@dataclass(frozen=True)
class Block:
    """One block of simulated people.

    Attributes
    ----------
    terms : DataFrame (PEOPLE, terms + 1)
        Constant and terms of the frame.
    number : int array
        Child incidents of each person.
    first : array
        Day of the first report; infinite for the never missing.
    days : int array
        Days under observation as a child.
    """

    terms: pd.DataFrame
    number: np.ndarray
    first: np.ndarray
    days: np.ndarray


def simulate(
    before: world.World, clock: Clock, rng: np.random.Generator, people: int = PEOPLE
) -> Block:
    """Draw a block of people from the frame and let the stage models act on them."""
    rows = rng.choice(before.frame, people)
    design = before.design.iloc[rows].reset_index(drop=True)
    alpha = counts.intercepts(counts.CHILD_STAGES, before.design[before.is_child])
    level = np.zeros(people, dtype=np.int64)
    for k, (name, stage) in enumerate(counts.CHILD_STAGES.items(), start=1):
        success = rng.random(people) < expit(alpha[name] + stage.eta(design))
        level[(level == k - 1) & success] = k
    start, stop = child_window(before.people.iloc[rows])
    number = _numbers(level, (stop - start) // counts.DAYS_PER_INCIDENT, rng)
    windows = outcomes.windows_of(before, rows, start, stop, clock)
    first = np.full(people, np.inf)
    for k in np.flatnonzero(number).tolist():
        h = times.history(int(number[k]), windows[k], outcomes.CHILD_RHYTHM, clock, rng)
        first[k] = clock.local_day(h.reported[:1])[0]
    terms = design[list(world.TERMS)].copy()
    terms.insert(0, "const", 1.0)
    return Block(terms, number, first, stop - start)


def _numbers(level: np.ndarray, room: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Numbers of incidents drawn with replacement from the fixed lists of each class."""
    out = (level == 1).astype(np.int64)
    lists = counts.CHILD_NUMBERS
    few = np.repeat(list(lists.few), list(lists.few.values()))
    for values, members in ((few, level == 2), (lists.many, level == 3)):
        out[members] = counts.deal(rng.choice(values, members.sum()), room[members], rng)
    return out


def negative_binomial(block: Block) -> pd.Series:
    """Log rate ratios of the number of child incidents, offset log years observed."""
    b = fits.negative_binomial(block.terms.to_numpy(), block.number, np.log(block.days / YEAR))
    return pd.Series(b, index=[*block.terms.columns, "log_alpha"])


def complementary_log_log(block: Block) -> pd.Series:
    """Log hazard ratios of ever missing, offset log years observed."""
    ever = (block.number > 0).astype(float)
    b = fits.complementary_log_log(block.terms.to_numpy(), ever, np.log(block.days / YEAR))
    return pd.Series(b, index=block.terms.columns)


def landmark(block: Block, horizon: int) -> pd.Series:
    """Log odds ratios of missing within the horizon, among those observed that long as a child."""
    whole = block.days >= horizon
    missing = (block.first[whole] < horizon).astype(float)
    b = fits.logit(block.terms.to_numpy()[whole], missing)
    return pd.Series(b, index=block.terms.columns)


def fingerprint(before: world.World) -> str:
    """Digest of all that the pseudo-true values depend on: stale values show by it."""
    made_with = (
        counts.CHILD_STAGES,
        counts.CHILD_NUMBERS.few,
        counts.CHILD_NUMBERS.many.tolist(),
        outcomes.CHILD_RHYTHM,
        before.design.iloc[before.frame].sum().round(6).to_dict(),
    )
    return hashlib.sha256(repr(made_with).encode()).hexdigest()[:16]


def pseudo_true(seed: int = SEED) -> dict[str, object]:
    """Pseudo-true values of all models, with their Monte Carlo errors."""
    before, clock = world.generate(seed), study_clock()
    models: dict[str, Callable[[Block], pd.Series]] = {
        "negative_binomial": negative_binomial,
        "complementary_log_log": complementary_log_log,
    }
    for days in HORIZONS:
        models[f"logit_within_{days}_days"] = partial(landmark, horizon=days)
    found: dict[str, list[pd.Series]] = {name: [] for name in models}
    for k in range(BLOCKS):
        block = simulate(before, clock, np.random.default_rng([seed, 5, k]))
        for name, fit in models.items():
            found[name].append(fit(block))
    out: dict[str, object] = {"command": COMMAND, "people": BLOCKS * PEOPLE, "of": POPULATION}
    out["fingerprint"] = fingerprint(before)
    for name, values in found.items():
        out[name] = {"is": MEANING[name]} | _summary(pd.DataFrame(values))
    return out


def _summary(params: pd.DataFrame) -> dict[str, dict[str, float]]:
    error = params.std() / np.sqrt(len(params))
    return {
        "value": {name: round(float(v), 4) for name, v in params.mean().items()},
        "monte_carlo_error": {name: round(float(v), 4) for name, v in error.items()},
    }


if __name__ == "__main__":
    text = json.dumps(pseudo_true(), indent=1) + "\n"
    truth.PSEUDO_TRUE.write_bytes(text.encode("utf-8"))
