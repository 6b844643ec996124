"""What the reviewers' page shows: where findings are computed, and what the columns mean."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.schema import SCHEMA
from missing_lib.study.findings import CLAIMS


def claims() -> pd.DataFrame:
    """Each finding with the function that computes it and the tests that hold it.

    Returns
    -------
    DataFrame
        ``finding``, ``chapter``, ``code`` (in ``missing_lib.study``), ``tests``.
    """
    return pd.DataFrame(
        [(c.id, c.chapter, f"study.{c.code}", f"tests/{c.tests}") for c in CLAIMS],
        columns=["finding", "chapter", "code", "tests"],
    )


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
