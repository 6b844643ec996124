"""What the reviewers' page shows of the canonical tables."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.schema import SCHEMA


def data_dictionary() -> pd.DataFrame:
    """Every column of the canonical tables.

    Returns
    -------
    DataFrame
        ``table``, ``column``, ``kind``, ``required``, ``meaning``.
    """
    return pd.DataFrame(
        [
            (table, name, column.kind, column.required, column.meaning)
            for table, columns in SCHEMA.items()
            for name, column in columns.items()
        ],
        columns=["table", "column", "kind", "required", "meaning"],
    )
