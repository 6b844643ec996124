"""What the arguments of a model must be, said by name where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def refuse_unlike_rows(**given: Any) -> None:
    """Refuse arguments that do not hold one value for each row, in one order.

    Parameters
    ----------
    **given : array_like or None
        By name; what is None was not given. Series and frames must have the same index, because
        rows are put together by their place.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> refuse_unlike_rows(stop=[1, 2], weights=None, design=pd.DataFrame({"x": [1.0]}))
    Traceback (most recent call last):
    ...
    ValueError: design has 1 rows and stop 2; every row needs one value of each.
    """
    there = {name: values for name, values in given.items() if values is not None}
    first, *others = there
    rows = len(there[first])
    for name in others:
        if len(there[name]) != rows:
            raise ValueError(
                f"{name} has {len(there[name])} rows and {first} {rows}; every row needs one "
                "value of each."
            )
    labelled = {n: v.index for n, v in there.items() if isinstance(v, (pd.Series, pd.DataFrame))}
    for name in list(labelled)[1:]:
        known = next(iter(labelled))
        if not labelled[name].equals(labelled[known]):
            raise ValueError(
                f"The index of {name} is not that of {known}; rows are put together by place, so "
                "give both in the same order with the same index."
            )


def refuse_twins(design: pd.DataFrame) -> None:
    """Refuse two columns of one name.

    Raises
    ------
    ValueError
    """
    if not design.columns.is_unique:
        twice = sorted({str(name) for name in design.columns[design.columns.duplicated()]})
        raise ValueError(f"Two columns are named {', '.join(twice)}; a term needs its own name.")


def refuse_unless_yes_no(name: str, values: Floats) -> None:
    """Refuse an outcome that is neither 0 nor 1; NaN stands for not known.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> refuse_unless_yes_no("event", np.array([1.0, 2.0]))
    Traceback (most recent call last):
    ...
    ValueError: Values of event must be 0 or 1 (no or yes); 2 is neither.
    """
    good = (values == 0) | (values == 1)
    if good.all():
        return
    odd = ~good & ~np.isnan(values)
    if odd.any():
        raise ValueError(
            f"Values of {name} must be 0 or 1 (no or yes); {values[odd][0]:g} is neither."
        )


def refuse_unless_whole(name: str, values: Floats, least: int = 0) -> None:
    """Refuse counts that are not whole numbers of at least ``least``; NaN stands for not known.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> refuse_unless_whole("counts", np.array([1.0, 2.5]))
    Traceback (most recent call last):
    ...
    ValueError: Values of counts must be whole numbers of 0 or more; 2.5 is not.
    """
    good = np.isfinite(values) & (values >= least) & (np.floor(values) == values)
    odd = ~good & ~np.isnan(values)
    if odd.any():
        raise ValueError(
            f"Values of {name} must be whole numbers of {least} or more; {values[odd][0]:g} is not."
        )
