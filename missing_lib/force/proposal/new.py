"""``missing-book new``: a force file proposed from the names and shapes of an extract's columns.

No value of the extract is written: only names of columns, ways of writing dates, and the months
that the study may span.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from missing_lib.force.errors import ContractError
from missing_lib.force.proposal.clocks import NO_COLUMN
from missing_lib.force.proposal.peek import Peeked, peek, same_layout
from missing_lib.force.proposal.propose import Proposal, propose
from missing_lib.force.proposal.when import days, moments, window, years_between
from missing_lib.force.proposal.written import MARK, TEMPLATES, force_text, not_found, unused_files
from missing_lib.force.spec import CODE_PATTERN, Definitions

#: Share of reports of children below which their edition would be next to empty.
FEW_CHILDREN = 0.02


@dataclass(frozen=True)
class Made:
    """A force file that was written.

    Attributes
    ----------
    path : Path
    tables : dict of str
        Canonical table to the name of the file that fills it.
    checks : int
        Places that are marked ``CHECK``.
    left : tuple of str
        Files that fill nothing.
    lacking : tuple of str
        Needed columns that were not found.
    population : str
        Whom the extract is about, so that an edition is not empty.
    """

    path: Path
    tables: dict[str, str]
    checks: int
    left: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    population: str = "children"


def new_force(forces: Path, code: str, files: list[Path], name: str = "") -> Made:
    """Propose and write the force file of a new force.

    Parameters
    ----------
    forces : Path
        Folder of the forces.
    code : str
        Short name of the new force.
    files : list of Path
        Its extract; left where it is, and referred to by relative path.
    name : str
        Name of the force; made from the code if empty.

    Raises
    ------
    ContractError
        For a code that cannot be one, a force that is there already, and every file that
        cannot be read.
    """
    path = forces / code / "force.yml"
    _check_code(code, path)
    if not files:
        raise ContractError(["name the files of the extract: --from FILE ..."])
    peeked = _peek_all(files)
    known = [file for file in peeked if file.recognised and file.rows]
    if not known:
        raise ContractError(
            ["no name in the first rows is known; are they headers? Otherwise begin with a file of "
             f"forces/{TEMPLATES}/"]
        )  # fmt: skip
    proposed = propose(known)
    reports = _reports(proposed["incidents"])
    study = None if reports is None else window(reports)
    named = name or code.replace("-", " ").title()
    text = force_text(code, named, path.parent, proposed, peeked, study)
    _write_whole(path, text)
    return Made(
        path=path,
        tables={table: p.file.title for table, p in proposed.items()},
        checks=text.count(MARK),
        left=tuple(file.title for file in unused_files(proposed, peeked)),
        lacking=tuple(not_found(proposed)),
        population=_population(proposed, reports),
    )


def _check_code(code: str, path: Path) -> None:
    if not re.fullmatch(CODE_PATTERN, code):
        slug = "-".join(re.findall("[a-z0-9]+", code.lower()))
        near = f" (did you mean {slug!r}?)" if slug else ""
        raise ContractError(
            [f"{code!r} is no code of a force{near}: lower-case letters and digits, with hyphens "
             "between words"]
        )  # fmt: skip
    if code == TEMPLATES:
        raise ContractError([f"{TEMPLATES!r} is the folder of the mapping templates; take another"])
    if path.exists():
        raise ContractError([_there_already(path)])
    if path.parent.exists() and not path.parent.is_dir():
        raise ContractError(
            [f"{_short(path.parent)} is a file, where the folder of the force would be; take "
             "another code, or move that file away first"]
        )  # fmt: skip


def _short(path: Path) -> str:
    """A path as seen from where the folder of the forces lies."""
    return path.relative_to(path.parents[1]).as_posix()


def _there_already(path: Path) -> str:
    folder = _short(path.parent)
    return (
        f"{folder}/{path.name} is there already and stays as it is; take another code, or move "
        f"the folder {folder} away first"
    )


def _write_whole(path: Path, text: str) -> None:
    """Write a file that is either whole or not there, and never over another.

    It is written beside its place and then linked to it, which fails if something is there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=".force-", suffix=".tmp", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(beside, 0o644)
        _into_place(Path(beside), path)
    except FileExistsError:
        raise ContractError([_there_already(path)]) from None
    finally:
        Path(beside).unlink(missing_ok=True)


def _into_place(beside: Path, path: Path) -> None:
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError from None
        os.replace(beside, path)


def _peek_all(files: list[Path]) -> list[Peeked]:
    """Look at every file; all problems are said at once."""
    peeked: list[Peeked] = []
    problems: list[str] = []
    for path in dict.fromkeys(files):
        try:
            peeked += peek(path)
        except ContractError as problem:
            problems += problem.problems
    if problems:
        raise ContractError(problems)
    return same_layout(peeked)


# --- what the dates say -------------------------------------------------------------------------


def _reports(incidents: Proposal) -> pd.Series | None:
    """When the incidents were reported, if a column was found."""
    report = incidents.columns["reported_at"]
    if not set(report.names) <= set(incidents.file.columns):
        return None
    return moments(incidents.file, report.names, report.formats)


def _population(proposed: dict[str, Proposal], reports: pd.Series | None) -> str:
    """``children`` unless hardly anybody is one; ``all`` where no birth date is known."""
    persons, incidents = proposed["persons"], proposed["incidents"]
    birth, person = (persons.columns.get(name) for name in ("birth_date", "person_id"))
    them = incidents.columns["person_id"]
    lacking = NO_COLUMN in (*them.names, *(person.names if person else ()))
    if birth is None or person is None or reports is None or lacking:
        return "all" if birth is None else "children"
    born = days(persons.file, birth.names[0], birth.formats)
    born.index = pd.Index(persons.file.columns[person.names[0]])
    theirs = incidents.file.columns[them.names[0]].map(born[~born.index.duplicated()])
    ages = years_between(theirs, reports)
    few = len(ages) > 0 and (ages < Definitions().child_age_limit).mean() < FEW_CHILDREN
    return "adults" if few else "children"


def said(made: Made, code: str) -> list[str]:
    """What the command prints: what was proposed, and what to do next."""
    whom = {
        "adults": f"Hardly anybody is under {Definitions().child_age_limit} when reported, so the "
        "edition of children would be empty.",
        "all": "No birth date was found, so nobody can be told to be a child.",
    }.get(made.population)
    edition = code if made.population == "children" else f"{code}/{made.population}"
    lacking = ", ".join(made.lacking)
    return [
        *(f"{table:10} from {file}" for table, file in made.tables.items()),
        *(f"not used   {file}" for file in made.left),
        f"Wrote forces/{code}/{made.path.name}, with {made.checks} places marked CHECK; values "
        "were looked at, and none was copied.",
        f"Other ways to map common concepts (unverified): forces/{TEMPLATES}/",
        *([f"No column was found for {lacking}: name yours in the file first."] if lacking else []),
        *([whom] if whom else []),
        f"Next: read the file, mend what is marked, then: missing-book check {code}, and "
        f"missing-book build {edition}",
    ]
