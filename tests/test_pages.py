"""Every page of a small edition, opened in a browser without a network, as a reader would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.browser import NAMES, Browser, Visit, find_browser
from tests.conftest import Tree

DESK, PHONE = 1300, 390

QUESTIONS = {
    "language": "document.documentElement.lang",
    "titles": "[...document.querySelectorAll('h1')].filter(h => h.checkVisibility())"
    ".map(h => h.innerText.trim())",
    "figures": """[...document.querySelectorAll('.bd-article figure')].map(f => ({
      alt: f.querySelector('img')?.alt ?? '',
      number: f.querySelector('.caption-number')?.innerText ?? '',
      caption: f.querySelector('.caption-text')?.innerText ?? '',
    }))""",
    "loose_pictures": "document.querySelectorAll('.bd-article img').length"
    " - document.querySelectorAll('.bd-article figure img').length",
    "tables": """[...document.querySelectorAll('.bd-article table')]
      .map(t => t.querySelector('.caption-number')?.innerText ?? '')""",
    "formulas": "document.querySelectorAll('.bd-article .math').length",
    "drawn": """[...document.querySelectorAll('.bd-article .math')]
      .filter(m => m.querySelector('mjx-container svg') && !m.querySelector('[data-mjx-error]'))
      .length""",
    "computed": "document.querySelectorAll('.bd-article div.cell').length > 0",
    "banner": "document.querySelector('h1 + .admonition')?.innerText ?? ''",
    "theme": "document.documentElement.dataset.theme ?? ''",
    "links": "[...document.links].map(a => a.href).filter(h => h.startsWith('file:'))",
    "unnamed_buttons": """[...document.querySelectorAll('button')]
      .filter(b => b.checkVisibility() && !b.innerText.trim() && !b.title && !b.ariaLabel)
      .map(b => b.className)""",
}

#: Hits of a search, waiting for them up to ten seconds.
HITS = """new Promise(done => {
  const until = Date.now() + 10000;
  const look = () => {
    const hits = [...document.querySelectorAll('#search-results li a')].map(a => a.href);
    hits.length || Date.now() > until ? done(hits) : setTimeout(look, 50);
  };
  look();
})"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip(f"no browser here: none of {', '.join(NAMES)} is installed")
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def visits(
    small_edition: Path, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Visit]:
    """Every page, opened at a desk and narrowed to a phone, printed, and asked."""
    printed = tmp_path_factory.mktemp("printed") / "page.pdf"
    pages = [p for p in sorted(small_edition.rglob("*.html")) if "_static" not in p.parts]
    assert len(pages) > len(list((small_edition / "chapters").glob("*.html"))) > 1
    return {
        p.relative_to(small_edition).as_posix(): browser.visit(
            p, widths=(DESK, PHONE), ask=QUESTIONS, printed=printed
        )
        for p in pages
    }


def is_inside(address: str, folder: Path) -> bool:
    """Whether an address is that of a file in a folder."""
    parts = urlsplit(address)
    return parts.scheme == "file" and Path(unquote(parts.path)).is_relative_to(folder.resolve())


def wrong(visits: dict[str, Visit], what: Callable[[Visit], Any]) -> dict[str, Any]:
    """Pages where something is wrong, with what it is."""
    return {page: found for page, visit in visits.items() if (found := what(visit))}


def test_no_page_complains_in_the_console(visits: dict[str, Visit]) -> None:
    assert wrong(visits, lambda v: v.complaints) == {}


def test_no_picture_is_broken(visits: dict[str, Visit]) -> None:
    assert wrong(visits, lambda v: v.broken_pictures) == {}


def test_no_page_asks_outside_its_folder_opened_or_printed(
    visits: dict[str, Visit], small_edition: Path
) -> None:
    assert wrong(visits, lambda v: [r for r in v.requests if not is_inside(r, small_edition)]) == {}
    assert all(v.address in v.requests for v in visits.values())


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_every_page_fits_its_window(visits: dict[str, Visit], width: int) -> None:
    assert wrong(visits, lambda v: v.too_wide[width]) == {}


def test_every_page_has_one_title_and_a_language(visits: dict[str, Visit]) -> None:
    assert (
        wrong(visits, lambda v: len(v.answers["titles"]) != 1 or v.answers["titles"] == [""]) == {}
    )
    assert {v.answers["language"] for v in visits.values()} == {"en"}


def test_every_figure_has_a_number_a_caption_and_words_for_who_cannot_see_it(
    visits: dict[str, Visit],
) -> None:
    assert wrong(visits, lambda v: [f for f in v.answers["figures"] if not all(f.values())]) == {}
    assert wrong(visits, lambda v: v.answers["loose_pictures"]) == {}
    numbers = [f["number"] for v in visits.values() for f in v.answers["figures"]]
    assert len(numbers) == len(set(numbers)) > 0


def test_every_table_has_a_number(visits: dict[str, Visit]) -> None:
    assert wrong(visits, lambda v: v.answers["tables"].count("")) == {}
    assert any(v.answers["tables"] for v in visits.values())


def test_formulas_are_drawn_by_the_copy_that_comes_with_the_book(visits: dict[str, Visit]) -> None:
    assert wrong(visits, lambda v: v.answers["formulas"] - v.answers["drawn"]) == {}
    with_formulas = {page: v for page, v in visits.items() if v.answers["formulas"]}
    assert with_formulas
    assert wrong(with_formulas, lambda v: not any("/mathjax/" in r for r in v.requests)) == {}


def test_every_page_of_made_up_data_says_so_under_its_title(visits: dict[str, Visit]) -> None:
    computed = {page: v for page, v in visits.items() if v.answers["computed"]}
    assert "index.html" in computed
    banners = ("Made-up data\n", "Official statistics, and made-up data\n")
    assert wrong(computed, lambda v: not v.answers["banner"].startswith(banners)) == {}
    assert wrong(computed, lambda v: "synthetic" not in v.answers["banner"]) == {}


def test_every_page_is_light_and_its_buttons_have_names(visits: dict[str, Visit]) -> None:
    assert {v.answers["theme"] for v in visits.values()} == {"light"}
    assert wrong(visits, lambda v: v.answers["unnamed_buttons"]) == {}


def test_every_link_inside_the_book_leads_somewhere(
    visits: dict[str, Visit], small_edition: Path
) -> None:
    def dead(visit: Visit) -> list[str]:
        return [
            link
            for link in visit.answers["links"]
            if not is_inside(link, small_edition)
            or not Path(unquote(urlsplit(link).path)).is_file()
        ]

    assert wrong(visits, dead) == {}


@pytest.mark.parametrize("code", ["england", "pair"])
def test_books_of_official_statistics_are_read_like_any_other(
    official_editions: Tree, browser: Browser, code: str
) -> None:
    html = official_editions.edition(code) / "html"
    for page in ("index.html", "chapters/references.html"):
        visit = browser.visit(html / page, widths=(DESK, PHONE), ask=QUESTIONS)
        assert (visit.complaints, visit.broken_pictures) == ((), ())
        assert all(is_inside(request, html) for request in visit.requests)
        assert set(visit.too_wide.values()) == {()}
        assert len(visit.answers["titles"]) == 1
        assert visit.answers["banner"] == ""
        assert all(all(figure.values()) for figure in visit.answers["figures"])
        inside = [Path(unquote(urlsplit(link).path)) for link in visit.answers["links"]]
        assert all(path.is_file() and path.is_relative_to(html.resolve()) for path in inside)


def test_search_finds_pages_and_asks_nobody(small_edition: Path, browser: Browser) -> None:
    address = (small_edition / "search.html").resolve().as_uri() + "?q=missing"
    visit = browser.visit(address, ask={"hits": HITS})
    hits = [Path(unquote(urlsplit(hit).path)) for hit in visit.answers["hits"]]
    assert (small_edition / "index.html").resolve() in hits
    assert all(hit.is_file() for hit in hits)
    assert not visit.complaints
    assert all(is_inside(request, small_edition) for request in visit.requests)


def test_the_start_page_leads_to_every_edition(small_edition: Path, browser: Browser) -> None:
    page = small_edition.parents[1] / "index.html"
    visit = browser.visit(page, widths=(DESK, PHONE), ask=QUESTIONS)
    assert visit.requests == (page.resolve().as_uri(),)
    assert visit.complaints == ()
    assert set(visit.too_wide.values()) == {()}
    assert (small_edition / "index.html").resolve().as_uri() in visit.answers["links"]
    assert "$" not in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").count("Made-up data") == len(visit.answers["links"])


# --- the browser itself -------------------------------------------------------------------------

WIDE = "<div style='width: 800px'>x</div>"
#: What is wrong with a page, and where a visit says so.
FAULTS = {
    "console": ("<script>console.error('bad')</script>", lambda v: v.complaints == ("bad",)),
    "exception": ("<script>throw Error('bad')</script>", lambda v: "bad" in v.complaints[0]),
    "late exception": (
        "<script>setTimeout(() => { throw Error('bad') }, 100)</script>",
        lambda v: "bad" in v.complaints[0],
    ),
    "no picture": ("<img src='no.png'>", lambda v: v.broken_pictures[0].endswith("no.png")),
    "outside": ("<img src='https://a.invalid/'>", lambda v: "https://a.invalid/" in v.requests),
    "outside when printed": (
        "<script>onbeforeprint = () => { new Image().src = 'https://b.invalid/'; }</script>",
        lambda v: "https://b.invalid/" in v.requests,
    ),
    "outside by a socket": (
        "<script>new WebSocket('wss://c.invalid/')</script>",
        lambda v: "wss://c.invalid/" in v.requests,
    ),
    "too wide": (WIDE, lambda v: v.too_wide == {DESK: (), PHONE: ("div sticks out",)}),
    "too wide in a fold": (
        f"<details><summary>x</summary>{WIDE}</details>",
        lambda v: "div sticks out" in v.too_wide[PHONE],
    ),
    "cut off": (
        f"<section style='overflow: hidden'>{WIDE}</section>",
        lambda v: v.too_wide == {DESK: (), PHONE: ("section is cut off",)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_visit_sees_what_is_wrong(fault: str, browser: Browser, tmp_path: Path) -> None:
    body, seen = FAULTS[fault]
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><html><body>{body}</body></html>", encoding="utf-8")
    assert seen(browser.visit(page, widths=(DESK, PHONE), printed=tmp_path / "page.pdf"))


def test_a_visit_of_a_good_page_sees_nothing(browser: Browser, tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    box = f"<div style='overflow-x: auto'>{WIDE}</div>"
    page.write_text(f"<!doctype html><html><body>{box}</body></html>", encoding="utf-8")
    visit = browser.visit(page, widths=(PHONE,), ask={"sum": "1 + 1"}, picture=picture)
    assert visit == Visit(page.as_uri(), (page.as_uri(),), (), (), {PHONE: ()}, {"sum": 2})
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_question_that_fails_is_an_error(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html>", encoding="utf-8")
    with pytest.raises(RuntimeError, match="nobody is not defined"):
        browser.visit(page, ask={"x": "nobody()"})
