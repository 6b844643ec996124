"""The tables of the gate: each follows the rules of its kind, and is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from missing_lib.release import (
    compared,
    count_tables,
    curve_tables,
    members,
    row_members,
    sheet,
    tables,
)
from missing_lib.release.counted import INCIDENT, PERSON, ROW, Tabulated
from missing_lib.release.desk import Desk
from missing_lib.release.published import Shown


class TableGate(Desk):
    """Publishes tables; figures are drawn from their safe frames."""

    def counts(
        self,
        name: str,
        table: Tabulated,
        *,
        title: str,
        what: str,
        units: Sequence[str] = ("incidents", "people"),
        total: bool = True,
        structural_zeros: Any = None,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Publish a table of counts; see :func:`missing_lib.release.cells.safe_counts`."""
        mends = {unit: self._mends(name, members.UNITS[unit][0]) for unit in units}
        made = count_tables.counts(
            table.cells,
            list(table.by),
            tuple(units),
            self.policy,
            total,
            structural_zeros,
            labels,
            mends,
        )
        shown = self._table(name, made, title, what)
        chapter = self.registry.chapter
        self.registry.counted += [
            members.of_table(
                chapter, name, table, made.frame, unit, self.policy, total, mends[unit]
            )
            for unit in units
        ]
        return shown

    def ratios(
        self,
        name: str,
        frame: pd.DataFrame,
        by: list[str],
        *,
        title: str,
        what: str,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Publish shares in whole per cent, each from its two rounded counts."""
        return self._table(name, tables.ratios(frame, by, self.policy, labels), title, what)

    def survival(
        self,
        name: str,
        data: pd.DataFrame,
        *,
        duration: str,
        event: str,
        person: str,
        title: str,
        what: str,
        group: str | None = None,
        levels: Sequence[str] | None = None,
        until: int = 365,
        unit: str = "days",
    ) -> Shown:
        """Publish Kaplan-Meier curves; see :func:`missing_lib.release.curves.safe_survival`.

        Durations are counted in whole units: ``days`` or ``hours``.
        """
        made = curve_tables.survival(
            data, duration, event, person, group, levels, until, self.policy, unit
        )
        return self._table(name, made, title, what)

    def mean_cumulative(
        self,
        name: str,
        data: pd.DataFrame,
        windows: pd.DataFrame,
        *,
        time: str,
        person: str,
        title: str,
        what: str,
        group: str | None = None,
        levels: Sequence[str] | None = None,
        until: int = 730,
    ) -> Shown:
        """Publish mean cumulative functions of events in ``data`` over ``windows``."""
        made = curve_tables.mean_cumulative(
            data, windows, time, person, group, levels, until, self.policy
        )
        return self._table(name, made, title, what)

    def lorenz(
        self,
        name: str,
        per_person: ArrayLike,
        *,
        title: str,
        what: str,
        band: Callable[[Sequence[float]], pd.DataFrame] | None = None,
    ) -> Shown:
        """Publish a Lorenz curve at fixed percentiles.

        Parameters
        ----------
        band : callable, optional
            Takes fractions of people, returns a frame with ``lower`` and ``upper``.
        """
        return self._table(name, curve_tables.lorenz(per_person, self.policy, band), title, what)

    def estimates(
        self, name: str, frame: pd.DataFrame, *, title: str, what: str, scale: str = "odds ratio"
    ) -> Shown:
        """Publish regression estimates: two significant digits, nothing for small levels."""
        return self._table(name, tables.estimates(frame, scale, self.policy), title, what)

    def statistics(
        self,
        name: str,
        frame: pd.DataFrame,
        by: list[str],
        *,
        values: list[str],
        people: str,
        title: str,
        what: str,
        percent: bool = False,
        shown: Sequence[str] | None = None,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Publish a small table of statistics, each row resting on enough people.

        Parameters
        ----------
        by : list of str
            Columns that say which row it is; ``shown`` names those that are printed, if not all.
        values : list of str
            Columns of statistics.
        people : str
            Column with the number of people behind each row.
        percent : bool
            Whether the statistics are fractions, to be shown in whole per cent.
        """
        made = tables.statistics(
            frame, by, values, people, percent, self.policy, labels, list(shown or by)
        )
        return self._table(name, made, title, what)

    def proportions(
        self,
        name: str,
        frame: pd.DataFrame,
        by: list[str],
        *,
        of: tuple[str, str],
        interval: Callable[[float, float], tuple[float, float]],
        people: str,
        title: str,
        what: str,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Publish shares of people with intervals, in whole per cent from rounded counts.

        Parameters
        ----------
        of : tuple of str
            Columns of the part and of the whole, which stay on the machine.
        interval : callable
            Takes part and whole, returns the bounds.
        people : str
            Column with the smaller of part and rest.
        """
        made = tables.of_rounded(frame, of, interval, self.policy)
        values = ["share", "lower", "upper"]
        return self.statistics(
            name,
            made,
            by,
            values=values,
            people=people,
            title=title,
            what=what,
            percent=True,
            labels=labels,
        )

    def rates(
        self,
        name: str,
        frame: pd.DataFrame,
        by: list[str],
        *,
        of: tuple[str, str],
        interval: Callable[[float, float], tuple[float, float]],
        per: float,
        people: str,
        title: str,
        what: str,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Publish rates with intervals, in two significant digits from rounded counts.

        Parameters
        ----------
        of : tuple of str
            Columns of events and of exposure, which stay on the machine; both are rounded.
        interval : callable
            Takes events and exposure, returns the bounds.
        per : float
            Units of exposure that a rate is given for.
        people : str
            Column with the number of people behind each rate.
        """
        made = tables.of_rounded(frame, of, interval, self.policy)
        made = made.rename(columns={"share": "rate"})
        values = ["rate", "lower", "upper"]
        made[values] *= per
        return self.statistics(
            name, made, by, values=values, people=people, title=title, what=what, labels=labels
        )

    def rows(
        self,
        name: str,
        frame: pd.DataFrame,
        values: list[str],
        by: list[str],
        *,
        title: str,
        relation: str,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Publish counts of rows of the extract; each is a count of unknown people.

        Zero rows are "fewer than" the threshold, as one row is.

        Parameters
        ----------
        relation : str
            How the columns relate: one of :data:`missing_lib.release.row_members.RELATIONS`.
        """
        mends = self._mends(name, ROW)
        made = count_tables.row_counts(frame, values, by, self.policy, labels, mends)
        sets = row_members.related(frame, relation)
        given = {column: sets[column] for column in values}
        shown = self._table(name, made, title, "rows of the extract")
        self.registry.counted.append(members.of_rows(self.registry.chapter, name, by, made, given))
        return shown

    def definitions(
        self,
        name: str,
        frame: pd.DataFrame,
        *,
        title: str,
        labels: dict[str, str] | None = None,
        as_written: bool = False,
    ) -> Shown:
        """Show a table that holds no data: rules, readings, formulas.

        Names that a reader has to type keep their underscores if ``as_written``.
        """
        made = tables.unchanged(frame, labels, "definitions", as_written=as_written)
        return self._table(name, made, title, "definitions")

    def derived(
        self,
        name: str,
        frame: pd.DataFrame,
        of: Shown,
        *,
        title: str,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Show a table that was computed from a published table's safe frame alone."""
        note = f"Computed from the published values of: {of.payload['title']}."
        hides = sheet.hides(of.frame)
        made = tables.unchanged(frame, labels, "derived", note=note, hides=hides)
        return self._table(name, made, title, f"from {of.name}", of=[of])

    def of_published(
        self,
        name: str,
        frame: pd.DataFrame,
        *,
        title: str,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Show a table that was computed from the registries of the other chapters alone."""
        note = "Computed from what the other chapters of this edition published."
        made = tables.unchanged(frame, labels, "derived", note=note)
        return self._table(name, made, title, "what the other chapters published")

    def official(
        self,
        name: str,
        frame: pd.DataFrame,
        *,
        title: str,
        source: str,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Show official statistics, which are public already."""
        made = tables.unchanged(frame, labels, "official", note=f"Source: {source}.")
        return self._table(name, made, title, f"official statistics: {source}")

    def beside_official(
        self,
        name: str,
        frame: pd.DataFrame,
        by: list[str],
        *,
        title: str,
        what: str,
        source: str,
        labels: Sequence[str],
    ) -> Shown:
        """Publish own counts beside official ones; see :func:`compared.compared`."""
        aside = {*self._mends(name, PERSON), *self._mends(name, INCIDENT)}
        made = compared.compared(frame, by, self.policy, list(labels), source, aside)
        shown = self._table(name, made, title, what)
        self.registry.counted += members.beside_official(
            self.registry.chapter, name, by, made, frame
        )
        return shown
