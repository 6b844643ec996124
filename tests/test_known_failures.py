"""The ten known failures of the usual tool: that it fails so, and that the book does not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from missing_lib.book import release as releases
from missing_lib.force.errors import ContractError
from missing_lib.force.spec import find_force
from missing_lib.release import cards
from missing_lib.release.differencing.counts import Source
from missing_lib.release.differencing.repair import repair
from missing_lib.release.differencing.told import told
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.published import Number, Shown
from missing_lib.release.registry import Registry
from missing_lib.study.tabulate import Table, tabulate
from tests.conftest import ROOT

SCRIPT = Path(__file__).with_name("usual_tool.py")


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    """What the usual tool does on a small example of each failure."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.fixture
def gate() -> Gate:
    return Gate(Policy(), Registry(None))


def spells(days: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {"days": np.asarray(days, float), "seen": True, "who": range(len(days)), "group": "all"}
    )


def survival(gate: Gate, data: pd.DataFrame) -> Shown:
    return gate.survival(
        "curve", data, duration="days", event="seen", person="who", title="x", what="x", until=900
    )


def people(**levels: int) -> Table:
    """One incident each of so many people in each level."""
    names = [name for name, n in levels.items() for _ in range(n)]
    ids = [str(i) for i in range(len(names))]
    rows = pd.DataFrame({"person_id": ids, "incident_id": ids})
    return tabulate(rows.assign(area=pd.Categorical(names, categories=list(levels))), ["area"])


def counted(gate: Gate, name: str = "areas", **levels: int) -> Shown:
    return gate.counts(name, people(**levels), units=["people"], title="x", what="x")


def column(gate: Gate, name: str) -> dict[str, tuple[float | None, str]]:
    """Value and status of each row of the only table, by its first column."""
    (record,) = [r for r in gate.registry.records if r["kind"] == "table"]
    made = record["sheet"]
    at = made["columns"].index(name)
    return {
        row[0]: (row[at], said[at])
        for row, said in zip(made["cells"], made["statuses"], strict=True)
    }


def test_a_suppressed_survival_table_does_not_still_hold_exact_times(
    tool: dict[str, Any], gate: Gate
) -> None:
    days = np.arange(1, 31) ** 2
    assert tool["survival"]["times"] == days.tolist()
    assert tool["survival"]["at_risk"] == list(range(30, 0, -1))
    shown = survival(gate, spells(days))
    assert not {"num events", "num at risk"} & set(shown.frame)
    steps = shown.frame.loc[shown.frame["survival"].diff() < 0, "time"]
    assert list(steps) == [days[9], days[19]], "the curve moves where a block of ten is full"
    assert (shown.frame["at_risk"] % 5 == 0).all()
    assert shown.frame["at_risk"].min() >= 10


def test_a_second_table_does_not_undo_suppression_by_subtraction(
    tool: dict[str, Any], gate: Gate
) -> None:
    assert tool["subtraction"]["everybody"] - tool["subtraction"]["younger"] == 2
    counted(gate, seventeen=48, eighteen=2)
    said = column(gate, "people")
    assert said["seventeen"] == said["eighteen"] == (None, "hidden")
    everybody = gate.people("everybody", range(50), what="x")
    younger = gate.people("younger", range(48), what="x", of=everybody)
    assert (everybody.text, younger.text) == ("50", "not shown")
    # Where no call says that one is a part of the other, the check of everything together finds it.
    apart = Gate(Policy(), Registry(None))
    apart.people("everybody", range(12), what="x")
    apart.people("younger", range(10), what="x")
    published = Source("x", False, Policy(), tuple(apart.registry.counted))
    (found,) = told([published], Policy())
    assert found.system.truth[found.question.columns].sum() == 2
    _, mended = repair([published], Policy(), lambda _: False)
    assert len(mended.places) == 1


def test_suppression_does_not_change_totals_without_a_word(
    tool: dict[str, Any], gate: Gate
) -> None:
    assert tool["totals"]["true"] - tool["totals"]["total"] == 4
    counted(gate, a=50, b=42, c=4)
    said = column(gate, "people")
    assert said["All recorded"] == (95, "shown")
    assert list(said) == ["a", "b", "c", "All recorded"], "a small cell keeps its row"
    assert said["c"] == (None, "hidden")


def test_rounding_neither_turns_shares_into_zeros_nor_stands_in_for_a_threshold(
    tool: dict[str, Any], gate: Gate
) -> None:
    assert tool["rounding"] == {"share": 0.0, "of_eight": 10.0}
    frame = pd.DataFrame({"area": ["a", "b"], "share": [0.4, 0.4], "people": [50, 8]})
    gate.statistics(
        "means", frame, ["area"], values=["share"], people="people", title="x", what="x",
        percent=True,
    )  # fmt: skip
    assert column(gate, "share") == {"a": (0.4, "shown"), "b": (None, "hidden")}
    assert gate.people("eight", range(8), what="x").status == "fewer than 10"


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"treshold": 20}, "force.yml: unknown key 'policy.treshold' (did you mean 'threshold'?)"),
        ({"mitigation": "supress"}, "force.yml: unknown key 'policy.mitigation'"),
        ({"threshold": "none"}, "force.yml: policy.threshold"),
    ],
)
def test_a_misspelt_mitigation_does_not_mean_none(
    tool: dict[str, Any], tmp_path: Path, policy: dict[str, Any], said: str
) -> None:
    assert tool["misspelt"] == "none"
    with pytest.raises(ContractError) as problem:
        with_policy(tmp_path, policy)
    assert problem.value.problems[0].startswith(said)


def with_policy(folder: Path, policy: dict[str, Any]) -> Policy:
    """Policy of a force file that asks for one."""
    page = yaml.safe_load((ROOT / "forces" / "thames-valley" / "force.yml").read_text())
    (folder / "thames-valley").mkdir()
    (folder / "thames-valley" / "force.yml").write_text(yaml.safe_dump(page | {"policy": policy}))
    return Policy.of(find_force(folder, "thames-valley").policy)


def test_a_regression_dummy_that_two_people_hold_does_not_pass(
    tool: dict[str, Any], gate: Gate
) -> None:
    assert tool["dummy"]["status"] == "pass"
    assert tool["dummy"]["told"] == pytest.approx(tool["dummy"]["mean_of_two"])
    shown = gate.estimates("model", terms([2, 60]), title="x", what="x")
    assert column(gate, "estimate") == {"rare": (None, "hidden"), "usual": (1.2, "shown")}
    assert not {"people", "events", "intercept"} & set(shown.frame)
    assert "const" not in set(shown.frame["term"])


def terms(carried_by: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": ["rare", "usual"],
            "estimate": 1.234,
            "lower": 1.1,
            "upper": 1.4,
            "people": carried_by,
            "events": carried_by,
        }
    )


def fifteen_people(gate: Gate) -> None:
    gate.people("people", range(15), what="x")


def fifteen_incidents(gate: Gate) -> None:
    rows = pd.DataFrame({"incident_id": range(15), "person_id": range(15)})
    gate.incidents("incidents", rows, what="x")


def percent_of_fifteen(gate: Gate) -> None:
    gate.percent("percent", 0.5, what="x", people=15, others=40)


def statistic_of_fifteen(gate: Gate) -> None:
    gate.estimate("mean", 1.5, what="x", people=15)


def quantile_of_fifteen(gate: Gate) -> None:
    gate.quantile("q", np.arange(30), 0.5, what="x", persons=np.arange(30), unit="days")


def table_of_fifteen(gate: Gate) -> None:
    counted(gate, a=15, b=60)


def rows_of_fifteen(gate: Gate) -> None:
    frame = pd.DataFrame({"table": ["t"], "rows_in": [15], "kept": [15]})
    frame = frame.assign(merged=0, quarantined=0)
    gate.rows("rows", frame, ["rows_in"], ["table"], title="x", relation="parts")


def term_of_fifteen(gate: Gate) -> None:
    gate.estimates("model", terms([15, 15]), title="x", what="x")


def row_of_fifteen(gate: Gate) -> None:
    frame = pd.DataFrame({"area": ["a"], "share": [0.5], "people": [15]})
    gate.statistics("s", frame, ["area"], values=["share"], people="people", title="x", what="x")


def ratio_of_fifteen(gate: Gate) -> None:
    frame = pd.DataFrame(
        {"month": ["m"], "part": [15.0], "whole": [60.0], "part_people": [15], "rest_people": [45]}
    )
    gate.ratios("r", frame, ["month"], title="x", what="x")


def curve_of_fifteen(gate: Gate) -> None:
    survival(gate, spells(np.arange(1, 16)))


def numbers_over_time_of_fifteen(gate: Gate) -> None:
    windows = pd.DataFrame({"who": range(15), "days": 400.0, "group": "all"})
    gate.mean_cumulative(
        "m", spells(np.arange(1, 16)), windows, time="days", person="who", title="x", what="x"
    )


def lorenz_of_thirty(gate: Gate) -> None:
    gate.lorenz("l", np.arange(1, 31), title="x", what="x")


def beside_official_of_fifteen(gate: Gate) -> None:
    frame = pd.DataFrame(
        {"year": [2018], "own": [15.0], "people": [15], "largest": [1.0], "largest_two": [2.0],
         "rest": [np.nan], "official": [40.0], "official_text": ["40"], "unit": ["person"],
         "members": [tuple(range(15))]}
    )  # fmt: skip
    gate.beside_official(
        "o", frame, ["year"], title="x", what="x", source="x",
        labels=["Year", "Own", "Official", "%"],
    )  # fmt: skip


OUTPUTS = [
    fifteen_people, fifteen_incidents, percent_of_fifteen, statistic_of_fifteen,
    quantile_of_fifteen, table_of_fifteen, rows_of_fifteen, term_of_fifteen, row_of_fifteen,
    ratio_of_fifteen, curve_of_fifteen, numbers_over_time_of_fifteen, lorenz_of_thirty,
    beside_official_of_fifteen,
]  # fmt: skip


@pytest.mark.parametrize("publish", OUTPUTS)
def test_a_project_carries_its_own_policy_to_every_output(
    tool: dict[str, Any], tmp_path: Path, publish: Callable[[Gate], None]
) -> None:
    assert tool["own_policy"] == "ValueError"
    own = with_policy(tmp_path, {"threshold": 20, "rounding": 10})
    assert hidden(publish, own) > hidden(publish, Policy())


def hidden(publish: Callable[[Gate], None], policy: Policy) -> int:
    """How many values of an output are not shown."""
    gate = Gate(policy, Registry(None))
    publish(gate)
    (record,) = gate.registry.records
    return int(record["hidden"])


def test_a_stricter_rounding_goes_through_to_every_count(tmp_path: Path) -> None:
    own = with_policy(tmp_path, {"threshold": 20, "rounding": 10})
    gate = Gate(own, Registry(None))
    assert gate.people("n", range(1136), what="x").text == "1,140"
    counted(gate, a=63, b=64)
    assert column(gate, "people") == {
        "a": (60, "shown"), "b": (60, "shown"), "All recorded": (130, "shown")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"threshold": 5}, "policy.threshold: can only be stricter than the default, 10 or more"),
        ({"rounding": 3}, "policy.rounding: can only be stricter than the default, 5 or more"),
    ],
)
def test_a_project_cannot_loosen_the_policy(
    tmp_path: Path, policy: dict[str, int], said: str
) -> None:
    with pytest.raises(ContractError, match=said):
        with_policy(tmp_path, policy)


def test_writing_over_an_existing_folder_is_refused_aloud(
    tool: dict[str, Any], tmp_path: Path
) -> None:
    assert tool["writing_over"] == {"returned": None, "written": 0}
    (tmp_path / "spring").mkdir()
    with pytest.raises(ContractError, match="never written over: choose another --name"):
        releases.may_be_written([tmp_path], "spring")
    assert releases.may_be_written([tmp_path], "summer") is None


IMPORTING = """
import logging, pkgutil, importlib, sys, warnings
import jupytext, lifelines, matplotlib.pyplot, networkx, nbformat, pandas, papermill, pandera
import pyarrow, scipy, seaborn, sqlalchemy, statsmodels.api, typer, IPython
filters, level, handlers = list(warnings.filters), logging.root.level, list(logging.root.handlers)
import missing_lib
for module in pkgutil.walk_packages(missing_lib.__path__, "missing_lib."):
    importlib.import_module(module.name)
print(warnings.filters == filters, logging.root.level == level, logging.root.handlers == handlers,
      "acro" in sys.modules)
"""


def test_importing_changes_neither_logging_nor_warnings(tool: dict[str, Any]) -> None:
    assert tool["importing"] == {"logging": True, "warnings": True}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["True", "True", "True", "False"], done.stderr


def top_share_of_few(gate: Gate) -> Number:
    """The top fifth of 45 people is nine."""
    return gate.percent("top", 0.7, what="x", people=9, others=36)


def top_share_of_one(gate: Gate) -> Number:
    return gate.percent(
        "top", 0.7, what="x", people=20, others=80, part=[90, *[1] * 19], rest=[1] * 80
    )


def gini_of_few(gate: Gate) -> Number:
    return gate.estimate("gini", 0.6, what="x", people=9)


def cox_of_few(gate: Gate) -> Number:
    return gate.estimate("hazard_ratio", 1.9, what="x", people=9, interval=(1.1, 3.0))


def degree_of_few(gate: Gate) -> Shown:
    bins = pd.DataFrame({"connections": ["0", "1"], "share": [0.1, 0.2], "fewest": [60, 9]})
    return gate.statistics(
        "degree", bins, ["connections"], values=["share"], people="fewest", title="x", what="x"
    )


def lorenz_of_few(gate: Gate) -> Shown:
    return gate.lorenz("lorenz", np.arange(1, 46), title="x", what="x")


@pytest.mark.parametrize(
    "publish",
    [top_share_of_few, top_share_of_one, gini_of_few, cox_of_few, degree_of_few, lorenz_of_few],
)
def test_network_outputs_gini_cox_and_top_shares_have_rules(
    tool: dict[str, Any], gate: Gate, publish: Callable[[Gate], Number | Shown]
) -> None:
    words = ("gini", "lorenz", "cox", "phreg", "network", "degree", "share")
    assert not [name for name in tool["methods"] if any(word in name for word in words)]
    publish(gate)
    (record,) = gate.registry.records
    assert record["hidden"]
    assert cards.RULES.get(record.get("rule", "")) or cards.NUMBER_RULES[record["unit"]]
