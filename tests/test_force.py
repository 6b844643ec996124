"""The force file: each mistake is one clear line, all of them come at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from missing_lib.force.errors import ContractError, suggestion
from missing_lib.force.intake import Intake, take_in
from missing_lib.force.spec import ForceFile, check_population, find_force, read_force_file

#: Values planted in the extract; none may stand in a message.
SECRETS = ("Zephyrine", "Quillfeather", "1987-06-05", "QX9", "07700900123")

PERSONS = f"""NOMINAL,NAME,DOB,GENDER
N1,{SECRETS[0]} {SECRETS[1]},1987-06-05,F
N2,Somebody,2004-01-31,M
"""
INCIDENTS = """REF,NOMINAL,REPORTED,FOUND,RISK,NOTE
R1,N1,2015-03-01 10:00,2015-03-01 12:00,M,07700900123
R2,N2,2015-03-02 10:00,,H,QX9
R3,N1,2015-04-01 10:00,2015-04-01 12:00,M,
"""
PAGE: dict[str, Any] = {
    "code": "mark",
    "name": "Mark (synthetic)",
    "kind": "synthetic",
    "study": {"start": "2015-01-01", "end": "2017-12-31"},
    "sources": {
        "persons": {
            "file": "persons.csv",
            "columns": {
                "person_id": "NOMINAL",
                "birth_date": "DOB",
                "sex": {"column": "GENDER", "recode": {"F": "female", "M": "male"}},
            },
        },
        "incidents": {
            "file": "incidents.csv",
            "columns": {
                "incident_id": "REF",
                "person_id": "NOMINAL",
                "reported_at": {"column": "REPORTED", "format": "%Y-%m-%d %H:%M"},
                "ended_at": {"column": "FOUND", "format": "%Y-%m-%d %H:%M"},
                "risk_final": {"column": "RISK", "recode": {"M": "medium", "H": "high"}},
            },
        },
    },
}


def set_at(page: dict[str, Any], place: str, value: Any) -> None:
    """Set or (``...``) remove a key; a place is written as in the messages."""
    *way, last = place.split(".")
    for key in way:
        page = page.setdefault(key, {})
    if value is ...:
        del page[last]
    else:
        page[last] = value


def make_force(root: Path, files: dict[str, str | bytes] | None = None, **changes: Any) -> Path:
    """A folder with a force file and its extract.

    Parameters
    ----------
    changes : dict
        New values by place, ``__`` for a dot; ``...`` removes the key.
    """
    folder = root / "mark"
    folder.mkdir(parents=True)
    page = copy.deepcopy(PAGE)
    for place, value in changes.items():
        set_at(page, place.replace("__", "."), value)
    (folder / "force.yml").write_text(yaml.safe_dump(page, sort_keys=False), encoding="utf-8")
    for name, content in (
        {"persons.csv": PERSONS, "incidents.csv": INCIDENTS} | (files or {})
    ).items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
    return folder


def taken_in(folder: Path) -> Intake:
    return take_in(read_force_file(folder / "force.yml"), folder)


def complaints(act: Callable[[], object]) -> list[str]:
    """The lines of the error; no planted value is in them."""
    with pytest.raises(ContractError) as caught:
        act()
    lines = list(caught.value.problems)
    assert not [s for s in SECRETS for line in lines if s.casefold() in line.casefold()]
    assert all(line and "\n" not in line for line in lines)
    assert caught.value.exit_code == 2
    return lines


def test_the_unchanged_force_is_read(tmp_path: Path) -> None:
    intake = taken_in(make_force(tmp_path))
    assert intake.caveats == ()
    assert intake.tables.absent == {"markers", "ties", "events"}
    assert intake.tables.persons["sex"].tolist() == ["female", "male"]
    assert intake.tables.incidents["risk_final"].tolist() == ["medium", "high", "medium"]
    assert intake.accounts["kept"].tolist() == [2, 3]


# --- the force file -----------------------------------------------------------------------------


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    folder = make_force(
        tmp_path,
        time_zne="x",
        policy__threshold=5,
        sources__persons__columns__birthdate="DOB",
        sources__incidents__encodng="x",
        sources__tie={"file": "x.csv"},
        sources__markers={"file": "m.csv", "columns": {"person_id": "P"}},
    )
    lines = complaints(lambda: read_force_file(folder / "force.yml"))
    for part in (
        "time_zne",
        "stricter",
        "birth_date",
        "encodng",
        "'ties'",
        "'marker'",
        "'known_from'",
    ):
        assert [line for line in lines if part in line], part
    assert len(lines) == len(set(lines)) == 7


def test_a_force_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = make_force(tmp_path) / "force.yml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_force_file(file).code == "mark"


def test_forces_and_populations_are_found_by_name(tmp_path: Path) -> None:
    folder = make_force(tmp_path)
    assert isinstance(find_force(tmp_path, "mark"), ForceFile)
    assert complaints(lambda: find_force(tmp_path, "Marc")) == [
        "no force 'Marc' (did you mean 'mark'?); there are: mark"
    ]
    assert complaints(lambda: find_force(tmp_path / "x", "mark")) == [
        "no force 'mark': there is no folder 'x' of forces at that place"
    ]
    (folder / "force.yml").unlink()
    (line,) = complaints(lambda: read_force_file(folder / "force.yml"))
    assert line == "there is no force file force.yml in forces/mark"
    assert complaints(lambda: check_population("adult")) == [
        "no population 'adult'; did you mean 'adults'?; there are: children, adults, all"
    ]
    assert suggestion("PERSON_ID", ["person_id"]) == " (did you mean 'person_id'?)"


# --- no extract at all --------------------------------------------------------------------------

OFFICIAL = {"code": "mark", "name": "Mark and around", "kind": "official"}


def official_force(root: Path, **more: Any) -> Path:
    folder = root / "mark"
    folder.mkdir()
    (folder / "force.yml").write_text(yaml.safe_dump(OFFICIAL | more))
    return folder / "force.yml"


@pytest.mark.parametrize("codes", [(), ("E06000060", "E10000025")])
def test_official_statistics_need_no_sources(tmp_path: Path, codes: tuple[str, ...]) -> None:
    force = read_force_file(official_force(tmp_path, local_authorities=list(codes)))
    assert (force.official, force.synthetic, force.sources) == (True, False, {})
    assert force.local_authorities == codes


def test_an_extract_of_official_statistics_is_refused_key_by_key(tmp_path: Path) -> None:
    described = {key: PAGE[key] for key in ("study", "sources")} | {"policy": {"threshold": 20}}
    page = official_force(tmp_path, **described, local_authority=["E06000060"])
    with pytest.raises(ContractError) as problem:
        read_force_file(page)
    ending = "'kind: official' has no extract; remove this key, or correct the kind"
    assert sorted(problem.value.problems) == [
        f"force.yml: policy: {ending}",
        f"force.yml: sources: {ending}",
        f"force.yml: study: {ending}",
        "force.yml: unknown key 'local_authority' (did you mean 'local_authorities'?); "
        "correct or remove it",
    ]


@pytest.mark.parametrize("kind", ["synthetic", "real"])
def test_every_other_kind_needs_sources(tmp_path: Path, kind: str) -> None:
    page = official_force(tmp_path, kind=kind, study=PAGE["study"])
    with pytest.raises(ContractError) as problem:
        read_force_file(page)
    assert problem.value.problems == (
        "force.yml: the key 'sources' is missing (only 'kind: official' goes without)",
    )
