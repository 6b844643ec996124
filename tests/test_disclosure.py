"""The page on what is hidden: it counts what the pages show, and says no more than they do."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from missing_lib.book import disclosure
from missing_lib.book.toc import read_toc
from missing_lib.release.cards import NUMBER_RULES, RULES
from missing_lib.release.mends import Mend, Mends, any_mends, write_mends
from missing_lib.release.policy import Policy
from missing_lib.release.publish import Gate
from missing_lib.release.registry import ChapterRecords, Registry, read
from missing_lib.study.findings import CLAIMS
from missing_lib.study.tabulate import tabulate
from tests.conftest import ROOT, Tree

POLICY = Policy()


def gate(chapter: str = "concentration") -> Gate:
    return Gate(POLICY, Registry(None, chapter=chapter))


def published(made: Gate) -> dict[str, ChapterRecords]:
    chapter = made.registry.chapter
    return {chapter: ChapterRecords(chapter, tuple(made.registry.records))}


def a_table(made: Gate, **levels: int) -> None:
    names = [name for name, n in levels.items() for _ in range(n)]
    ids = [str(i) for i in range(len(names))]
    rows = pd.DataFrame({"incident_id": ids, "person_id": ids})
    rows["sex"] = pd.Categorical(names, categories=list(levels))
    never = np.array([name == "never" for name in levels])
    made.counts("t", tabulate(rows, ["sex"]), title="by sex", what="x", structural_zeros=never)


def test_values_are_counted_by_what_is_said_of_them() -> None:
    made = gate()
    a_table(made, a=40, b=60, c=3, never=0)
    made.people("few", range(3), what="x")
    made.estimate("none", float("nan"), what="x", people=40)
    made.constant(threshold=10)
    (line,) = disclosure.values_by_chapter(published(made)).to_dict("records")
    assert line == {
        "chapter": "Concentration", "shown": 4, "hidden": 4, "fewer than": 1, "kept": 0,
        "zero": 2, "not applicable": 1,
    }  # fmt: skip
    outputs = disclosure.hidden_outputs(published(made)).to_dict("records")
    assert [(o["output"], o["hidden"], o["fewer than"], o["values"]) for o in outputs] == [
        ("Concentration: By sex", 4, 0, 10), ("Concentration: Numbers in sentences", 0, 1, 2),
    ]  # fmt: skip


def test_a_value_of_an_earlier_day_is_counted_as_such() -> None:
    mends = [Mend("concentration", "n", "person", "", 50.0, "31 March 2016")]
    made = Gate(POLICY, Registry(None, chapter="concentration"), mends)
    made.people("n", range(57), what="x")
    (line,) = disclosure.values_by_chapter(published(made)).to_dict("records")
    assert (line["kept"], line["shown"]) == (1, 0)
    assert disclosure.rounding_of_findings(published(made), POLICY).empty


def test_a_hidden_figure_is_named_with_what_it_does_to_the_answer() -> None:
    made = gate()
    few = made.people("few", range(3), what="x")
    made.finding("C1", "{n} children.", figures=[few], n=few)
    touched = disclosure.findings_touched(published(made), "children")
    assert touched.to_numpy().tolist() == [
        ["C1: Children who went missing ten times or more", "fewer than 10 children."]
    ]


def test_a_chapter_that_stopped_answers_nothing_and_says_why() -> None:
    made = gate("network")
    made.stop("The force supplies no ties.")
    touched = disclosure.findings_touched(published(made), "children")
    assert touched["finding"].str.slice(0, 2).tolist() == ["N1", "N2"]
    assert set(touched["effect"]) == {"Not answered: The force supplies no ties."}


def test_a_finding_read_from_a_table_with_hidden_values_says_so() -> None:
    made = gate()
    frame = pd.DataFrame(
        {"month": ["1", "2"], "part": [40.0, 3], "whole": [60.0, 60], "part_people": [30, 3],
         "rest_people": [15, 50]}
    )  # fmt: skip
    table = made.ratios("shares", frame, ["month"], title="shares", what="x")
    lowest = made.derived_number("lowest", 0.67, table, text="67 %", what="lowest")
    made.finding("C4", "Lowest {n}.", figures=[lowest], labels=["lowest month"], n=lowest)
    (line,) = disclosure.findings_touched(published(made), "children").to_dict("records")
    assert line["effect"].endswith("of the table “Shares” 1 of 2 are not.")
    (line,) = disclosure.rounding_of_findings(published(made), POLICY).to_dict("records")
    assert (line["figure"], line["shown"]) == ("Lowest month", "67 %")
    low, high = map(float, re.findall(r"[\d.]+", line["between"]))
    assert low < 64 < 70 < high, "the two counts of a month can be as small as the threshold"


def test_every_kind_of_output_has_its_rule_on_the_page() -> None:
    shown = disclosure.rules(Policy(threshold=23, rounding=20, block=23))
    assert len(shown) == len(set(RULES) | set(NUMBER_RULES)) - len(
        {"derived", "official", "definitions"}
    )
    assert not shown["rule"].str.contains(r"\b10\b|\{").any()
    assert set(disclosure.COUNTED_COLUMNS) <= set(RULES)
    assert set(disclosure.COUNTED_NUMBERS) <= set(NUMBER_RULES)


@pytest.mark.parametrize("policy", [POLICY, Policy(20, 10, block=20), Policy(50, 50, block=50)])
def test_examples_stand_where_the_rules_decide(policy: Policy) -> None:
    made = {k: v for k, v in disclosure.example_numbers(policy).items() if isinstance(v, int)}
    one, whole, both = (float(made[k]) for k in ("most", "whole", "both"))
    assert {np.floor(n / policy.rounding + 0.5) * policy.rounding for n in (one, whole)} == {both}
    assert 0 < made["whole"] - made["most"] == made["few"]


def test_whether_anything_was_mended_and_no_more(tmp_path: Path) -> None:
    assert not any_mends(tmp_path / "mends.json")
    write_mends(tmp_path / "mends.json", Mends("basis", (Mend("c", "t", "person", "female"),)))
    assert any_mends(tmp_path / "mends.json")


# --- the page of an edition ---------------------------------------------------------------------


def text_of(page: Path) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")).split())


def test_the_page_counts_the_cells_that_read_hidden(two_forces: Tree) -> None:
    edition = two_forces.edition("westmark")
    records = read(edition / "registry", read_toc(ROOT).chapters)
    outputs = disclosure.hidden_outputs(records).set_index("output")
    printed: Counter[str] = Counter()
    for one in records.values():
        for table in one.of_kind("table"):
            if table["rule"] == "counts":
                counts = [i for i, h in enumerate(table["header"]) if h in ("People", "Incidents")]
                title = f"{one.chapter.capitalize()}: {one.filled(table['title'])}"
                printed[title] = sum(row[i] == "hidden" for row in table["rows"] for i in counts)
    assert any(printed.values())
    for title, hidden in printed.items():
        assert hidden == (outputs.loc[title, "hidden"] if title in outputs.index else 0), title


def test_the_page_says_what_was_done_to_this_edition(two_forces: Tree) -> None:
    edition = two_forces.edition("westmark")
    said = text_of(edition / "html" / "chapters" / "disclosure.html")
    mends = two_forces.root / "forces/westmark/restricted/editions/children/mends.json"
    nothing = "In this edition nothing had to be mended"
    assert (nothing in said) == (not any_mends(mends))
    assert f"Of the {len(CLAIMS)} findings" in said
    assert "Made-up data" in said


def test_an_edition_without_an_extract_has_no_such_page(official_editions: Tree) -> None:
    html = official_editions.edition("england") / "html"
    assert (html / "index.html").exists()
    assert not (html / "chapters" / "disclosure.html").exists()
