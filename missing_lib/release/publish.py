"""The gate: whatever a chapter shows goes through one of these methods, or is not shown."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Sequence
from string import Formatter
from typing import Any

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from missing_lib.force.examples import EXAMPLES
from missing_lib.release import curve_tables, numbers, tables
from missing_lib.release.policy import Policy
from missing_lib.release.published import (
    HIDDEN_SHARE,
    MIME,
    NOT_AVAILABLE,
    Number,
    Shown,
    as_html,
    constant_text,
    digest,
)
from missing_lib.release.registry import Registry


class Gate:
    """Applies the policy, shows the safe result and writes it to the registry.

    Parameters
    ----------
    policy : Policy
    registry : Registry
    """

    def __init__(self, policy: Policy, registry: Registry) -> None:
        self.policy = policy
        self.registry = registry

    # --- numbers -------------------------------------------------------------------------

    def people(self, name: str, n: int, *, what: str, of: Number | None = None) -> Number:
        """Publish a count of people, rounded, or "fewer than" the threshold.

        Parameters
        ----------
        name : str
            Unique in the chapter; the placeholder ``{{ name }}`` stands for it.
        n : int
            Exact count.
        what : str
            Whom it counts, for the registry.
        of : Number, optional
            The population around it: a complement below the threshold hides the count too.
        """
        return self._number(numbers.people(name, n, of, self.policy), what, "person")

    def incidents(
        self, name: str, per_person: ArrayLike, *, what: str, of: Number | None = None
    ) -> Number:
        """Publish a count of incidents, given how many each person contributes.

        Parameters
        ----------
        per_person : array_like, shape (people,)
            Incidents (or gaps, or weights) of each person; zeros do not count as people.
        """
        return self._number(numbers.incidents(name, per_person, of, self.policy), what, "incident")

    def share(
        self,
        name: str,
        part: Number,
        whole: Number,
        *,
        what: str,
        interval: tuple[float, float] | None = None,
    ) -> Number:
        """Publish part / whole in whole per cent, from the rounded counts."""
        return self._number(numbers.share(name, part, whole, interval), what, "share")

    def percent(
        self,
        name: str,
        value: float,
        *,
        what: str,
        people: int,
        others: int,
        interval: tuple[float, float] | None = None,
        part: ArrayLike | None = None,
        rest: ArrayLike | None = None,
    ) -> Number:
        """Publish a fraction in whole per cent whose counts stay on the machine.

        Parameters
        ----------
        people, others : int
            People behind the numerator and behind the rest; both reach the threshold.
        part, rest : array_like, optional
            What each person contributes to the numerator and to the rest, where a person can
            contribute more than once: neither may be dominated by one or two.
        """
        shown = min(people, others) >= self.policy.threshold and all(
            numbers.may_be_shown(given, self.policy) for given in (part, rest) if given is not None
        )
        return self._number(numbers.percent(name, value, interval, shown), what, "share")

    def estimate(
        self,
        name: str,
        value: float,
        *,
        what: str,
        people: int,
        interval: tuple[float, float] | None = None,
        unit: str = "",
    ) -> Number:
        """Publish a statistic with two significant digits; it rests on ``people`` people."""
        made = numbers.estimate(name, value, people, interval, unit, self.policy)
        return self._number(made, what, "estimate")

    def quantile(
        self, name: str, values: ArrayLike, q: float, *, what: str, persons: ArrayLike, unit: str
    ) -> Number:
        """Publish a quantile that has enough people on each side of it."""
        made = numbers.quantile(name, values, q, persons, unit, self.policy)
        return self._number(made, what, "estimate")

    def money(
        self, name: str, incidents: Number, unit_cost: float, *, currency: str, what: str
    ) -> Number:
        """Publish a cost in millions or thousands, from the rounded count of incidents."""
        return self._number(numbers.money(name, incidents, unit_cost, currency), what, "money")

    def constant(self, **values: object) -> None:
        """Declare definitions and published figures, which rest on no data of this force."""
        for name, value in values.items():
            self.registry.add({"kind": "constant", "name": name, "text": constant_text(value)})

    # --- tables --------------------------------------------------------------------------

    def counts(
        self,
        name: str,
        cells: pd.DataFrame,
        by: list[str],
        *,
        title: str,
        what: str,
        units: Sequence[str] = ("incidents", "people"),
        total: bool = True,
        structural_zeros: Any = None,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Publish a table of counts; see :func:`missing_lib.release.cells.safe_counts`."""
        made = tables.counts(cells, by, tuple(units), self.policy, total, structural_zeros, labels)
        return self._table(name, made, title, what)

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
    ) -> Shown:
        """Publish Kaplan-Meier curves; see :func:`missing_lib.release.curves.safe_survival`."""
        made = curve_tables.survival(
            data, duration, event, person, group, levels, until, self.policy
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

    def lorenz(self, name: str, per_person: ArrayLike, *, title: str, what: str) -> Shown:
        """Publish a Lorenz curve at fixed percentiles."""
        return self._table(name, curve_tables.lorenz(per_person, self.policy), title, what)

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

    def rows(
        self,
        name: str,
        frame: pd.DataFrame,
        values: list[str],
        by: list[str],
        *,
        title: str,
        labels: dict[str, str] | None = None,
    ) -> Shown:
        """Publish counts of rows of the extract; each is a count of unknown people.

        Zero rows merged or set aside is shown as zero: it says that nothing was done.
        """
        return self._table(
            name,
            tables.row_counts(frame, values, by, self.policy, labels),
            title,
            "rows of the extract",
        )

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
        made = tables.unchanged(frame, labels, as_written=as_written)
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
        made = tables.unchanged(frame, labels, note=note)
        return self._table(name, made, title, f"from {of.name}")

    def derived_number(self, name: str, value: float, of: Shown, *, text: str, what: str) -> Number:
        """Register a number that was computed from a published table's safe frame alone."""
        return self._number(Number(name, float(value), text), f"{what}, from {of.name}", "derived")

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
        made = tables.unchanged(frame, labels, note=f"Source: {source}.")
        return self._table(name, made, title, f"official statistics: {source}")

    def official_number(self, name: str, value: float, *, text: str, what: str) -> Number:
        """Register a number that is public already or follows from public numbers alone."""
        return self._number(Number(name, float(value), text), what, "official")

    # --- figures and text ----------------------------------------------------------------

    def figure(
        self,
        name: str,
        draw: Callable[..., Figure],
        source: Shown | Sequence[Shown],
        *,
        caption: str,
        alt: str,
        **options: Any,
    ) -> Shown:
        """Draw a figure from safe tables only.

        Parameters
        ----------
        draw : callable
            Takes the safe frames in order, and ``options``; returns a matplotlib figure.
        source : Shown or sequence of Shown
            Published tables; they stand folded under the figure.
        """
        safe = [source] if isinstance(source, Shown) else list(source)
        for table in safe:
            if not isinstance(table, Shown) or table.payload["kind"] != "table":
                raise TypeError(f"figure {name!r} may only be drawn from published tables")
        if all(table.frame.empty for table in safe):
            return self.sentence("The figure is not drawn: too few people remain to show it.")
        drawn = draw(*(table.frame.copy() for table in safe), **options)
        text = io.StringIO()
        drawn.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        payload = {
            "kind": "figure",
            "name": name,
            "caption": caption,
            "alt": alt,
            "tables": [table.name for table in safe],
            "svg": text.getvalue(),
        }
        return self._show(Shown(name, payload), what=caption)

    def sentence(self, template: str, **numbers: object) -> Shown:
        """Show a sentence whose numbers all come from the gate or from definitions."""
        text = self._fill(template, numbers)
        if _lacks_numbers(numbers.values()):
            text = "Too few people stand behind the numbers of this sentence to show it."
        name = f"sentence-{sum(r['kind'] == 'text' for r in self.registry.records) + 1}"
        return self._show(Shown(name, {"kind": "text", "name": name, "text": text}), what=text)

    def example(self, name: str) -> Shown:
        """Show a part of a force file that the library ships; no other text can be shown so.

        Parameters
        ----------
        name : str
            One of :data:`missing_lib.force.examples.EXAMPLES`.
        """
        payload = {"kind": "example", "name": name, "language": "yaml", "text": EXAMPLES[name]}
        return self._show(Shown(name, payload), what="example")

    def finding(
        self,
        id_: str,
        template: str,
        *,
        figures: Sequence[Number] = (),
        labels: Sequence[str] = (),
        holds: bool | None = None,
        **numbers: object,
    ) -> None:
        """Answer one finding of the study, for the findings page; not shown in the chapter.

        Parameters
        ----------
        id_ : str
            Such as ``C2``.
        template : str
            A plain sentence with placeholders.
        figures : sequence of Number
            This force's figure, with intervals where they have one.
        labels : sequence of str, optional
            What each figure is, where the claim does not say so.
        holds : bool, optional
            Whether the sentence of the study holds here; None where that is not decided.
        """
        sentence = self._fill(template, numbers)
        if _lacks_numbers([*figures, *numbers.values()]):
            sentence = "Too few people stand behind this figure to show it in this edition."
        self.registry.add(
            {
                "kind": "finding",
                "name": id_,
                "sentence": sentence,
                "figures": [
                    {
                        "name": n.name,
                        "text": n.text,
                        "interval": n.interval_text,
                        "unit": n.unit,
                        "hidden": n.hidden,
                        "label": label,
                    }
                    for n, label in zip(figures, labels or [""] * len(figures), strict=True)
                ],
                "holds": None if holds is None else bool(holds),
            }
        )

    def answers(self, name: str, answers: Sequence[dict[str, str]]) -> Shown:
        """Show what the registry holds on each finding, as the findings page reads it.

        Parameters
        ----------
        answers : sequence of dict
            ``id``, ``claim``, ``published``, ``figure``, ``sentence``, ``verdict``, ``page``.
        """
        payload = {"kind": "answers", "name": name, "answers": list(answers)}
        return self._show(Shown(name, payload), what="findings")

    def stop(self, reason: str) -> Shown:
        """Say in one sentence why the chapter ends here."""
        return self._show(Shown("stop", {"kind": "stop", "name": "stop", "text": reason}), reason)

    # --- what the methods share ----------------------------------------------------------

    def _number(self, number: Number, what: str, unit: str) -> Number:
        self.registry.add(
            {
                "kind": "number",
                "name": number.name,
                "unit": unit,
                "what": what,
                "value": None if math.isnan(number.value) else number.value,
                "text": number.text,
                "interval": None if math.isnan(number.low) else [number.low, number.high],
                "interval_text": number.interval_text,
                "hidden": number.hidden,
            }
        )
        return number

    def _table(self, name: str, made: tables.Made, title: str, what: str) -> Shown:
        payload = {
            "kind": "table",
            "name": name,
            "title": title,
            "header": made.header,
            "numeric": made.numeric,
            "rows": made.rows,
            "notes": made.notes,
        }
        return self._show(
            Shown(name, payload, made.frame),
            what,
            unit=made.unit,
            filter=made.filter,
            hidden=made.hidden,
        )

    def _show(self, shown: Shown, what: str, **more: Any) -> Shown:
        kept = {k: v for k, v in shown.payload.items() if k != "svg"}
        self.registry.add({**kept, "what": what, "digest": digest(shown.payload), **more})
        if InteractiveShell.initialized():
            display({MIME: shown.payload, "text/html": as_html(shown.payload)}, raw=True)
        return shown

    def _fill(self, template: str, numbers: dict[str, object]) -> str:
        literal = "".join(part[0] for part in Formatter().parse(template))
        if any(character.isdigit() for character in literal):
            raise ValueError(f"a sentence may not hold a typed number: {template!r}")
        return template.format(**{k: _text(v) for k, v in numbers.items()})


def _lacks_numbers(values: Iterable[object]) -> bool:
    """Whether a sentence would read "not shown" where it needs a number."""
    return any(isinstance(v, Number) and v.text in (HIDDEN_SHARE, NOT_AVAILABLE) for v in values)


def _text(value: object) -> object:
    if isinstance(value, Number):
        return value
    if isinstance(value, float) and not value.is_integer():
        raise TypeError("a number in a sentence comes from publish, or is a definition")
    return f"{value:,.0f}" if isinstance(value, (int, float)) else value
