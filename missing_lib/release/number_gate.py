"""The numbers of the gate: each is rounded or hidden, and written to the registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from missing_lib.release import members, numbers
from missing_lib.release.counted import hashed
from missing_lib.release.desk import Desk
from missing_lib.release.published import Number, Shown, constant_text


class NumberGate(Desk):
    """Publishes numbers, which stand in sentences and are not shown by themselves."""

    def people(
        self, name: str, who: Iterable[Any], *, what: str, of: Number | None = None
    ) -> Number:
        """Publish a count of people, rounded, or "fewer than" the threshold.

        Parameters
        ----------
        name : str
            Unique in the chapter; the placeholder ``{{ name }}`` stands for it.
        who : iterable of str
            Identifiers of the people; whoever is named more than once counts once.
        what : str
            Whom it counts, for the registry.
        of : Number, optional
            The population around it: a complement below the threshold hides the count too.
        """
        made = numbers.people(name, len(hashed(who)), of, self.policy)
        return self._counted(made, what, who)

    def incidents(
        self, name: str, rows: pd.DataFrame, *, what: str, of: Number | None = None
    ) -> Number:
        """Publish a count of incidents.

        Parameters
        ----------
        rows : DataFrame
            ``incident_id`` and ``person_id``, one row per incident.
        """
        made = numbers.incidents(name, members.incidents_by_person(rows), of, self.policy)
        return self._counted(made, what, rows["incident_id"])

    def _counted(self, made: Number, what: str, ids: Iterable[Any]) -> Number:
        made = numbers.mended(made, self._mends(made.name, made.unit).get(""))
        number = self._number(made, what, made.unit)
        self.registry.counted.append(
            members.of_number(self.registry.chapter, made, ids, self.policy)
        )
        return number

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
        made = numbers.share(name, part, whole, interval)
        return self._number(made, what, "share", of=[part, whole])

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

    def p_value(self, name: str, p: float, *, what: str, people: int) -> Number:
        """Publish a p value with two significant digits, or that it is below one in a thousand."""
        return self._number(numbers.p_value(name, p, people, self.policy), what, "estimate")

    def quantile(
        self, name: str, values: ArrayLike, q: float, *, what: str, persons: ArrayLike, unit: str
    ) -> Number:
        """Publish a quantile that has enough people on each side of it."""
        made = numbers.quantile(name, values, q, persons, unit, self.policy)
        return self._number(made, what, "estimate")

    def money(
        self,
        name: str,
        incidents: Number,
        unit_cost: float,
        *,
        currency: str,
        what: str,
        between: tuple[Number, Number] | None = None,
    ) -> Number:
        """Publish a cost in millions or thousands, from the rounded count of incidents.

        Parameters
        ----------
        between : tuple of Number, optional
            A published share with an interval, and the published count that it is a share of:
            together they say between what the incidents may lie.
        """
        bounds = None if between is None else numbers.share_of_count(*between)
        made = numbers.money(name, incidents, unit_cost, currency, bounds)
        return self._number(made, what, "money", of=[incidents])

    def derived_number(self, name: str, value: float, of: Shown, *, text: str, what: str) -> Number:
        """Register a number that was computed from a published table's safe frame alone."""
        made = Number(name, float(value), text)
        return self._number(made, f"{what}, from {of.name}", "derived", of=[of])

    def official_number(self, name: str, value: float, *, text: str, what: str) -> Number:
        """Register a number that is public already or follows from public numbers alone."""
        return self._number(Number(name, float(value), text), what, "official")

    def constant(self, **values: object) -> None:
        """Declare definitions and published figures, which rest on no data of this force."""
        for name, value in values.items():
            self.registry.add({"kind": "constant", "name": name, "text": constant_text(value)})
