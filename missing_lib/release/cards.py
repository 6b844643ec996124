"""A card for every output: what it is, what it rests on, which rules were applied, what is hidden.

Written from the public registry alone, so a card can say no more than the book does.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from missing_lib.release import sheet
from missing_lib.release.cells import SHOWN
from missing_lib.release.counted import ALL_RECORDED
from missing_lib.release.policy import Policy
from missing_lib.release.published import count_text, percent_text, plain
from missing_lib.release.registry import ChapterRecords

#: What the policy does to each kind of output, in the words of the card; the first sentence says
#: when a value is hidden.
RULES: dict[str, tuple[str, ...]] = {
    "counts": (
        "A count of people is hidden below {threshold}, and where fewer than {threshold} of the "
        "table are outside it. A count of incidents is hidden below {threshold} incidents or "
        "{threshold} people, where one person holds more than {one_share} of it, or two hold "
        "more than {two_shares}.",
        "Where a row or a column hides one value, it hides the next smallest too.",
        "Counts are rounded to the nearest {rounding}, totals by themselves, and percentages are "
        "computed from rounded counts.",
    ),
    "ratios": (
        "A share is hidden where fewer than {threshold} people or events stand behind it, behind "
        "its complement or behind its whole, or where one or two people dominate it.",
        "Shares are whole per cent of counts rounded to the nearest {rounding}.",
    ),
    "survival": (
        "A curve is hidden where fewer than {threshold} people start, and cut where fewer than "
        "{threshold} people or spells remain.",
        "Events and censorings are counted in blocks of {block}, the curve is recomputed from "
        "them, and it shows none before the first block is full. Censorings are not marked.",
    ),
    "mean cumulative": (
        "A curve is hidden where fewer than {threshold} people start, and cut where fewer than "
        "{threshold} remain under observation.",
        "Events and ends are counted in blocks of {block}, and the curve is recomputed from them.",
    ),
    "lorenz": (
        "A percentile is hidden where fewer than {threshold} people stand between it and the one "
        "before, or where one or two people dominate those above it.",
        "The curve is read at fixed percentiles, in whole per cent; bounds are rounded outwards.",
    ),
    "estimates": (
        "A term is hidden where fewer than {threshold} people or {threshold} events carry it.",
        "Estimates and bounds have two significant digits; no intercept, log-likelihood or exact "
        "number of observations stands beside them.",
    ),
    "statistics": (
        "A row is hidden where fewer than {threshold} people stand behind it.",
        "Values are whole per cent or have two significant digits.",
    ),
    "rows": (
        "A count of rows below {threshold} is said to be fewer than {threshold}, nought included.",
        "Counts are rounded to the nearest {rounding}.",
    ),
    "beside official": (
        "An own count is hidden below {threshold} incidents or people, where one or two people "
        "dominate it, or where fewer than {threshold} people are around it. Official counts are "
        "public and as published.",
        "Own counts are rounded to the nearest {rounding}, and percentages follow them.",
    ),
    "derived": (
        "A value is hidden where a value that it is computed from is.",
        "Computed from published values alone.",
    ),
    "official": ("Official statistics, public already and shown as published.",),
    "definitions": ("Definitions; no data of the force.",),
}

#: The same for a number in a sentence, by its unit.
NUMBER_RULES: dict[str, tuple[str, ...]] = {
    "person": (
        "Hidden below {threshold}, or where fewer than {threshold} of the people around it are "
        "not in it. Rounded to the nearest {rounding}.",
    ),
    "incident": (
        "Hidden below {threshold} incidents or {threshold} people, where one person holds more "
        "than {one_share} of it or two more than {two_shares}, or where fewer than "
        "{threshold} around it are not in it. Rounded to the nearest {rounding}.",
    ),
    "share": ("Whole per cent, with {threshold} people or more on each side.",),
    "estimate": ("Two significant digits, resting on {threshold} people or more.",),
    "money": ("Computed from the rounded count.",),
    "derived": ("Computed from published values alone.",),
    "official": ("Official statistics, public already.",),
}

TABLE, FIGURE, NUMBER = "table", "figure", "number"


@dataclass(frozen=True)
class Card:
    """What a checker needs to know of one output.

    Attributes
    ----------
    edition, chapter, kind, name : str
        Which output; the kind is ``table``, ``figure`` or ``number``.
    title : str
        As the book calls it; the text of a number.
    what : str
    rule : str
        Key of :data:`RULES` or :data:`NUMBER_RULES`, empty for a figure.
    rests_on : str
        As published, never an exact number.
    rules : tuple of str
    hidden : str
        What is hidden and why; "nothing" if nothing is.
    files : tuple of str
        Its files, relative to the folder of the release; of a figure, those of its tables too.
    """

    edition: str
    chapter: str
    kind: str
    name: str
    title: str
    what: str
    rule: str
    rests_on: str
    rules: tuple[str, ...]
    hidden: str
    files: tuple[str, ...]


#: File of an output, from its kind and name.
Place = Callable[[str, str], str]


def cards_of(
    edition: str, records: ChapterRecords, policy: Policy, place: Place
) -> tuple[Card, ...]:
    """Cards of a chapter's tables, figures and numbers, in the order of publication."""
    tables = {r["name"]: r for r in records.of_kind(TABLE)}
    make: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        TABLE: lambda r: _table(r, policy, place),
        FIGURE: lambda r: _figure(r, tables, place),
        NUMBER: lambda r: _number(r, policy, place),
    }
    cards = []
    for record in records.of_kind(*make):
        made: dict[str, Any] = {
            key: records.filled(value) if isinstance(value, str) else value
            for key, value in make[record["kind"]](record).items()
        }
        kind, name, what = record["kind"], record["name"], records.filled(record["what"])
        cards.append(Card(edition, records.chapter, kind, name, what=what, **made))
    return tuple(cards)


def _table(record: dict[str, Any], policy: Policy, place: Place) -> dict[str, Any]:
    return {
        "title": record["title"],
        "rule": record["rule"],
        "rests_on": rests_on(record, policy),
        "rules": worded(RULES[record["rule"]], policy),
        "hidden": _hidden(record, policy),
        "files": (place(TABLE, record["name"]),),
    }


def _figure(
    record: dict[str, Any], tables: Mapping[str, dict[str, Any]], place: Place
) -> dict[str, Any]:
    hides = [name for name in record["tables"] if sheet.hidden_cells(tables[name]["sheet"])]
    return {
        "title": record["caption"],
        "rule": "",
        "rests_on": f"the tables it is drawn from: {', '.join(record['tables'])}",
        "rules": ("Drawn from published tables alone, so it shows what they show.",),
        "hidden": f"what these tables hide: {', '.join(hides)}" if hides else "nothing",
        "files": (
            place(FIGURE, record["name"]),
            *(place(TABLE, name) for name in record["tables"]),
        ),
    }


def _number(record: dict[str, Any], policy: Policy, place: Place) -> dict[str, Any]:
    few = f"{policy.threshold} people or more"
    rests = {"person": "itself", "incident": "itself", "share": few, "estimate": few}
    hidden = record["hidden"]
    return {
        "title": record["text"],
        "rule": record["unit"],
        "rests_on": rests.get(record["unit"], "published values"),
        "rules": worded(NUMBER_RULES[record["unit"]], policy),
        "hidden": f"the number: {record['status']}" if hidden else "nothing",
        "files": (place(NUMBER, record["name"]),),
    }


def rests_on(record: dict[str, Any], policy: Policy) -> str:
    """How many people, incidents or rows a table rests on, from what it publishes itself."""
    rule, made = record["rule"], record["sheet"]
    if rule == "counts":
        return _total(made) or f"{policy.threshold} or more in each count shown"
    if rule in ("survival", "mean cumulative"):
        return _starting(made) or f"fewer than {policy.threshold} people in each group"
    return {
        "rows": "the rows that it counts",
        "beside official": f"{policy.threshold} people or more in each own count shown",
        "derived": "published values alone",
        "official": "published statistics alone",
        "definitions": "no data",
    }.get(rule, f"{policy.threshold} people or more behind each value shown")


def _total(made: dict[str, Any]) -> str:
    """What the total row of a table of counts shows."""
    if not made["cells"] or made["cells"][-1][0] != ALL_RECORDED:
        return ""
    return ", ".join(
        f"{count_text(value)} {plain(column)}" if status == SHOWN else f"{plain(column)} {status}"
        for column, value, status in zip(
            made["columns"], made["cells"][-1], made["statuses"][-1], strict=True
        )
        if status and not column.endswith("_percent")
    )


def _starting(made: dict[str, Any]) -> str:
    """How many are at risk at the first day of each curve."""
    group, at_risk = made["columns"].index("group"), made["columns"].index("at_risk")
    first: dict[str, str] = {}
    for row in made["cells"]:
        if row[at_risk] is not None:
            first.setdefault(row[group], count_text(row[at_risk]))
    return ", ".join(f"{plain(name)}: {count} at the start" for name, count in first.items())


def _hidden(record: dict[str, Any], policy: Policy) -> str:
    """What is hidden; why a single value is would give away how small it is."""
    cells = sheet.hidden_cells(record["sheet"])
    if not cells:
        return "nothing"
    values = sum(bool(status) for row in record["sheet"]["statuses"] for status in row)
    return f"{len(cells)} of {values} values. {worded(RULES[record['rule']], policy)[0]}"


def worded(rules: Sequence[str], policy: Policy) -> tuple[str, ...]:
    """Rules with the numbers of the policy in force."""
    shares = {name: percent_text(getattr(policy, name)) for name in ("one_share", "two_shares")}
    return tuple(rule.format(**(asdict(policy) | shares)) for rule in rules)


def as_html(title: str, cards: Sequence[Card], sentences: Mapping[str, Sequence[str]]) -> str:
    """One page of cards, chapter by chapter; it asks no address for anything.

    Parameters
    ----------
    sentences : mapping
        Sentences of each chapter whose numbers stand among its numbers.
    """
    chapters = list(dict.fromkeys([*(card.chapter for card in cards), *sentences]))
    parts = [
        f'<li><a href="#{_safe(chapter)}">{_safe(plain(chapter))}</a></li>' for chapter in chapters
    ]
    body = "".join(
        _chapter_html(c, [k for k in cards if k.chapter == c], sentences.get(c, ()))
        for c in chapters
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{_safe(title)}'
        f"</title>\n<style>{_STYLE}</style></head>\n<body>\n<h1>{_safe(title)}</h1>\n"
        f"<ul>{''.join(parts)}</ul>\n{body}</body>\n</html>\n"
    )


_STYLE = (
    "body{font:16px/1.45 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "section{border-top:1px solid #8a8f98;margin-top:1.2em}dt{font-weight:bold}"
    "table{border-collapse:collapse}td,th{border:1px solid #c8ccd2;padding:.2em .5em;"
    "text-align:left;vertical-align:top}"
)


def _chapter_html(chapter: str, cards: Sequence[Card], sentences: Sequence[str]) -> str:
    shown = "".join(_card_html(card) for card in cards if card.kind != NUMBER)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_safe(text)}</td>" for text in _cells(card)) + "</tr>\n"
        for card in cards
        if card.kind == NUMBER
    )
    head = "".join(f"<th>{name}</th>" for name in ("Name", "Number", "What", "Rests on", "Rule"))
    numbers = f"<h3>Numbers</h3>\n<table><tr>{head}</tr>\n{rows}</table>\n" if rows else ""
    said = "".join(f"<li>{_safe(text)}</li>\n" for text in sentences)
    texts = f"<h3>Sentences made of these numbers</h3>\n<ul>{said}</ul>\n" if said else ""
    name = _safe(plain(chapter)).capitalize()
    return f'<h2 id="{_safe(chapter)}">{name}</h2>\n{shown}{numbers}{texts}'


def _card_html(card: Card) -> str:
    files = ", ".join(f'<a href="../../{_safe(f)}">{_safe(f)}</a>' for f in card.files)
    lines = {
        "What it is": _safe(card.what),
        "Rests on": _safe(card.rests_on),
        "Rules": "<br>".join(_safe(rule) for rule in card.rules),
        "Hidden": _safe(card.hidden),
        "Files": files,
    }
    listed = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in lines.items())
    return (
        f"<section><h3>{card.kind.capitalize()} {_safe(card.name)}: {_safe(card.title)}</h3>\n"
        f"<dl>{listed}</dl></section>\n"
    )


def _cells(card: Card) -> tuple[str, ...]:
    return (card.name, card.title, card.what, card.rests_on, " ".join(card.rules))


def _safe(text: str) -> str:
    return html.escape(text)
