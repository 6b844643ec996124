"""The account of the rows: what each rule touched, and that nothing is lost.

A rule takes a step of the intake (the table so far, its account) and returns the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from missing_lib.force.rulebook import DONE, Chosen

#: Rows of a table from which on the share that a rule sets aside is judged.
ENOUGH_ROWS = 10


@dataclass(frozen=True)
class Touched:
    """One line of the ledger.

    Attributes
    ----------
    rule : str
        Such as ``I03``.
    title : str
        What the rule looks for, in plain words.
    action : {"quarantined", "merged", "set missing", "filled", "flagged"}
    severity : {"caveat", "note"}
    before, touched, after : int
        Rows before the rule, rows it touched, rows after it.
    """

    table: str
    rule: str
    title: str
    action: str
    severity: str
    before: int
    touched: int
    after: int


def _positions(*more: str) -> pd.DataFrame:
    columns = {"position": pd.Series(dtype="int64"), "rule": pd.Series(dtype=object)}
    return pd.DataFrame({**columns, **{name: pd.Series(dtype="int64") for name in more}})


@dataclass(frozen=True)
class Step:
    """A table on its way through the rules.

    Attributes
    ----------
    table : str
        Canonical table.
    rows : DataFrame
        Canonical columns; the index is the row's position in its source.
    ledger : tuple of Touched
    quarantined : DataFrame
        ``position`` in the source and ``rule``, one row per row set aside.
    merged : int
        Rows that were merged into another row.
    review : DataFrame
        ``position``, ``rule`` and ``group``: rows that somebody should look at together.
    flagged : DataFrame
        ``position`` and ``rule`` of rows that a rule with a caveat touched and kept.
    too_many : tuple of Touched
        Rules that set aside more than the force file lets them.
    """

    table: str
    rows: pd.DataFrame
    ledger: tuple[Touched, ...] = ()
    quarantined: pd.DataFrame = field(default_factory=_positions)
    merged: int = 0
    review: pd.DataFrame = field(default_factory=lambda: _positions("group"))
    flagged: pd.DataFrame = field(default_factory=_positions)
    too_many: tuple[Touched, ...] = ()

    def note(self, rule: Chosen, touched: int, rows: pd.DataFrame) -> Step:
        """The next step, with one more line in the ledger."""
        line = Touched(
            self.table, rule.rule, rule.title, DONE[rule.action], rule.severity,
            len(self.rows), touched, len(rows),
        )  # fmt: skip
        merged = self.merged + (touched if rule.action == "merge" else 0)
        return replace(self, rows=rows, ledger=(*self.ledger, line), merged=merged)

    def act(self, rule: Chosen, odd: pd.Series, *columns: str) -> Step:
        """Do with odd rows what the rule does: set them aside, blank columns, or count them.

        Parameters
        ----------
        rule : Chosen
        odd : Series of bool
            One per row.
        *columns : str
            Set missing where that is the action.
        """
        touched = int(odd.sum())
        if rule.action == "quarantine":
            step = self.note(rule, touched, self.rows[~odd] if touched else self.rows)
            aside = self._listed(self.quarantined, rule, odd)
            limit = rule.settings.get("stop_above", 1.0) * len(self.rows)
            judged = len(self.rows) >= ENOUGH_ROWS and touched > limit
            over = (*self.too_many, step.ledger[-1]) if judged else self.too_many
            return replace(step, quarantined=aside, too_many=over)
        rows = self.rows
        if rule.action == "set missing" and touched:
            rows = rows.assign(**{name: rows[name].mask(odd) for name in columns})
        listed = touched and rule.severity == "caveat"
        flagged = self._listed(self.flagged, rule, odd) if listed else self.flagged
        return replace(self.note(rule, touched, rows), flagged=flagged)

    def _listed(self, before: pd.DataFrame, rule: Chosen, odd: pd.Series) -> pd.DataFrame:
        out = pd.DataFrame({"position": self.rows.index[odd].astype("int64"), "rule": rule.rule})
        return pd.concat([before, out], ignore_index=True)

    def look_at(self, rule: Chosen, group: pd.Series) -> Step:
        """Put rows on the review list.

        Parameters
        ----------
        group : Series of int
            Number of the group; the index is the position, rows that need no look are not there.
        """
        more = pd.DataFrame({"position": group.index, "rule": rule.rule, "group": group.array})
        return replace(self, review=pd.concat([self.review, more], ignore_index=True))


#: Takes a step and returns the next one.
Rule = Callable[[Step], Step]


def row_account(rows_in: int, step: Step) -> dict[str, int]:
    """Rows in = kept + merged + quarantined; the difference is an error in a rule."""
    account = {
        "rows_in": rows_in,
        "kept": len(step.rows),
        "merged": step.merged,
        "quarantined": len(step.quarantined),
    }
    if rows_in != account["kept"] + account["merged"] + account["quarantined"]:
        raise AssertionError(f"{step.table}: the row account does not add up: {account}")
    return account


def ledger_frame(steps: list[Step]) -> pd.DataFrame:
    """The ledger of all tables as a frame, in the order of application."""
    lines = [line for step in steps for line in step.ledger]
    names = ["table", "rule", "title", "action", "severity", "before", "touched", "after"]
    return pd.DataFrame({name: np.array([getattr(line, name) for line in lines]) for name in names})
