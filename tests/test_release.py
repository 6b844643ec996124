"""The gate: each rule of the policy on cells where it decides, and on random tables."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missing_lib.figures import prevalence as draw
from missing_lib.release import count_tables, curve_tables, curves, tables
from missing_lib.release.cells import safe_counts
from missing_lib.release.policy import Policy, enough_incidents, round_count, significant
from missing_lib.release.publish import Gate
from missing_lib.release.registry import Registry, read
from missing_lib.study.intervals import wilson
from missing_lib.study.survival import kaplan_meier
from missing_lib.study.tabulate import Table, tabulate

POLICY = Policy()


@pytest.fixture
def gate() -> Gate:
    return Gate(POLICY, Registry(None))


def people_table(**levels: int) -> Table:
    """One incident each of so many people in each level."""
    names = [name for name, n in levels.items() for _ in range(n)]
    rows = pd.DataFrame(
        {
            "incident_id": range(len(names)),
            "person_id": [str(i) for i in range(len(names))],
            "sex": pd.Categorical(names, categories=list(levels)),
        }
    )
    return tabulate(rows, ["sex"])


def incidents_of(per_person: Sequence[int]) -> pd.DataFrame:
    """Rows of so many incidents of each person."""
    people = [str(i) for i, n in enumerate(per_person) for _ in range(n)]
    return pd.DataFrame({"incident_id": range(len(people)), "person_id": people})


def statuses(unit: str = "people", **levels: int) -> dict[str, str]:
    cells = people_table(**levels).cells
    return dict(zip(cells["sex"], safe_counts(cells, ["sex"], unit, POLICY)["status"], strict=True))


# --- counts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "text"), [(0, "fewer than 10"), (9, "fewer than 10"), (10, "10"), (1132, "1,130")]
)
def test_people_are_rounded_or_hidden(gate: Gate, n: int, text: str) -> None:
    number = gate.people("n", range(n), what="x")
    assert number.text == text
    assert number.hidden == (n < 10)


def test_a_stricter_policy_is_applied_everywhere() -> None:
    strict = Gate(Policy(threshold=20, rounding=10), Registry(None))
    assert strict.people("a", range(19), what="x").text == "fewer than 20"
    assert strict.people("b", range(125), what="x").text == "130"


def test_complement_hides_a_large_count(gate: Gate) -> None:
    whole = gate.people("whole", range(52), what="x")
    assert gate.people("most", range(48), what="x", of=whole).hidden
    assert gate.people("all", range(52), what="x", of=whole).hidden
    assert not gate.people("some", range(42), what="x", of=whole).hidden


@pytest.mark.parametrize(
    ("per_person", "shown"),
    [
        ([140], False),  # one child
        ([1] * 9, False),  # nine incidents
        ([2] * 9, False),  # nine people
        ([20] + [1] * 10, False),  # one above half
        ([50] * 2 + [1] * 8, False),  # two above 90 %
        ([1] * 10, True),
        ([15] + [1] * 15, True),  # one holds exactly half
    ],
)
def test_dominance(gate: Gate, per_person: list[int], shown: bool) -> None:
    assert gate.incidents("n", incidents_of(per_person), what="x").hidden is not shown


def test_shares_come_from_rounded_counts(gate: Gate) -> None:
    part, whole = (
        gate.people("part", range(12), what="x"),
        gate.people("whole", range(37), what="x"),
    )
    assert gate.share("share", part, whole, what="x").value == 0.29  # 10/35, not 12/37
    hidden = gate.people("hidden", range(3), what="x")
    assert gate.share("none", hidden, whole, what="x").text == "not shown"


@pytest.mark.parametrize("more", [1, 2])
def test_an_interval_tells_no_more_than_the_rounded_counts(more: int) -> None:
    """From exact counts, whole per cent of share and bounds would be those of 10 of 20 alone."""

    def printed(part: int, whole: int) -> list[list[str]]:
        frame = pd.DataFrame(
            {"marker": ["m"], "ever": [part], "people": [whole], "fewest": [whole - part]}
        )
        shown = Gate(POLICY, Registry(None)).proportions(
            "p", frame, ["marker"], of=("ever", "people"), interval=wilson, people="fewest",
            title="t", what="w",
        )  # fmt: skip
        return [list(row) for row in shown.payload["rows"]]

    few = [math.floor(100 * bound) for bound in wilson(10 + more, 20 + more)]
    assert few != [math.floor(100 * bound) for bound in wilson(10, 20)]
    assert printed(10 + more, 20 + more) == printed(10, 20)
    assert printed(10, 20)[0][1] == "50 %"


def test_interval_is_rounded_outwards(gate: Gate) -> None:
    number = gate.percent("p", 0.5, what="x", people=50, others=50, interval=(0.419, 0.581))
    assert number.interval_text == "41 to 59 %"


def test_percent_needs_people_on_both_sides(gate: Gate) -> None:
    assert gate.percent("a", 0.9, what="x", people=50, others=9).hidden
    assert gate.percent("b", 0.1, what="x", people=9, others=50).hidden


def test_quantile_needs_people_on_each_side(gate: Gate) -> None:
    values = np.arange(100.0)
    few = np.repeat(np.arange(5), 20)
    many = np.arange(100)
    assert gate.quantile("a", values, 0.5, what="x", persons=few, unit="h").hidden
    assert gate.quantile("b", values, 0.5, what="x", persons=many, unit="h").text == "50 h"
    assert gate.quantile("c", values, 0.99, what="x", persons=many, unit="h").hidden


# --- tables ---------------------------------------------------------------------------------


def test_1002_people_of_whom_one_is_unknown() -> None:
    assert statuses(male=498, female=503, unknown=1) == {
        "male": "hidden", "female": "shown", "unknown": "hidden",
    }  # fmt: skip


def test_48_of_52_hides_both() -> None:
    assert statuses(yes=48, no=4) == {"yes": "hidden", "no": "hidden"}


def test_zero_is_hidden_unless_structural() -> None:
    cells = people_table(a=40, b=40, c=0).cells
    assert safe_counts(cells, ["sex"], "people", POLICY)["status"].tolist()[2] == "hidden"
    zero = np.array([False, False, True])
    safe = safe_counts(cells, ["sex"], "people", POLICY, zero)
    assert safe["status"].tolist() == ["shown", "shown", "zero"]
    assert safe["count"].tolist() == [40, 40, 0]


def test_a_cell_that_can_hold_nobody_holds_nobody() -> None:
    cells, zero = people_table(a=40, b=40, c=3).cells, np.array([False, False, True])
    with pytest.raises(ValueError, match="by sex that can hold nobody holds somebody"):
        safe_counts(cells, ["sex"], "people", POLICY, zero)


@pytest.mark.parametrize("unit", ["people", "incidents"])
@pytest.mark.parametrize("impossible", [0, 2])
@pytest.mark.parametrize(("n", "status"), [(40, "shown"), (9, "hidden")])
def test_a_table_of_one_row_is_not_its_own_complement(
    unit: str, impossible: int, n: int, status: str
) -> None:
    cells = people_table(a=n, **{f"never{i}": 0 for i in range(impossible)}).cells
    zero = np.array([False, *[True] * impossible])
    found = safe_counts(cells, ["sex"], unit, POLICY, zero)["status"].tolist()
    assert found == [status, *["zero"] * impossible]


def test_an_impossible_level_takes_no_other_with_it(gate: Gate) -> None:
    zero = np.array([False, False, True])
    table = people_table(a=40, b=60, c=0)
    shown = gate.counts("t", table, title="t", what="x", structural_zeros=zero)
    assert [row[3] for row in shown.payload["rows"]] == ["40", "60", "0", "100"]
    assert any(note.startswith("0 stands only") for note in shown.payload["notes"])


def test_hidden_zero_and_missing_read_differently(gate: Gate) -> None:
    shown = gate.counts("t", people_table(a=40, b=40, c=3), title="t", what="x", units=("people",))
    printed = [row[1] for row in shown.payload["rows"]]
    assert printed == ["hidden", "40", "hidden", "85"]  # the first of equals is hidden too
    assert shown.frame["people"].isna().tolist() == [True, False, True]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=2, max_size=4))
def test_no_line_gives_a_small_cell_away(grid: list[list[int]]) -> None:
    rows = [
        (i, j, f"{i}-{j}-{k}") for i, line in enumerate(grid) for j, n in enumerate(line)
        for k in range(n)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["a", "b", "person_id"])
    frame["a"] = pd.Categorical(frame["a"], categories=range(len(grid)))
    frame["b"] = pd.Categorical(frame["b"], categories=range(3))
    frame["incident_id"] = range(len(frame))
    cells = tabulate(frame, ["a", "b"]).cells
    safe = safe_counts(cells, ["a", "b"], "people", POLICY)
    joined = pd.concat([cells, safe], axis=1)
    hidden = joined["status"] == "hidden"
    assert hidden[joined["people"] < 10].all()
    for key in ("a", "b"):
        for _, line in joined.groupby(key, observed=True):
            aside = line[line["status"] == "hidden"]
            if 0 < len(aside) < len(line):
                assert len(aside) >= 2
                assert aside["people"].sum() >= 10
    incidents = safe_counts(cells, ["a", "b"], "incidents", POLICY)
    assert (incidents["status"] == "hidden")[cells["people"] < 10].all()
    shown = joined[~hidden]
    assert (shown["count"] % 5 == 0).all()
    assert ((shown["count"] - shown["people"]).abs() <= 2).all()


def test_row_order_does_not_matter() -> None:
    cells = people_table(a=40, b=41, c=3, d=60).cells
    turned = cells.iloc[::-1]
    one = safe_counts(cells, ["sex"], "people", POLICY)["status"]
    other = safe_counts(turned, ["sex"], "people", POLICY)["status"]
    assert one.to_dict() == other.to_dict()


def one_boy_holds_most() -> Table:
    """45 girls with one incident, 15 boys with three, and one boy with 140."""
    people = [f"g{i}" for i in range(45)] + [f"b{i}" for i in range(15)] * 3 + ["boy"] * 140
    rows = pd.DataFrame({"incident_id": range(len(people)), "person_id": people})
    rows["sex"] = pd.Categorical(
        ["female"] * 45 + ["male"] * 185, categories=["female", "male", "unknown"]
    )
    return tabulate(rows, ["sex"])


def test_one_person_is_not_left_over_by_subtraction(gate: Gate) -> None:
    shown = gate.counts("t", one_boy_holds_most(), title="t", what="x")
    incidents = [row[1] for row in shown.payload["rows"]]
    assert incidents == ["hidden", "hidden", "hidden", "hidden"]
    assert shown.frame["incidents_percent"].isna().all()


def test_hidden_cells_together_rest_on_enough_people() -> None:
    # Other and unknown hold 17 incidents of seven people; one of them has nine.
    people = [f"f{i}" for i in range(300)] + [f"m{i}" for i in range(200)]
    rest = ["o1"] * 9 + ["o2", "o3"] + ["u1"] * 3 + ["u2", "u3", "u4"]
    rows = pd.DataFrame({"incident_id": range(517), "person_id": people + rest})
    sexes = ["female"] * 300 + ["male"] * 200 + ["other"] * 11 + ["unknown"] * 6
    levels = ["female", "male", "other", "unknown"]
    rows["sex"] = pd.Categorical(sexes, categories=levels)
    safe = safe_counts(tabulate(rows, ["sex"]).cells, ["sex"], "incidents", POLICY)
    assert safe["status"].tolist() == ["shown", "hidden", "hidden", "hidden"]


def test_percent_is_hidden_where_one_person_dominates(gate: Gate) -> None:
    part, rest = [139] + [1] * 30, [1] * 40
    hidden = gate.percent("a", 0.8, what="x", people=31, others=40, part=part, rest=rest)
    shown = gate.percent("b", 0.4, what="x", people=30, others=40, part=part[1:], rest=rest)
    assert (hidden.text, shown.text) == ("not shown", "40 %")


def test_survival_counts_people_and_says_where_events_are_few() -> None:
    data = pd.DataFrame({"p": ["one"] * 40 + list("abcdefghijkl"), "t": 50.0, "e": False})
    data.loc[40:, "t"] = 5.0
    data.loc[45:48, "e"] = True
    made = curve_tables.survival(data, "t", "e", "p", None, None, 60, POLICY)
    assert made.frame["time"].max() == 5
    assert made.rows[0][2:4] == ["fewer than 10 events", ""]


def test_ratios_hide_lines_of_few_people() -> None:
    frame = pd.DataFrame(
        {"month": ["1", "2", "3"], "part": [30.0, 30, 60], "whole": [60.0, 60, 65],
         "part_people": [12, 9, 30], "whole_people": [40, 40, 40], "chance": [0.2, 0.3, 0.4]}
    )  # fmt: skip
    made = tables.ratios(frame, ["month"], POLICY, None)
    assert made.frame["percent"].tolist()[0] == 50
    assert made.frame["percent_status"].tolist() == ["shown", "hidden", "hidden"]
    assert made.rows == [["1", "50", "20"], ["2", "hidden", ""], ["3", "hidden", ""]]
    alone = tables.ratios(frame.assign(rest_people=9), ["month"], POLICY, None)
    assert set(alone.frame["percent_status"]) == {"hidden"}


def test_a_finding_without_a_figure_says_so(gate: Gate) -> None:
    few = gate.people("few", range(3), what="x")
    gate.finding("C1", "There are {n} of them.", figures=[few], n=few)
    assert gate.registry.records[-1]["sentence"] == "There are fewer than 10 of them."
    one = gate.incidents("one", incidents_of([140] + [1] * 20), what="x")
    gate.finding("C2", "There are {n} of them.", n=one)
    assert gate.registry.records[-1]["sentence"].startswith("Too few people stand behind")
    assert gate.sentence("There are {n}.", n=one).payload["text"].startswith("Too few people")


def test_rows_of_the_extract_hide_small_numbers() -> None:
    frame = pd.DataFrame({"t": ["a", "b"], "in": [1000, 500], "kept": [997, 500], "out": [3, 0]})
    made = count_tables.row_counts(frame, ["in", "kept", "out"], ["t"], POLICY, None, {})
    few = "fewer than 10"
    assert made.rows == [["a", "1,000", "995", few], ["b", "500", "500", few]]


def test_regression_shows_two_digits_and_no_small_level() -> None:
    frame = pd.DataFrame(
        {"term": ["care", "rare"], "estimate": [2.3456, 9.1], "lower": [1.2345, 1.0],
         "upper": [4.5678, 80.0], "p_holm": [0.0004, 0.5], "people": [300, 400],
         "events": [40, 9]}
    )  # fmt: skip
    made = tables.estimates(frame, "odds ratio", POLICY)
    assert made.rows == [
        ["care", "2.3", "1.2 to 4.6", "< 0.001"],
        ["rare", "not shown", "", ""],
    ]
    assert made.frame["estimate"].isna().tolist() == [False, True]
    assert not {"people", "events"} & set(made.frame.columns)


# --- curves ---------------------------------------------------------------------------------


def test_survival_is_near_the_exact_curve_and_cut() -> None:
    rng = np.random.default_rng(1)
    days, seen = rng.exponential(60, 2000), rng.random(2000) < 0.8
    safe = curves.safe_survival(days, seen, 365, POLICY)
    exact = kaplan_meier(np.ceil(days), seen)
    at = safe["time"].to_numpy(float)
    steps = np.searchsorted(exact["time"].to_numpy(float), at, side="right") - 1
    true = np.where(steps < 0, 1.0, exact["survival"].to_numpy(float)[steps])
    # Blocks of ten in two thousand move the curve by at most one in two hundred, until few remain.
    early = safe["at_risk"].to_numpy() >= 200
    assert np.abs(safe["survival"].to_numpy() - true)[early].max() < 0.01
    assert safe["at_risk"].min() >= 10
    assert ((safe["at_risk"] % 5) == 0).all()


def test_survival_of_few_is_empty() -> None:
    assert curves.safe_survival([1.0] * 9, [True] * 9, 30, POLICY).empty


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=10, max_size=80))
def test_survival_jumps_only_where_a_block_is_full(spells: list[tuple[int, bool]]) -> None:
    days, seen = [s[0] for s in spells], [s[1] for s in spells]
    safe = curves.safe_survival(days, seen, 60, POLICY)
    falls = int((safe["survival"].diff().fillna(safe["survival"] - 1) < 0).sum())
    assert falls <= sum(seen) // 10
    assert safe["survival"].between(0, 1).all()
    assert (safe["lower"] <= safe["survival"] + 1e-12).all()


def test_mean_cumulative_is_near_the_plain_mean() -> None:
    rng = np.random.default_rng(2)
    lengths = np.full(1000, 700.0)
    times = rng.uniform(0, 700, 3000)
    safe = curves.safe_mean_cumulative(times, lengths, 600, POLICY).set_index("time")
    assert safe.loc[600, "mean"] == pytest.approx((times <= 600).sum() / 1000, abs=0.02)


def test_lorenz_leaves_out_percentiles_of_few_people() -> None:
    counts = np.r_[[40.0], np.ones(199)]
    safe = curves.safe_lorenz(counts, POLICY)
    assert safe["share_people"].tolist()[1] > 5  # the first 5 % are ten people, one dominates
    assert curves.safe_lorenz([5.0] * 19, POLICY).empty
    even = curves.safe_lorenz(np.ones(1000), POLICY)
    assert (even["share_people"] == even["share_incidents"]).all()


# --- figures, sentences, registry -----------------------------------------------------------


def test_figures_are_drawn_from_published_tables_only(gate: Gate) -> None:
    frame = pd.DataFrame({"sex": ["a"], "incidents_percent": [1.0]})
    with pytest.raises(TypeError, match="published tables"):
        gate.figure("f", draw.bars, frame, caption="c", alt="a", by="sex")  # type: ignore[arg-type]


def test_figure_holds_no_hidden_value_and_no_date(gate: Gate) -> None:
    cells = people_table(a=40, b=4173, c=3)
    table = gate.counts("t", cells, title="t", what="x", units=("people",))
    shown = gate.figure("f", draw.bars, table, caption="c", alt="a", by="sex", unit="people")
    assert "<dc:date>" not in shown.payload["svg"]
    assert "4173" not in json.dumps(gate.registry.records)


@pytest.mark.parametrize("template", ["There were 12 of them", "{n} of 1,132"])
def test_sentences_hold_no_typed_number(gate: Gate, template: str) -> None:
    with pytest.raises(ValueError, match="typed number"):
        gate.sentence(template, n=gate.people("n", range(50), what="x"))


def test_sentences_take_no_raw_number(gate: Gate) -> None:
    with pytest.raises(TypeError, match="comes from publish"):
        gate.sentence("The share is {share}.", share=0.4711)


def test_a_sentence_stands_where_only_numbers_that_it_does_not_name_are_hidden(gate: Gate) -> None:
    hidden = gate.people("n", range(3), what="x")
    assert gate.sentence("Nothing to tell.", n=hidden).payload["text"] == "Nothing to tell."
    told = gate.sentence("There are {n.text} of them.", n=hidden).payload["text"]
    assert told == "There are fewer than 10 of them."
    none = gate.estimate("e", float("nan"), what="x", people=50)
    assert "Too few people" in gate.sentence("It is {e}.", e=none).payload["text"]
    assert gate.sentence("It is not known.", e=none).payload["text"] == "It is not known."


def test_names_are_unique(gate: Gate) -> None:
    gate.people("n", range(50), what="x")
    with pytest.raises(ValueError, match="published twice"):
        gate.people("n", range(60), what="x")


def test_registry_holds_no_exact_count(tmp_path: Path) -> None:
    gate = Gate(POLICY, Registry(tmp_path / "c.jsonl"))
    gate.people("n", range(1132), what="children")
    gate.incidents("i", incidents_of([4] * 1041 + [9]), what="incidents")
    gate.counts("t", people_table(a=1131, b=42), title="t", what="x")
    text = (tmp_path / "c.jsonl").read_text()
    assert not any(exact in text for exact in ("1132", "1,132", "4173", "4,173", "1131", "1173"))
    records = read(tmp_path, ["c", "absent"])
    assert list(records) == ["c"]
    assert records["c"].texts()["n"] == "1,130"
    assert len(records["c"].digests()) == 1


def test_money_comes_from_the_rounded_count(gate: Gate) -> None:
    n = gate.incidents("n", incidents_of([25] * 124 + [21]), what="x")
    few = gate.incidents("few", incidents_of([3]), what="x")
    assert gate.money("cost", n, 2415.80, currency="GBP", what="x").value == 3120 * 2415.80
    assert gate.money("none", few, 1.0, currency="GBP", what="x").hidden


# --- small functions against brute force -----------------------------------------------------


@given(st.integers(0, 10**6), st.sampled_from([5, 10, 20]))
def test_rounding_is_to_the_nearest_multiple(n: int, base: int) -> None:
    rounded = float(round_count(n, Policy(rounding=base)))
    assert rounded % base == 0
    assert abs(rounded - n) <= base / 2


@given(st.floats(1e-6, 1e6))
def test_significant_keeps_two_digits(value: float) -> None:
    assert significant(value) == pytest.approx(float(f"{value:.1e}"), rel=0.051)
    assert math.isnan(significant(math.nan))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30))
def test_dominance_by_brute_force(counts: list[int]) -> None:
    ordered = sorted(counts, reverse=True)
    total = sum(ordered)
    expected = (
        total >= 10 and len(ordered) >= 10 and ordered[0] <= total / 2
        and sum(ordered[:2]) <= 0.9 * total
    )  # fmt: skip
    found = enough_incidents(total, len(ordered), ordered[0], sum(ordered[:2]), POLICY)
    assert bool(found) == expected
