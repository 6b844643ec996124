"""A date and the clock time that belongs to it, in two columns of an extract."""

from __future__ import annotations

from itertools import product

from missing_lib.force.proposal.shapes import Shape
from missing_lib.force.proposal.synonyms import words_of

#: Stands where no column was found; no extract has a column of this name.
NO_COLUMN = "NAME YOUR COLUMN HERE"


def with_clocks(
    shapes: dict[str, Shape],
) -> tuple[dict[tuple[str, ...], Shape], set[tuple[str, ...]]]:
    """Columns, a date with its clock time taken together.

    Returns
    -------
    shapes : dict of Shape
        By the names of one column, or of a date and its time.
    beside : set of tuple of str
        Those that were joined only because the time stands beside the date.
    """
    stem = {name: frozenset(words_of(name)) - {"date", "time"} for name in shapes}
    clocks = [name for name, shape in shapes.items() if _is_clock(name, shape)]
    dates = [name for name, shape in shapes.items() if shape.kind == "date"]
    partner: dict[str, str] = {}
    for name in dates:
        same = [c for c in clocks if stem[c] == stem[name] and c not in partner.values()]
        if same:
            partner[name] = same[0]
    order = list(shapes)
    beside: set[tuple[str, ...]] = set()
    for name in dates:
        after = order[order.index(name) + 1 : order.index(name) + 2]
        free = after and after[0] in clocks and after[0] not in partner.values()
        if free and name not in partner and "birth" not in stem[name]:
            partner[name] = after[0]
            beside.add((name, after[0]))
    out: dict[tuple[str, ...], Shape] = {}
    for name, shape in shapes.items():
        if name not in partner:
            out[(name,)] = shape
            continue
        time = partner[name]
        both = [f"{d} {c}" for d, c in product(shape.formats, shapes[time].formats)]
        formats = (*both, *shape.formats)
        out[name, time] = Shape("moment", formats, shape.order, stray=shape.stray)
    return out, beside


def _is_clock(name: str, shape: Shape) -> bool:
    return shape.kind == "clock" or (shape.formats == ("%H%M",) and "time" in words_of(name))
