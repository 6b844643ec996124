"""The attacker against whole editions of both made-up forces, after an earlier release."""

from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.optimize import Bounds, LinearConstraint, milp

from missing_lib.release.counted import ALL_RECORDED, INCIDENT, SHOWN, load
from missing_lib.release.policy import Policy
from missing_lib.release.published import plain
from tests.conftest import ROOT, Tree, copy_sources

POPULATIONS = ("children", "adults", "all")
FORCES = ("northshire", "thames-valley")
POLICY = Policy()

#: Published values and true ones of the incidents of a table, by population and label.
Said = dict[tuple[str, str], tuple[float | None, int]]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Both forces, released once with the last month of the study missing and once with it."""
    tree = copy_sources(tmp_path_factory.mktemp("attacked"))
    for force in FORCES:
        shutil.copytree(
            ROOT / "forces" / force, tree.root / "forces" / force,
            ignore=shutil.ignore_patterns("restricted"),
        )  # fmt: skip
        page = tree.root / "forces" / force / "force.yml"
        whole = page.read_text(encoding="utf-8")
        end = str(yaml.safe_load(whole)["study"]["end"])
        earlier = str(np.datetime64(end[:7], "D") - np.timedelta64(1, "D"))
        names = [f"{force}/{population}" for population in POPULATIONS]
        for text, first in ((whole.replace(end, earlier, 1), ["--first"]), (whole, [])):
            page.write_text(text, encoding="utf-8")
            done = tree.run("release", *names, *first)
            assert done.returncode == 0, done.stdout + done.stderr
    return tree


def said(tree: Tree, force: str) -> dict[str, Said]:
    """What the second release says of each table, with the truth that judges the attack."""
    found: dict[str, Said] = {}
    for population in POPULATIONS:
        kept = tree.root / "forces" / force / "restricted" / "editions" / population
        for path in sorted((tree.edition(force, population) / "registry").glob("*.jsonl")):
            truth = {
                (one.output, cell.label): cell.true
                for one in load(kept / f"{path.stem}.npz")
                if one.unit == INCIDENT
                for cell in one.cells
            }
            for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
                if record["kind"] == "table" and record.get("rule") == "counts":
                    name = f"{path.stem}: {record['name']}"
                    for label, value in _printed(record):
                        true = truth[record["name"], label]
                        found.setdefault(name, {})[population, label] = (value, true)
    return found


def _printed(record: dict[str, Any]) -> list[tuple[str, float | None]]:
    sheet = record["sheet"]
    if "incidents" not in sheet["columns"]:
        return []
    at = sheet["columns"].index("incidents")
    rows = zip(sheet["cells"], sheet["statuses"], strict=True)
    return [
        (", ".join(plain(k) for k in cells[:at] if k != ""),
         cells[at] if statuses[at] == SHOWN else None)
        for cells, statuses in rows
    ]  # fmt: skip


def recovered(table: Said) -> list[int]:
    """Protected counts of one table in three populations that can be worked out too closely.

    Unknown are the incidents of children, adults and those of unknown age at each level.
    """
    labels = sorted({label for _, label in table if label != ALL_RECORDED})
    size = 3 * len(labels)
    of = {"children": [0], "adults": [1], "all": [0, 1, 2]}
    rows, low, high, sets = [np.zeros(size)], [0.0], [np.inf], []
    for (population, label), (value, true) in table.items():
        row = np.zeros((len(labels), 3))
        chosen = range(len(labels)) if label == ALL_RECORDED else [labels.index(label)]
        row[np.ix_(list(chosen), of[population])] = 1
        rows.append(row.ravel())
        low.append(0 if value is None else max(POLICY.threshold, value - 2))
        high.append(np.inf if value is None else value + 2)
        sets.append((row.ravel(), true))
    for label in labels:
        parts = [table.get((population, label)) for population in POPULATIONS]
        if all(parts):
            child, adult, every = (p[1] for p in parts if p is not None)
            for group, true in enumerate((every - adult, every - child, every - child - adult)):
                row = np.zeros((len(labels), 3))
                row[labels.index(label), [(0, 2), (1, 2), (2, 2)][group]] = 1
                sets.append((row.ravel(), true))
    rules = LinearConstraint(np.array(rows), np.array(low), np.array(high))
    return [true for row, true in sets if 0 < true < POLICY.threshold and _told(row, true, rules)]


def _told(row: np.ndarray, true: int, rules: LinearConstraint) -> bool:
    near = LinearConstraint(row[None, :], true - POLICY.threshold, true + POLICY.threshold)
    ends = []
    for sign in (1, -1):
        found = milp(
            sign * row, constraints=[rules, near], integrality=np.ones(len(row)),
            bounds=Bounds(0, np.inf),
        )  # fmt: skip
        ends.append(round(sign * found.fun))
    least, most = ends
    apart = max(most - true, true - least)
    return most - least + 1 < POLICY.consistent or apart < POLICY.distance


@pytest.mark.long
@pytest.mark.parametrize("force", FORCES)
def test_nothing_is_recovered_from_whole_editions(released: Tree, force: str) -> None:
    tables = said(released, force)
    assert len(tables) > 8
    assert [name for name, table in tables.items() if recovered(table)] == []


@pytest.mark.long
@pytest.mark.parametrize("force", FORCES)
def test_no_edition_needs_a_person_to_repair_it(released: Tree, force: str) -> None:
    kept = released.root / "forces" / force / "restricted" / "releases"
    assert len([one for one in kept.iterdir() if one.name[0] != "."]) == 2


def test_the_attack_on_editions_tells_what_is_safe_from_what_is_not() -> None:
    safe: Said = {
        ("children", "x"): (30, 31), ("adults", "x"): (40, 40), ("all", "x"): (70, 72),
        ("children", "y"): (40, 40), ("adults", "y"): (50, 50), ("all", "y"): (90, 90),
    }  # fmt: skip
    assert recovered(safe) == []
    told: Said = {("children", "x"): (10, 11), ("all", "x"): (10, 12), ("adults", "x"): (None, 1)}
    assert recovered(told) == [1, 1]
