"""Looks for canaries in whatever files hold, in another way than the scan of the library.

All canaries have one beginning, :data:`STEM`. It is searched for in the bytes, in every stream that
can be unpacked from them, and in the three forms that base64 gives it, without decoding base64.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
import urllib.parse
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

#: Begins every canary; no word of any language and no abbreviation.
STEM = "Qzvjx"


def in_base64(stem: bytes) -> list[bytes]:
    """What is constant in the base64 of a text with the stem, at each of three alignments."""
    forms = []
    for shift in range(3):
        code = base64.b64encode(b"\0" * shift + stem + b"\0" * (-(shift + len(stem)) % 3))
        first = -(-shift * 8 // 6)
        forms.append(code[first : (shift + len(stem)) * 8 // 6])
    return forms


_BASE64 = [form for stem in (STEM, STEM.upper()) for form in in_base64(stem.encode())]
_ZLIB = re.compile(b"\x78[\x01\x5e\x9c\xda]")
_DAY = re.compile(r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}|\b\d\d? [a-z]{3,9} \d{4}")
_GLYPHS = re.compile(r'(?:xlink:)?href="#[A-Za-z]+(?:-[A-Za-z]+)*-([0-9a-f]{2,5})"')


def streams(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """The bytes, and all that can be unpacked from them."""
    yield content
    if depth > 3:
        return
    if b"PK\x03\x04" in content:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for name in archive.namelist():
                    yield name.encode()
                    yield from streams(archive.read(name), depth + 1)
        except zipfile.BadZipFile:
            pass
    for start in re.finditer(b"\x1f\x8b\x08", content):
        yield from unpacked(content[start.start() :], 31, depth)
    for start in _ZLIB.finditer(content):
        yield from unpacked(content[start.start() :], 15, depth)


def unpacked(content: bytes, kind: int, depth: int) -> Iterator[bytes]:
    try:
        made = zlib.decompressobj(kind).decompress(content, 50_000_000)
    except zlib.error:
        return
    if made:
        yield from streams(made, depth + 1)


def readings(content: bytes) -> Iterator[str]:
    """A stream as texts: as it is, of wide letters, without escapes, without tags, as glyphs."""
    text = content.decode("latin-1")
    yield text
    yield content.replace(b"\0", b"").decode("latin-1")
    if "\\" in text:
        escaped = re.compile(r"\\(?:u00|x)([0-9a-fA-F]{2})")
        yield escaped.sub(lambda found: chr(int(found[1], 16)), text)
    if "&" in text:
        yield html.unescape(text)
    if "%" in text:
        yield urllib.parse.unquote(text)
    if "<" in text:
        yield re.sub(r"<[^<>]*>", "", text)
        yield "".join(chr(int(code, 16)) for code in _GLYPHS.findall(text))


def is_told(content: bytes, days: Collection[str] = ()) -> bool:
    """Whether there is a canary, or one of some written dates, in what a file holds."""
    stem = STEM.casefold()
    for stream in streams(content):
        if any(form in stream for form in _BASE64):
            return True
        for text in readings(stream):
            small = text.casefold()
            if stem in small:
                return True
            if days and not {_filled(day) for day in _DAY.findall(small)}.isdisjoint(days):
                return True
    return False


def _filled(day: str) -> str:
    return f"0{day}" if day[1] == " " else day


#: Digests of what has been searched and holds nothing, so that it is searched once.
_SEARCHED: set[tuple[bytes, Collection[str]]] = set()


def _file_tells(path: Path, days: frozenset[str]) -> bool:
    content = path.read_bytes()
    key = (hashlib.sha256(content).digest(), days)
    if key not in _SEARCHED and is_told(content, days):
        return True
    _SEARCHED.add(key)
    return False


def told_under(root: Path, apart: Iterable[Path], days: Iterable[str] = ()) -> list[str]:
    """Every file and folder under a root with a canary in its name or in what it holds.

    Parameters
    ----------
    apart : iterable of Path
        Folders that may hold them.
    days : iterable of str
        Written dates, in small letters: ISO's way, 14/05/2003 and 14 may 2003.
    """
    places, days = list(apart), frozenset(days)
    found = []
    for path in sorted(root.rglob("*")):
        if any(path == place or place in path.parents for place in places):
            continue
        named = STEM.casefold() in path.name.casefold()
        if named or (path.is_file() and _file_tells(path, days)):
            found.append(path.relative_to(root).as_posix())
    return found
