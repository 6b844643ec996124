"""What the usual tool does on ten small examples, as JSON; run as a script, as it changes the
logging and the warnings of whoever imports it.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

LEVEL, FILTERS = logging.getLogger().level, list(warnings.filters)

import acro  # noqa: E402
import acro.record  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402


def changed_by_importing() -> dict[str, bool]:
    new = [one for one in warnings.filters if one not in FILTERS]
    ours = [one for one in new if one[0] == "ignore" and one[2] is FutureWarning]
    return {"logging": logging.getLogger().level != LEVEL, "warnings": bool(ours)}


def survival() -> dict[str, Any]:
    days = pd.Series(np.arange(1, 31) ** 2)
    table = acro.ACRO(suppress=True).surv_func(days, pd.Series(np.ones(30)), output="table")
    return {
        "times": [float(day) for day in table.index],
        "at_risk": table["num at risk"].tolist(),
        "events": table["num events"].tolist(),
    }


def subtraction() -> dict[str, Any]:
    """One area of 50, of whom two are of another age, and a second table without those two."""
    rows = pd.DataFrame({"area": ["a"] * 50 + ["b"] * 40, "year": 2020, "age": [17] * 90})
    rows.loc[[0, 1], "age"] = 18
    tool = acro.ACRO(suppress=True)
    everybody = tool.crosstab(rows["area"], rows["year"])
    part = rows[rows["age"] == 17]
    younger = tool.crosstab(part["area"], part["year"])
    return {"everybody": float(everybody.loc["a", 2020]), "younger": float(younger.loc["a", 2020])}


def totals() -> dict[str, Any]:
    rows = pd.DataFrame({"area": ["a"] * 50 + ["b"] * 40 + ["c"] * 4, "year": "y2020"})
    tool = acro.ACRO(suppress=True)
    table = tool.crosstab(rows["area"], rows["year"], margins=True)
    return {"true": len(rows), "total": float(table.iloc[-1, -1])}


def rounding() -> dict[str, Any]:
    rows = pd.DataFrame({"area": ["a"] * 50 + ["b"] * 8, "year": 2020, "value": 0.4})
    tool = acro.ACRO(mitigation="round")
    means = tool.pivot_table(rows, index="area", columns="year", values="value", aggfunc="mean")
    counts = tool.crosstab(rows["area"], rows["year"])
    return {"share": float(means.iloc[0, 0]), "of_eight": float(counts.loc["b", 2020])}


def dummy() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    y = pd.Series(rng.normal(size=60))
    rare = pd.Series([1.0, 1.0] + [0.0] * 58)
    tool = acro.ACRO()
    fit = tool.ols(y, pd.DataFrame({"const": 1.0, "rare": rare}))
    told = float(fit.params["const"] + fit.params["rare"])
    return {
        "status": tool.results.get_index(0).status,
        "told": told,
        "mean_of_two": float(y[:2].mean()),
    }


def own_policy(folder: Path) -> str:
    (folder / "strict.yaml").write_text("safe_threshold: 20\n")
    try:
        acro.ACRO(config=str(folder / "strict"))
    except (ValueError, OSError) as problem:
        return type(problem).__name__
    return "taken"


def writing_over(folder: Path) -> dict[str, Any]:
    place = folder / "outputs"
    place.mkdir()
    tool = acro.ACRO()
    rows = pd.DataFrame({"area": ["a"] * 50, "year": 2020})
    tool.crosstab(rows["area"], rows["year"])
    return {"returned": tool.finalise(str(place)), "written": len(list(place.iterdir()))}


def read_back(folder: str) -> dict[str, Any]:
    """A release as the tool's own reader loads it."""
    loaded = acro.record.load_records(folder)
    return {
        uid: {
            "status": one.status,
            "type": one.output_type,
            "tables": [list(t.shape) for t in one.output if isinstance(t, pd.DataFrame)],
            "timestamp": one.timestamp,
            "summary": one.summary,
            "comments": one.comments,
            "exception": one.exception,
            "outcome": one.outcome.shape[1],
            "suppressed": one.sdc["summary"]["suppressed"],
        }
        for uid, one in loaded.results.items()
    }


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(read_back(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        facts = {
            "importing": changed_by_importing(),
            "survival": survival(),
            "subtraction": subtraction(),
            "totals": totals(),
            "rounding": rounding(),
            "misspelt": acro.ACRO(mitigation="supress").mitigation,
            "dummy": dummy(),
            "own_policy": own_policy(folder),
            "writing_over": writing_over(folder),
            "methods": [name for name in dir(acro.ACRO) if not name.startswith("_")],
        }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
