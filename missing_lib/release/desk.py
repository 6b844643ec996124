"""What every method of the gate does in the end: write to the registry, and show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from string import Formatter
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from missing_lib.release import tables
from missing_lib.release.mends import Mend, for_output
from missing_lib.release.policy import Policy
from missing_lib.release.published import (
    HIDDEN_SHARE,
    MIME,
    NOT_AVAILABLE,
    Number,
    Shown,
    as_html,
    digest,
)
from missing_lib.release.registry import Registry


class Desk:
    """Holds the policy and the registry of one chapter.

    Parameters
    ----------
    policy : Policy
    registry : Registry
    mends : sequence of Mend
        Cells of the chapter that must not show today's count.
    """

    def __init__(self, policy: Policy, registry: Registry, mends: Sequence[Mend] = ()) -> None:
        self.policy = policy
        self.registry = registry
        self._all_mends = mends

    def _mends(self, output: str, unit: str) -> dict[str, Mend]:
        return for_output(self._all_mends, output, unit)

    def _number(
        self, number: Number, what: str, unit: str, of: Iterable[Number | Shown] = ()
    ) -> Number:
        self.registry.add(
            {
                "kind": "number",
                "name": number.name,
                "unit": unit,
                "what": what,
                "filter": what,
                "of": [one.name for one in of],
                "value": None if math.isnan(number.value) else number.value,
                "text": number.text,
                "interval": None if math.isnan(number.low) else [number.low, number.high],
                "interval_text": number.interval_text,
                "hidden": number.hidden,
                "status": number.status,
            }
        )
        return number

    def _table(
        self, name: str, made: tables.Made, title: str, what: str, of: Iterable[Shown] = ()
    ) -> Shown:
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
            of=[one.name for one in of],
            hidden=made.hidden,
            rule=made.rule,
            sheet=made.sheet.record,
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


def named_in(template: str) -> list[str]:
    """Names of the placeholders of a template.

    Examples
    --------
    >>> named_in("{share} of {people} in all, {share.interval_text}")
    ['share', 'people', 'share']
    """
    return [name.split(".")[0] for _, name, _, _ in Formatter().parse(template) if name]


def lacks_numbers(values: Iterable[object]) -> bool:
    """Whether a sentence would read "not shown" where it needs a number."""
    return any(isinstance(v, Number) and v.text in (HIDDEN_SHARE, NOT_AVAILABLE) for v in values)


def _text(value: object) -> object:
    if isinstance(value, Number):
        return value
    if isinstance(value, float) and not value.is_integer():
        raise TypeError("a number in a sentence comes from publish, or is a definition")
    return f"{value:,.0f}" if isinstance(value, (int, float)) else value
