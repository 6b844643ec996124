"""How one canonical column would be made from columns of an extract, and what is unsure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from missing_lib.force.convert import FLAGS, OLDEST
from missing_lib.force.proposal.shapes import Shape
from missing_lib.force.proposal.usual import Meaning, usual_codes
from missing_lib.force.schema import STUDY_MARKERS, Column

#: Codes that a column of yes and no has at most, and placements that may be kinds of them.
FEW_FLAGS, FEW_PLACEMENTS = 6, 12
#: What a marker becomes that nobody listed; missing, its row would be set aside.
REST = "other"


@dataclass(frozen=True)
class Mapped:
    """How one canonical column would be made.

    Attributes
    ----------
    names : tuple of str
        The extract's columns, one or several to be joined.
    formats : tuple of str
        Only where they are needed.
    recode : tuple of pairs
        Usual codes and what they become; a proposal of the book, never read off a file.
    rest_missing : bool
        Codes that nobody lists become missing.
    rest : str
        What they become otherwise, if anything.
    zone : str
        Zone of clock times, where the names say one.
    doubts : tuple of str
        What the analyst should look at.
    """

    names: tuple[str, ...]
    formats: tuple[str, ...] = ()
    recode: tuple[tuple[str, Meaning], ...] = ()
    rest_missing: bool = False
    rest: str = ""
    zone: str = ""
    doubts: tuple[str, ...] = ()

    def doubted(self, *doubts: str) -> Mapped:
        """The same with more that the analyst should look at."""
        return replace(self, doubts=(*self.doubts, *doubts))


def mapped(names: tuple[str, ...], shape: Shape, column: Column, name: str) -> Mapped:
    """One canonical column, by the shape of the extract's."""
    if shape.kind == "empty":
        return Mapped(names, doubts=("no value was seen in this column",))
    if column.kind in ("date", "time"):
        formats, doubts = formats_of(shape, column)
        zone = _zone(names)
        doubts += [f"its name says {zone}: is that so?"] if zone else []
        return Mapped(names, formats, zone=zone, doubts=tuple(doubts))
    if column.kind == "level" or (column.kind == "flag" and not all_flags(shape)):
        return _recoded(names, shape, column, name)
    if name == "marker":
        return _marker(names, shape)
    if name == "placement_id" and 0 < len(shape.codes) <= FEW_PLACEMENTS:
        kinds = "few different values: are they single placements, or kinds of them?"
        return Mapped(names, doubts=(kinds,))
    if column.kind == "age" and share_of_ages(shape) < 1:
        return Mapped(names, doubts=(f"some values are no ages, 0 to {OLDEST}: they go missing",))
    return Mapped(names)


def _zone(names: tuple[str, ...]) -> str:
    """The zone that names of columns say."""
    words = {word for name in names for word in re.findall("[a-z]+", name.lower())}
    return "UTC" if words & {"utc", "gmt", "zulu"} else ""


def share_of_ages(shape: Shape) -> float:
    """Share of the different values that are ages in years."""
    if shape.kind not in ("number", "other") or not shape.codes:
        return 0.0
    plain = [code.replace(",", ".", 1) for code in shape.codes]
    numbers = [float(one) for one in plain if re.fullmatch(r"\d+(\.\d+)?", one)]
    return sum(0 <= one <= OLDEST for one in numbers) / len(plain)


def _marker(names: tuple[str, ...], shape: Shape) -> Mapped:
    """Usual codes become the markers of the study; others stay, under one name."""
    markers = ", ".join(STUDY_MARKERS)
    if shape.codes <= set(STUDY_MARKERS):
        return Mapped(names)
    table, known = usual_codes("marker", shape.codes)
    if not known:
        return Mapped(names, doubts=(f"recode yours to {markers} where they mean the same",))
    recode, doubt = tuple(table.items()), "usual codes, proposed by the book: do yours mean this?"
    if known == shape.codes:
        return Mapped(names, recode=recode, doubts=(doubt,))
    doubt += (
        f" Codes that are not listed become {REST!r}, which counts as none of the markers of the "
        f"study: list those of yours that mean {markers}"
    )
    return Mapped(names, recode=recode, rest=REST, doubts=(doubt,))


def all_flags(shape: Shape) -> bool:
    """Whether every value is a yes or a no that needs no recode."""
    return shape.kind == "empty" or (
        bool(shape.codes) and {code.lower() for code in shape.codes} <= set(FLAGS)
    )


def like_flags(shape: Shape) -> bool:
    """Whether a column holds few codes, and some yes or no among them."""
    known = usual_codes("harm", shape.codes)[1]
    return all_flags(shape) or (bool(known) and len(shape.codes) <= FEW_FLAGS)


def formats_of(shape: Shape, column: Column) -> tuple[tuple[str, ...], list[str]]:
    """Formats where they are needed, and what is unsure about them."""
    if not shape.formats:
        return (), ["no way of writing dates was recognised; say 'format'"]
    doubts = _date_doubts(shape, column)
    plain = all(one == "%Y-%m-%d" for one in shape.formats)
    if plain or (column.kind == "time" and shape.dated and shape.iso):
        return (), doubts
    return shape.formats, doubts


def _date_doubts(shape: Shape, column: Column) -> list[str]:
    taken = "month" if shape.month_first else "day"
    short = "69 to 99 are read as 1969 to 1999, 00 to 68 as 2000 to 2068"
    birth = "; births before 1969 become missing" if "birth" in column.meaning else ""
    lost = "; the row is set aside" if column.required else ""
    said = [
        (shape.order == "unsure",
         f"no value shows whether day or month comes first; read with the {taken} first"),
        (shape.order == "mixed",
         f"some values have the day first, others the month; read with the {taken} first, and "
         "what does not fit is not read"),
        (shape.stray, f"some values are no dates and are not read{lost}"),
        (any("%y" in one for one in shape.formats), f"two-digit years: {short}{birth}"),
        (any(one in ("%Y", "%Y.0") for one in shape.formats),
         "only the year is known, and taken as its first day"),
        ("excel" in shape.formats,
         "day numbers of a spreadsheet; excel-1904 if they come from an old Mac"),
        (column.kind == "time" and column.required and shape.kind == "date",
         "has no clock time: results that need hours leave these rows out"),
    ]  # fmt: skip
    return [doubt for there, doubt in said if there]


def _recoded(names: tuple[str, ...], shape: Shape, column: Column, name: str) -> Mapped:
    """Nothing where codes are canonical, otherwise usual codes with what becomes of the rest."""
    if shape.codes and shape.codes <= set(column.levels):
        return Mapped(names)
    table, known = usual_codes(name, shape.codes)
    recode = tuple(table.items())
    blanks = _blanks(shape, column)
    if shape.codes and known == shape.codes:
        doubt = "usual codes, proposed by the book: do yours mean this?"
        return Mapped(names, recode=recode, doubts=(doubt + blanks,))
    levels = ", ".join(column.levels) or "true, false, null"
    if known:
        doubt = (
            "usual codes, proposed by the book: do yours mean this? Codes that are not listed "
            f"become missing: list yours, each with one of {levels}"
        )
    else:
        doubt = (
            "none of your codes is among these usual ones, so all become missing: list yours in "
            f"their place, each with one of {levels}"
        )
    return Mapped(names, recode=recode, rest_missing=True, doubts=(doubt + blanks,))


def _blanks(shape: Shape, column: Column) -> str:
    """What may be said of blank cells, where a level means that nothing was stated."""
    level = next((one for one in ("not_stated", "unknown") if one in column.levels), None)
    if not shape.blank or level is None:
        return ""
    return f'. Blanks are missing; add "": {level} to the list if they mean that'
