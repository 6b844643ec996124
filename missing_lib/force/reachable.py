"""Levels of a code book that a force's mapping can give at all."""

from __future__ import annotations

from missing_lib.force.mapping import ColumnFrom, Source
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import ForceFile

#: Levels that say that nothing is known, and so may arise from what is not there.
NOT_SAID = ("unknown", "not_stated")


def reachable_levels(force: ForceFile, table: str, column: str) -> tuple[str, ...]:
    """Levels that some row of the force could have, by its file alone and not by its rows.

    A level is left out only where that is certain: the column is mapped in every source that
    maps it with a list of codes, or a fixed value, and none of them becomes the level. Where
    no source maps it at all, its levels are not told apart from what the force does not record.

    Returns
    -------
    tuple of str
        In the order of the code book.

    Examples
    --------
    >>> from missing_lib.force.mapping import Source
    >>> def force(recode):
    ...     columns = {"sex": {"column": "GENDER", "recode": recode}}
    ...     persons = Source.model_validate({"file": "p.csv", "columns": columns})
    ...     return ForceFile.model_construct(sources={"persons": persons})
    >>> reachable_levels(force({"F": "female", "M": "male"}), "persons", "sex")
    ('female', 'male', 'unknown')
    >>> reachable_levels(force(None), "persons", "sex")
    ('female', 'male', 'other', 'unknown')
    """
    levels = SCHEMA[table][column].levels
    source = force.sources.get(table)
    given = [_given(one, column, levels) for _, one in source.each()] if source else []
    mapped = [one for one in given if one is not None]
    if not mapped:
        return levels
    possible = {*NOT_SAID, *(level for one in mapped for level in one)}
    return tuple(level for level in levels if level in possible)


def _given(source: Source, column: str, levels: tuple[str, ...]) -> tuple[str, ...] | None:
    """Levels that one source can give; None where it leaves the column empty."""
    if source.columns is None:
        return levels
    origin = source.columns.get(column)
    return None if origin is None else _becomes(origin, levels)


def _becomes(origin: ColumnFrom, levels: tuple[str, ...]) -> tuple[str, ...]:
    if origin.recode:
        targets = [*origin.recode.values(), origin.otherwise]
    elif "value" in origin.model_fields_set:
        targets = [origin.value]
    else:
        return levels
    return tuple(target for target in targets if isinstance(target, str))
