"""The schema and the examples of the force file agree with what is read."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from missing_lib.book import force_page
from missing_lib.book.weave import weave
from missing_lib.force import json_schema
from missing_lib.force.examples import EXAMPLES
from missing_lib.force.proposal.new import TEMPLATES as TEMPLATES_FOLDER
from missing_lib.force.rulebook import RULES, choice_problems
from missing_lib.force.schema import SCHEMA
from missing_lib.force.spec import OFFICIAL, OFFICIAL_KEYS, ForceFile, _Loader, known_forces
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.published import digest
from missing_lib.release.registry import ChapterRecords, Registry
from tests.conftest import ROOT
from tests.test_book import notebook, shown_cell
from tests.test_force import PAGE

SCHEMA_OF_FILE = json_schema.force_schema()
FORCES = sorted((ROOT / "forces").glob("*/force.yml"))
TEMPLATES = sorted((ROOT / "forces" / TEMPLATES_FOLDER).glob("*.yml"))


def complaints(page: dict[str, Any]) -> list[str]:
    """What an editor would underline."""
    plain = json.loads(json.dumps(page, default=str))
    return [e.message for e in Draft202012Validator(SCHEMA_OF_FILE).iter_errors(plain)]


def loaded(text: str) -> Any:
    """YAML as the force file is read."""
    return yaml.load(text, Loader=_Loader)


def whole(example: str) -> dict[str, Any]:
    """A part of a force file, set into a whole one; one without an extract is whole already."""
    part: dict[str, Any] = loaded(example)
    if part.get("kind") == OFFICIAL:
        return part
    page = copy.deepcopy(PAGE) | part
    page["sources"] = PAGE["sources"] | part.get("sources", {})
    return page


def test_the_schema_is_written_out_as_it_is() -> None:
    Draft202012Validator.check_schema(SCHEMA_OF_FILE)
    written = (ROOT / "forces" / json_schema.FILE_NAME).read_text(encoding="utf-8")
    assert written == json_schema.schema_text(), "write it again: missing-book schema"
    assert "://" not in written


@pytest.mark.parametrize("path", FORCES, ids=lambda p: p.parent.name)
def test_every_force_names_the_schema_and_keeps_it(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == json_schema.FIRST_LINE
    assert complaints(yaml.safe_load(text)) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_every_template_is_valid_marked_unverified_and_no_force(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    page = loaded(text)
    assert ForceFile.model_validate(page).code == path.stem
    assert complaints(page) == []
    assert (text.splitlines()[0], "UNVERIFIED" in text) == (json_schema.FIRST_LINE, True)
    assert TEMPLATES_FOLDER not in known_forces(ROOT / "forces")


def keys_of(value: Any, place: str = "") -> set[str]:
    """Every key of an example, lists and tables passed through."""
    if isinstance(value, list):
        return {key for one in value for key in keys_of(one, place)}
    if not isinstance(value, dict):
        return set()
    below = {key for name, one in value.items() for key in keys_of(one, f"{place}.{name}")}
    return {f"{place}.{name}".removeprefix(".") for name in value} | below


@pytest.mark.parametrize("section", EXAMPLES)
def test_every_example_is_read_and_shows_every_key(section: str) -> None:
    page = whole(EXAMPLES[section])
    ForceFile.model_validate(page)
    assert complaints(page) == []
    if section == "rules":  # test_every_rule_and_setting_can_be_changed_within_its_limits
        return
    shown = {key.rsplit(".", 1)[-1] for key in keys_of(loaded(EXAMPLES[section]))}
    elsewhere = set(EXAMPLES) if section in ("force", "sources") else set()
    keys = OFFICIAL_KEYS if section == OFFICIAL else force_page.keys(section)["key"]
    assert set(keys) <= shown | elsewhere


def test_the_gate_shows_examples_of_the_library_and_no_other_text(tmp_path: Path) -> None:
    shown = Gate(Policy(), Registry(None)).example("policy")
    assert shown.payload["text"] == EXAMPLES["policy"]
    with pytest.raises(KeyError):
        Gate(Policy(), Registry(None)).example("threshold: 1")
    records = ChapterRecords("c", ({**shown.payload, "digest": digest(shown.payload)},))
    page = weave(notebook(shown_cell(shown.payload)), records, tmp_path, "", "")
    assert page.cells[1].source == f"````yaml\n{EXAMPLES['policy'].rstrip()}\n````"


def test_every_rule_and_setting_can_be_changed_within_its_limits() -> None:
    rules = force_page.rules().set_index("rule")
    assert list(rules.index) == list(RULES)
    for name, rule in RULES.items():
        for action in rule.actions:
            assert complaints(whole(f"rules: {{{name}: {{action: {action}}}}}")) == []
            assert action in rules.loc[name, "does"] + rules.loc[name, "may"]
        for key, setting in rule.settings.items():
            for value, fits in ((setting.low, True), (setting.high, True),
                                (setting.low - 1, False), (setting.high + 1, False)):  # fmt: skip
                page = whole(f"rules: {{{name}: {{{key}: {value}}}}}")
                assert (complaints(page) == []) == fits
                assert (list(choice_problems(page["rules"])) == []) == fits
            assert f"{key} {setting.default:g}" in rules.loc[name, "may"]


def test_a_key_that_yaml_takes_for_a_truth_value_is_a_word() -> None:
    assert loaded("on: {no: true, Yes: false}") == {"on": {"no": True, "Yes": False}}


def test_every_key_and_column_has_a_meaning() -> None:
    for section in force_page.SECTIONS:
        assert force_page.keys(section)["meaning"].str.len().gt(5).all()
    for table in SCHEMA:
        columns = SCHEMA_OF_FILE["$defs"][f"Source-{table}"]["properties"]["columns"]
        assert list(columns["properties"]) == list(SCHEMA[table])


@pytest.mark.parametrize("key", sorted(set(ForceFile.model_fields) - set(OFFICIAL_KEYS)))
def test_without_an_extract_its_keys_are_refused_and_underlined(key: str) -> None:
    page = {"code": "mark", "name": "Mark", "kind": OFFICIAL}
    assert complaints(page) == []
    ForceFile.model_validate(page)
    page |= {key: loaded(EXAMPLES["force"]).get(key, [1])}
    with pytest.raises(ValidationError, match="has no extract"):
        ForceFile.model_validate(page)
    assert complaints(page) != []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("code", "Mark 1"),
        ("kind", "official"),
        ("kind", "fake"),
        ("polcy", {}),
        ("policy", {"threshold": 9}),
        ("study", {"start": "2015-01-01"}),
        ("definitions", {"top_share": 1}),
        ("sources", {"persons": {"file": "p.csv"}}),
        ("sources", PAGE["sources"] | {"tie": {"file": "t.csv"}}),
        ("sources", PAGE["sources"] | {"markers": {"encoding": "cp1252"}}),
        ("sources", PAGE["sources"] | {"events": {"file": "e.csv", "columns": {"person_id": "P"}}}),
        ("sources", PAGE["sources"] | {
            "persons": {"file": "p", "columns": {"person_id": "P", "birthdate": "D"}}}),
        ("sources", PAGE["sources"] | {
            "persons": {"file": "p", "columns": {
                "person_id": "P", "sex": {"column": "S", "recode": {"F": "femal"}}}}}),
        ("sources", PAGE["sources"] | {
            "persons": {"file": "p", "columns": {
                "person_id": "P", "sex": {"column": "S", "format": "%Y"}}}}),
        ("sources", PAGE["sources"] | {
            "persons": {"file": "p", "columns": {
                "person_id": {"column": "P", "columns": ["P", "Q"]}}}}),
    ],
)  # fmt: skip
def test_what_is_refused_is_underlined(place: str, value: Any) -> None:
    page = copy.deepcopy(PAGE) | {place: value}
    with pytest.raises(ValidationError):
        ForceFile.model_validate(page)
    assert complaints(page) != []
