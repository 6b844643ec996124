"""Known answers computed in R: one folder a case under ``tests/reference``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = Path(__file__).parent / "reference"


def case(name: str) -> tuple[pd.DataFrame, dict[str, Any], str]:
    """The input, the expected values, and what the case says of tolerance and definitions.

    Parameters
    ----------
    name : str
        Folder of the case. ``how.R`` beside the input shows how R came to its values.

    Returns
    -------
    data : DataFrame
    expected : dict
    notes : str
        Tolerance first, then which variant of an estimator the values are.
    """
    folder = FOLDER / name
    content = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    notes = f"{content.get('tolerance', '')}; {content.get('notes', '')}"
    return pd.read_csv(folder / "input.csv"), content["expected"], notes
