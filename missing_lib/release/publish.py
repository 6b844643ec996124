"""The gate: whatever a chapter shows goes through one of its methods, or is not shown."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.figure import Figure

from missing_lib.force.examples import EXAMPLES
from missing_lib.release.desk import lacks_numbers, named_in
from missing_lib.release.number_gate import NumberGate
from missing_lib.release.published import Number, Shown
from missing_lib.release.table_gate import TableGate


class Gate(NumberGate, TableGate):
    """Applies the policy, shows the safe result and writes it to the registry.

    Parameters
    ----------
    policy : Policy
    registry : Registry
    """

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
        """Show a sentence whose numbers all come from the gate or from definitions.

        Numbers that the template does not name are left alone, so that a sentence which needs
        none can stand where they are hidden.
        """
        text = self._fill(template, numbers)
        if lacks_numbers(numbers[name] for name in named_in(template)):
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
        if lacks_numbers([*figures, *numbers.values()]):
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
