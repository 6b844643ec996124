"""A bench on which one raw file is damaged, with a note of every wound."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

#: Lines above the first row in a spreadsheet that counts from one: the header.
FIRST_ROW = 2
COLUMNS = ("table", "source_row", "trap", "rule", "unread", "recoverable", "what")


@dataclass(frozen=True)
class Trap:
    """What is planted.

    Attributes
    ----------
    name : str
    what : str
        In plain words.
    rule : str
        Rule of the intake that finds it; empty where none can.
    unread : str
        Canonical column whose text cannot be read.
    recoverable : bool
        Whether cleaning gives the truth back.
    """

    name: str
    what: str
    rule: str = ""
    unread: str = ""
    recoverable: bool = True


@dataclass
class Bench:
    """One raw file under damage; each row gets at most one trap by :meth:`pick`.

    Attributes
    ----------
    rows : DataFrame of str
        Cells; the index is a key that never changes.
    order : Series of float
        Place in the file by key.
    """

    table: str
    rows: pd.DataFrame
    rng: np.random.Generator
    order: pd.Series = field(init=False)
    used: set[int] = field(default_factory=set)
    notes: list[tuple[int, str, Trap]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = self.rows.reset_index(drop=True)
        self.order = pd.Series(np.arange(len(self.rows), dtype=float), index=self.rows.index)

    def pick(self, eligible: pd.Series, count: int) -> list[int]:
        """Up to ``count`` rows that are eligible and not used yet; now they are."""
        free = [int(k) for k in eligible.index[eligible] if k not in self.used]
        chosen = self.rng.choice(free, min(count, len(free)), replace=False).tolist()
        self.used.update(chosen)
        return sorted(chosen)

    def write(self, key: int, column: str, text: str) -> None:
        """Overwrite one cell."""
        self.rows.loc[key, column] = text

    def note(self, key: int, trap: Trap, table: str = "") -> None:
        """Remember that a row holds a trap."""
        self.notes.append((key, table or self.table, trap))

    def copy(self, key: int, cells: dict[str, str], further: float = 0.5) -> int:
        """Put a copy of a row, some cells changed, further down."""
        return self.add({**self.rows.loc[key].to_dict(), **cells}, self.order[key] + further)

    def add(self, cells: dict[str, str], place: float) -> int:
        """Add a row; cells not given are empty."""
        key = int(self.rows.index.max()) + 1
        self.rows.loc[key] = [cells.get(str(name), "") for name in self.rows.columns]
        self.order.loc[key] = place
        self.used.add(key)
        return key

    def drop(self, key: int) -> None:
        """Take a row out of the file."""
        self.rows = self.rows.drop(index=key)
        self.order = self.order.drop(index=key)

    def blank_rows(self, count: int) -> None:
        """Rows without any value at the end."""
        trap = Trap("blank_trailing_row", "a row of empty cells at the end")
        for _ in range(count):
            self.note(self.add({}, 1e9), trap)

    def finished(self) -> pd.DataFrame:
        """The rows in their places."""
        return self.rows.loc[self._places().index].reset_index(drop=True)

    def planted(self) -> pd.DataFrame:
        """All notes, one row each, by place in the file."""
        place = self._places()
        lines = [
            (table, place[key], t.name, t.rule, t.unread, t.recoverable, t.what)
            for key, table, t in self.notes
        ]
        return pd.DataFrame(lines, columns=list(COLUMNS)).sort_values(
            ["table", "source_row", "trap"], kind="stable"
        )

    def _places(self) -> pd.Series:
        ordered = self.order.sort_values(kind="stable")
        return pd.Series(np.arange(len(ordered)) + FIRST_ROW, index=ordered.index)
