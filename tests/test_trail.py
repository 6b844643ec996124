"""The reviewer's way from a sentence to the formula: nothing on it is typed, stale or dead."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from missing_lib.book import backwards, known_answers, shown_tests, trail, trail_pages, written
from missing_lib.book.known_answers import KNOWN_ANSWERS, OF_ALL_FINDINGS
from missing_lib.book.layout import Layout
from missing_lib.book.letting_out import _own_texts
from missing_lib.book.sources import Sources
from missing_lib.book.toc import read_toc
from missing_lib.release.registry import ChapterRecords
from missing_lib.study import intervals, network, peers, regression, repeats
from missing_lib.study.cox import fit as cox_fit
from missing_lib.study.findings import CLAIMS
from tests import test_cox, test_network, test_predictors, test_repeats
from tests.conftest import ROOT

SOURCES = trail.sources_of(ROOT / "tests")
TEXTS = {
    name: path.read_text(encoding="utf-8")
    for name in read_toc(ROOT).chapters
    if (path := ROOT / "chapters" / f"{name}.md").exists()
}
CHAPTERS = trail.codes(TEXTS)
FINDINGS = trail.of_findings(CHAPTERS, SOURCES)
TESTS = list(dict.fromkeys([*(one.test for one in KNOWN_ANSWERS), *OF_ALL_FINDINGS]))
KINDS = {
    known_answers.R, known_answers.PUBLISHED, known_answers.BY_HAND, known_answers.BRUTE_FORCE,
    known_answers.SECOND_WAY, known_answers.KNOWN_TRUTH,
}  # fmt: skip


# --- every finding has its way -----------------------------------------------------------------


def test_every_finding_is_on_one_way() -> None:
    assert [claim.id for one in FINDINGS for claim in one.claims] == [c.id for c in CLAIMS]


@pytest.mark.parametrize("way", FINDINGS, ids=lambda way: "-".join(way.published))
def test_a_way_leads_from_the_chapter_to_code_that_tests_hold(way: trail.Trail) -> None:
    assert any("publish.finding(" in line.source for line in way.lines)
    for claim in way.claims:
        assert trail.full_name(claim.code) in {s.definition.name for s in way.steps}
    assert way.answers


@pytest.mark.parametrize(
    ("finding", "functions"),
    [
        ("F3", ("frame.known_before", "regression.logistic", "regression.holm")),
        ("N2", ("nearness.nearest_other", "regression.logistic", "nearness.shuffle_within")),
        ("N3", ("peers.events_that_follow", "peers.shifted", "network.ties_before")),
        ("T1", ("repeats.gaps", "intervals.ratio_by_people")),
        ("C4", ("periods.top_of_window", "concentration.top_weights", "chance.draw_counts")),
    ],
)
def test_a_way_goes_down_to_the_estimator(finding: str, functions: tuple[str, ...]) -> None:
    (way,) = [one for one in FINDINGS if finding in one.published]
    assert {trail.full_name(f) for f in functions} <= {s.definition.name for s in way.steps}


def test_models_are_found_in_the_chapters_by_themselves() -> None:
    code = backwards.code_of(
        "```{code-cell} ipython3\nfrom missing_lib.study import cox\n"
        "fit = cox.fit_cox(stop, event, design)\n"
        'publish.estimates("soon", table(fit), title="x", what="x")\n```\n'
    )
    (way,) = trail.of_models({"repeats": code}, SOURCES)
    names = {step.definition.name for step in way.steps}
    assert {"missing_lib.study.cox.fit.fit_cox", "missing_lib.study.cox.kernel.slot_sums"} <= names
    assert any(one.name == "test_it_agrees_with_r" for one in way.answers)


# --- what is shown is what runs ----------------------------------------------------------------


def modules() -> list[str]:
    folder = ROOT / "missing_lib" / "study"
    paths = [p.relative_to(ROOT).with_suffix("") for p in folder.rglob("*.py")]
    return sorted(".".join(path.parts) for path in paths if path.name != "__init__")


@pytest.mark.parametrize("module", modules())
def test_shown_source_is_that_of_the_object_that_runs(module: str) -> None:
    imported = importlib.import_module(module)
    tree = ast.parse(inspect.getsource(imported))
    defined = [n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    for name in defined:
        shown = SOURCES.find(f"{module}.{name}")
        assert shown is not None
        runs = getattr(imported, name)
        runs = getattr(runs, "py_func", runs)  # compiled by numba
        assert shown.source == inspect.getsource(runs).rstrip("\n"), name
        assert shown.doc == (inspect.cleandoc(runs.__doc__) if shown.doc else ""), name


def test_a_name_is_followed_through_imports_and_not_into_local_names(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("from pack.deep import inner as outer\n")
    (package / "deep.py").write_text(
        "import pack\n"
        "#: How many.\nMANY = 3\n"
        "def inner(x: Named) -> int:\n    return MANY + x.other\n"
        "def other():\n    inner = 1\n    return [inner for inner in [2]]\n"
        "def again(f=inner):\n    return pack.outer(again)\n"
        "class Named:\n    def value(self):\n        return other()\n"
    )
    sources = Sources(package)
    assert sources.find("pack.outer") == sources.find("pack.deep.inner")
    rests = {
        n: sources.find(f"pack.deep.{n}").rests_on for n in ("inner", "other", "again", "Named")
    }
    assert rests == {
        "inner": ("pack.deep.MANY",),
        "other": (),
        "again": ("pack.deep.inner",),
        "Named": ("pack.deep.other",),
    }
    many = sources.find("pack.deep.MANY")
    assert (many.kind, many.line, many.source) == ("constant", 2, "#: How many.\nMANY = 3")
    assert [sources.find(n) for n in ("pack.nobody", "numpy.array", "pack", "")] == [None] * 4
    assert [(d.own, n) for d, n in sources.closure(["pack.deep.again"], "pack.")] == [
        ("again", 0), ("inner", 1), ("MANY", 2),
    ]  # fmt: skip


CELLS = """
```{code-cell} ipython3
:tags: [parameters]
seed = 1
```

```{code-cell} ipython3
import numpy as np
from a import b
rows, other = b.read(), 2
publish.table("first", rows)
```

```{code-cell} ipython3
rows = b.changed(rows)
for row in rows:
    total = row + seed
unused = b.never(rows)
# Why.
if total:
    publish.finding("X1", "", n=total)
total = 9
```
"""


@pytest.mark.parametrize(
    ("finding", "kept"),
    [
        (
            "X1",
            ["from a import b", "rows, other = b.read(), 2", "rows = b.changed(rows)",
             "for row in rows:\n    total = row + seed",
             '# Why.\nif total:\n    publish.finding("X1", "", n=total)'],
        ),
        ("none", []),
    ],
)  # fmt: skip
def test_lines_behind_an_output_are_those_and_no_others(finding: str, kept: list[str]) -> None:
    code = backwards.code_of(CELLS)
    begin = [ln for ln in code.lines if finding in backwards.outputs(ln.node, "finding")]
    assert [ln.source for ln in backwards.lines_behind(code, begin)] == kept


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ("a = f()\na = g()\na += 1\n", ["a = g()", "a += 1"]),
        ("a = f()\nif b:\n    a['x'] = c\na['y'].z = 2\n", None),
        ("c = 1\na = f()\nfor b in c:\n    a.append(b)\nb.append(a)\n", [
            "c = 1", "a = f()", "for b in c:\n    a.append(b)",
        ]),
        ("with f() as a:\n    pass\nd = [a for a in x]\n", ["with f() as a:\n    pass"]),
        ("a = f()\nd = a.sorted()\nd.sort()\n", ["a = f()"]),
    ],
)  # fmt: skip
def test_what_gives_a_name_its_value_or_changes_it_is_kept(
    lines: str, kept: list[str] | None
) -> None:
    last = "publish.finding('X', a)"
    code = backwards.code_of(f"```{{code-cell}} x\n{lines}{last}\n```\n")
    behind = [line.source for line in backwards.lines_behind(code, [code.lines[-1]])]
    assert behind == ([line.source for line in code.lines] if kept is None else [*kept, last])


# --- the tests that are named ------------------------------------------------------------------


@pytest.mark.parametrize("answer", KNOWN_ANSWERS, ids=lambda one: f"{one.code}-{one.name}")
def test_a_named_test_uses_the_function_that_it_holds(answer: known_answers.KnownAnswer) -> None:
    function = SOURCES.find(trail.full_name(answer.code))
    assert function is not None, "no such function"
    assert function.name == trail.full_name(answer.code), "named elsewhere than where it is defined"
    assert answer.kind in KINDS
    test = shown_tests.test_name(answer.test)
    assert SOURCES.find(test) is not None, "no such test"
    assert function.name in {one.name for one, _ in SOURCES.closure([test], "")}


@pytest.mark.parametrize("test", TESTS)
def test_a_named_test_is_one_that_pytest_runs(test: str) -> None:
    file, _, name = test.partition("::")
    assert file.startswith("test_")
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    (found,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    assert name.startswith("test_")
    assert not any("skip" in ast.unparse(one) for one in found.decorator_list)


@pytest.mark.long
def test_all_named_tests_are_collected() -> None:
    named = [f"tests/{test}" for test in TESTS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "--long", "-p", "no:cacheprovider",
         *named],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    found = {line.partition("[")[0] for line in done.stdout.splitlines()}
    assert set(named) <= found


def test_what_is_named_as_held_against_r_reads_a_case_of_r() -> None:
    for answer in KNOWN_ANSWERS:
        if answer.kind == known_answers.R:
            shown = shown_tests.shown_test(answer.test, SOURCES, ROOT / "tests")
            assert shown is not None
            assert shown.scripts, answer.test


def broken_terms(fit: regression.Fit) -> regression.Fit:
    return replace(fit, terms=fit.terms.assign(coefficient=fit.terms["coefficient"] * (1 + 1e-6)))


#: A function, how it is broken, and a test that names it as held.
BREAKS: dict[str, tuple[Any, str, Callable[..., Any], Callable[[], None]]] = {
    "regression.logistic": (
        regression, "logistic", broken_terms, test_predictors.test_logistic_is_that_of_r,
    ),
    "regression.holm": (
        regression, "holm", lambda p: p * 0.999,
        test_predictors.test_holm_is_that_of_r_also_with_a_missing_value,
    ),
    "intervals.wilson": (
        intervals, "wilson", lambda pair: (pair[0], pair[1] * 1.0001),
        test_predictors.test_intervals_are_those_of_r,
    ),
    "repeats.gaps": (
        repeats, "gaps", lambda spells: spells.assign(gap_days=spells["gap_days"] + 0.1),
        test_repeats.test_a_gap_runs_from_the_end_to_the_next_report,
    ),
    "peers.events_that_follow": (
        peers, "events_that_follow", lambda weight: weight * 1.01,
        lambda: test_network.test_incidents_that_follow_are_those_of_plain_loops(0),
    ),
    "network.raises": (
        network, "raises", lambda found: not found,
        test_network.test_raises_needs_a_small_adjusted_p,
    ),
    "cox.fit.fit_cox": (
        cox_fit, "fit_rows", lambda fit: replace(fit, coefficients=fit.coefficients + 1e-5),
        lambda: test_cox.test_it_agrees_with_r("andersen-gill efron", test_cox.cases()),
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", BREAKS)
def test_a_named_test_fails_where_its_function_is_broken(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, spoil, test = BREAKS[code]
    assert any(one.code == code for one in KNOWN_ANSWERS)
    test()
    works = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *a, **k: spoil(works(*a, **k)))
    with pytest.raises(AssertionError):
        test()


# --- the pages ---------------------------------------------------------------------------------


def facts(tests: Path) -> trail_pages.Facts:
    published = {name: ChapterRecords(name, ()) for name in TEXTS}
    table = {"kind": "table", "name": "often", "title": "How many *incidents*"}
    published["predictors"] = ChapterRecords("predictors", (table,))
    places = trail.places([ln.source for ln in CHAPTERS["predictors"].lines], "predictors")
    labels = frozenset(one for of in places.values() for one in of)
    return trail_pages.Facts(tests, "children", published, TEXTS, labels, "BANNER", "COLOPHON")


def page(name: str, tests: Path = ROOT / "tests") -> str:
    text = (ROOT / "chapters" / f"{name}.md").read_text(encoding="utf-8")
    return trail_pages.write(name, text, facts(tests))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: page(name) for name in ("trail", "models", "library")}


def plain(text: str) -> str:
    """Text without tags, as a reader sees it."""
    return unescape(re.sub(r"<[^>]+>", "", text))


def test_the_page_of_findings_has_code_tests_and_scripts(pages: dict[str, str]) -> None:
    text = pages["trail"]
    for claim in CLAIMS:
        assert text.count(f"(trail-{claim.id.lower()})=") == 1
    for shown in (
        "primary = family.primary(cohort, frame, seed)", "markers = predictors.ever_missing(frame)",
        "def test_logistic_is_that_of_r() -> None:", "def birthwt() ->", "f <- glm(low~",
        "FLAT = 10.0",
    ):  # fmt: skip
        assert shown in plain(text)
    assert 'href="https://doi.org/10.1111/j.2517-6161.1958.tb00292.x"' in text
    assert "](#computed-f1)" in text
    assert "](prevalence)" in text  # without a label, the link is to the chapter
    assert text.count("BANNER") == text.count("COLOPHON") == 1


def test_without_the_folder_of_tests_they_are_named(tmp_path: Path) -> None:
    text = plain(page("trail", tmp_path / "tests"))
    assert "markers = predictors.ever_missing(frame)" in text
    assert "def test_" not in text
    assert "(tests/test_predictors.py, test_logistic_is_that_of_r)" in text


def test_a_source_stands_once_in_all_pages(pages: dict[str, str]) -> None:
    text = plain("\n".join(pages.values()))
    for name in ("ever_missing", "primary", "fit_cox", "known_before"):
        assert text.count(f"def {name}(") == 1, name
    assert r"### How many \*incidents\*" in pages["models"]


def test_links_between_the_pages_lead_to_a_place(pages: dict[str, str]) -> None:
    places = {f"{n}.html#{i}" for n, t in pages.items() for i in re.findall(r' id="([^"]+)"', t)}
    links = {a for t in pages.values() for a in re.findall(r'href="(\w+\.html#[^"]+)"', t)}
    assert len(links) > 50
    assert links <= places
    for text in pages.values():
        assert len(ids := re.findall(r' id="([^"]+)"', text)) == len(set(ids))


def test_the_library_has_every_public_function(pages: dict[str, str]) -> None:
    for module in modules():
        for one in SOURCES.public_of(module):
            assert f"`{one.signature or one.own}`" in pages["library"]


@pytest.mark.parametrize(
    ("doc", "said"),
    [
        ("One *line* < 2.", ["One *line* &lt; 2."]),
        (
            "A.\n\nSee :func:`.a.b` and ``c``.\n\nReturns\n-------\nx",
            ["A.", "See <code>a.b</code> and <code>c</code>."],
        ),
        (
            "A.\n\nReturns\n-------\nx\n\nReferences\n----------\nB, doi\n10.1016/S0(98)4-0.",
            ["A.", 'B, <a href="https://doi.org/10.1016/S0(98)4-0">doi 10.1016/S0(98)4-0</a>.'],
        ),
        ("", []),
    ],
)
def test_a_docstring_is_told_without_how_to_call_it(doc: str, said: list[str]) -> None:
    assert written.definition(doc) == said


def test_what_stands_as_it_is_ends_where_it_ends() -> None:
    shown = written.as_it_stands("<pre>\n```\n````</pre>")
    assert shown == "`````{raw} html\n<pre>\n```\n````</pre>\n`````"


# --- what is made anew, and what may be shown --------------------------------------------------


def test_a_changed_test_makes_the_book_anew() -> None:
    files = shown_tests.files_shown(ROOT / "tests")
    assert ROOT / "tests/test_predictors.py" in files
    assert ROOT / "tests/reference/logit_birthwt/how.R" in files
    assert all(path.is_file() for path in files)
    assert all("test_" in p.name for p in shown_tests.files_shown(ROOT / "nowhere"))


def test_what_is_shown_of_tests_is_the_same_for_every_force_and_so_public() -> None:
    shown = list(shown_tests.texts_shown(SOURCES, ROOT / "tests"))
    assert any("test_logistic_is_that_of_r" in text for text in shown)
    assert set(shown) <= set(_own_texts(Layout(ROOT, ROOT / "forces")))


def test_a_tree_without_tests_shows_none(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "chapters", tmp_path / "chapters")
    assert list(shown_tests.texts_shown(trail.sources_of(tmp_path), tmp_path)) == []
