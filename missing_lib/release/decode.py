"""Whatever a file hides a text in, opened: archives, pictures, notebooks, escapes, base64.

A file that cannot be read cannot be let out, so each is either opened or named as unreadable.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import html
import io
import lzma
import re
import struct
import tarfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterator

import numpy as np

#: Archives in archives, and texts in base64 in texts, are opened so deep.
DEEPEST = 5
#: A member of an archive that grows beyond this is not opened, and so not let out.
LARGEST = 500_000_000

PNG = b"\x89PNG\r\n\x1a\n"
_DATA = re.compile(r"data:[\w/+.;=-]*;base64,([A-Za-z0-9+/%=\s]+)")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
#: No word, no path and no address is so long.
_NO_WORD = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")
#: Base64 that is shorter ends in the signs that fill it up.
_UNPADDED = 16
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrtbf\"'/]))")
_IN_ADDRESS = re.compile(r"[^\s\"'<>]*%[0-9a-fA-F]{2}[^\s\"'<>]*")
_TAG = re.compile(r"<[^<>]*>")
_DRAWING = re.compile(r"\d+\.\d+|(?<=[:\s])#[0-9a-fA-F]{6}(?![^\W_])")
#: Letters below are of Latin script; bytes that are no text make others.
_LATIN = 0x250
#: Files in which decimals are places of a drawing, and six signs after a # a colour.
DRAWN = (".svg", ".css")


class UnreadableError(ValueError):
    """A file that the scan cannot open."""


def texts_of(name: str, content: bytes, depth: int = 0) -> Iterator[str]:
    """Every text in a file, each as it stands and as a reader's program shows it.

    Parameters
    ----------
    name : str
        By its ending a drawing is known.
    content : bytes

    Raises
    ------
    UnreadableError
        If some of it is no text and nothing that can be opened.
    """
    if depth > DEEPEST:
        raise UnreadableError
    for begin, opened in _OPENED.items():
        if content.startswith(begin):
            yield from opened(name, content, depth)
            return
    if content[257:262] == b"ustar":
        yield from _tar(name, content, depth)
        return
    yield from _readings(name, _text(content), depth)


def _text(content: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return _decoded(content, encoding)
    if b"\0" in content:
        for encoding in ("utf-32-le", "utf-16-le", "utf-16-be"):
            try:
                text = _decoded(content, encoding)
            except UnreadableError:
                continue
            if sum(ord(sign) < _LATIN for sign in text) > len(text) * 0.9:
                return text
        raise UnreadableError
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded(content, "cp1252")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadableError from None
    if any(ord(sign) < 9 or 13 < ord(sign) < 32 for sign in text):
        raise UnreadableError
    return text


def _readings(name: str, text: str, depth: int) -> Iterator[str]:
    """A text as it stands, without its marks and escapes, and what it holds in base64."""
    plain = _NO_WORD.sub(" ", _DATA.sub(" ", text))
    plain = _DRAWING.sub(" ", plain) if name.endswith(DRAWN) else plain
    yield plain
    shown = _shown(plain)
    if "<" in shown:
        yield _TAG.sub(" ", shown)
        yield "\n".join(_shown(tag) for tag in _TAG.findall(plain) if "&" in tag or "\\" in tag)
    elif shown != plain:
        yield shown
    yield "\n".join(map(urllib.parse.unquote, _IN_ADDRESS.findall(shown)))
    yield from _in_base64(text, depth)


def _shown(text: str) -> str:
    """A text without the escapes of JSON and HTML."""
    text = _JSON_ESCAPE.sub(_unescaped, text) if "\\" in text else text
    return html.unescape(text) if "&" in text else text


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else {"/": "/", '"': '"', "'": "'"}.get(match[3], " ")


def _in_base64(text: str, depth: int) -> Iterator[str]:
    for found in _DATA.finditer(text):
        yield from _inside(re.sub(r"\s", "", urllib.parse.unquote(found[1])), depth, sure=True)
    joined = text.replace("\\n", "\n") if "\\n" in text else text
    lines = re.sub(r"(?<=[A-Za-z0-9+/]{60})\n(?=[A-Za-z0-9+/=])", "", joined)
    for one in _BASE64.findall(lines):
        if len(one) % 4 == 0 or len(one) > _UNPADDED:
            yield from _inside(one, depth, sure=False)


def _inside(code: str, depth: int, sure: bool) -> Iterator[str]:
    """What base64 holds; what only looks like it holds nothing, unless it is sure."""
    try:
        padded = code.rstrip("=").translate(str.maketrans("-_", "+/"))
        content = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
        if not sure and not content.startswith((*_OPENED, b"\xff\xfe")):
            content.decode("utf-8")
        yield from texts_of("", content, depth + 1)
    except (binascii.Error, UnreadableError, ValueError):
        if sure:
            raise UnreadableError from None


def _zip(name: str, content: bytes, depth: int) -> Iterator[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield archive.comment.decode("latin-1")
            for member in archive.infolist():
                yield member.filename
                yield member.comment.decode("latin-1")
                if member.file_size > LARGEST:
                    raise UnreadableError
                yield from texts_of(member.filename, archive.read(member), depth + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error):
        raise UnreadableError from None


def _packed(unpack: Callable[[bytes], bytes]) -> Callable[[str, bytes, int], Iterator[str]]:
    def opened(name: str, content: bytes, depth: int) -> Iterator[str]:
        if unpack is gzip.decompress:
            yield content[10:80].split(b"\0")[0].decode("latin-1") if content[3] & 8 else ""
        try:
            inner = unpack(content)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
            raise UnreadableError from None
        yield from texts_of(name.removesuffix("z").removesuffix(".g"), inner, depth + 1)

    return opened


def _tar(name: str, content: bytes, depth: int) -> Iterator[str]:
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                yield f"{member.name} {member.uname} {member.gname} {member.linkname}"
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield from texts_of(member.name, file.read(), depth + 1)
    except tarfile.TarError:
        raise UnreadableError from None


def _png(name: str, content: bytes, depth: int) -> Iterator[str]:
    """Every chunk with a text, and what follows the picture; not its points."""
    at = len(PNG)
    while at + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + size]
        at += size + 12
        yield from _chunk(kind, body)
        if kind == b"IEND":
            break
    if content[at:].strip(b"\0"):
        yield from texts_of("", content[at:], depth + 1)


def _chunk(kind: bytes, body: bytes) -> Iterator[str]:
    try:
        if kind in (b"tEXt", b"eXIf"):
            yield body.replace(b"\0", b" ").decode("latin-1")
        elif kind == b"zTXt":
            keyword, _, rest = body.partition(b"\0")
            yield keyword.decode("latin-1") + " " + zlib.decompress(rest[1:]).decode("latin-1")
        elif kind == b"iTXt":
            keyword, _, rest = body.partition(b"\0")
            language, translated, text = rest[2:].split(b"\0", 2)
            text = zlib.decompress(text) if rest[:1] == b"\1" else text
            yield b" ".join((keyword, language, translated, text)).decode("utf-8", "replace")
    except (zlib.error, ValueError):
        raise UnreadableError from None


def _npy(name: str, content: bytes, depth: int) -> Iterator[str]:
    try:
        values = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise UnreadableError from None
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    yield "\n".join(map(str, values.ravel().tolist()))


_OPENED: dict[bytes, Callable[[str, bytes, int], Iterator[str]]] = {
    b"PK\x03\x04": _zip,
    b"PK\x05\x06": _zip,
    b"\x1f\x8b": _packed(gzip.decompress),
    b"BZh": _packed(bz2.decompress),
    b"\xfd7zXZ\0": _packed(lzma.decompress),
    PNG: _png,
    b"\x93NUMPY": _npy,
}
