"""A text, hidden in files in all the ways that a search must see through."""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import numpy as np


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(kind: bytes, body: bytes, after: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    points = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(kind, body) + points + chunk(b"IEND", b"") + after


def zipped(name: str, content: bytes, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packed) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def npz(text: str) -> bytes:
    made = io.BytesIO()
    np.savez_compressed(made, names=np.array([text, "other"]))
    return made.getvalue()


def tarred(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        about = tarfile.TarInfo("member.txt")
        about.size = len(content)
        archive.addfile(about, io.BytesIO(content))
    return made.getvalue()


def notebook(data: dict[str, object]) -> bytes:
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    return json.dumps({"cells": [{"cell_type": "code", "outputs": [output]}]}).encode()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def glyphs(text: str) -> str:
    used = "".join(f'<use xlink:href="#DejaVuSans-{ord(sign):x}"/>' for sign in text)
    return f"<svg><!-- {text} --><g>{used}</g></svg>"


def data_uri(text: str) -> str:
    return f"data:image/svg+xml;base64,{b64(glyphs(text).encode())}"


def entities(text: str) -> str:
    return "".join(f"&#{ord(s)};" if n % 2 else f"&#x{ord(s):x};" for n, s in enumerate(text))


#: Name of a way -> file name, and what makes its content of a text.
WAYS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "bytes": ("a.txt", lambda t: f"seen {t}.\n".encode()),
    "utf-16": ("a.txt", lambda t: f"seen {t}.".encode("utf-16")),
    "wide letters without a mark": ("a.txt", lambda t: f"seen {t}.".encode("utf-16-le")),
    "a line of CSV": ("a.csv", lambda t: f"1,{t},2015\n".encode()),
    "HTML": ("a.html", lambda t: f"<p>of <b>{t}</b>, 5</p>".encode()),
    "an attribute": ("a.html", lambda t: f'<img alt="x {t}" src="a.svg">'.encode()),
    "HTML entities": ("a.html", lambda t: f"<p>{entities(t)}</p>".encode()),
    "entities in an attribute": ("a.html", lambda t: f'<a title="{entities(t)}">x</a>'.encode()),
    "a comment": ("a.html", lambda t: f"<!-- {t} --><p>x</p>".encode()),
    "JSON escapes": (
        "a.json", lambda t: ('{"x": "' + "".join(f"\\u{ord(s):04x}" for s in t) + '"}').encode(),
    ),
    "a line end of JSON": ("a.json", lambda t: f'{{"x": "one\\n{t}\\n"}}'.encode()),
    "an address": (
        "a.html", lambda t: f'<a href="x/{"".join(f"%{b:02x}" for b in t.encode())}">x</a>'.encode()
    ),
    "a search index": ("searchindex.js", lambda t: f'Search.setIndex({{"terms":{{"{t}":[0,1]}}}})'
                       .encode()),
    "text of SVG": ("a.svg", lambda t: f'<svg><text x="1">{t}</text></svg>'.encode()),
    "glyphs of SVG": ("a.svg", lambda t: glyphs(t).encode()),
    "a style": ("a.css", lambda t: f'p::after {{content: "{t}"}}'.encode()),
    "a data URI": ("a.html", lambda t: f'<img src="{data_uri(t)}">'.encode()),
    "bare base64": ("a.json", lambda t: json.dumps({"x": b64(f"of {t} and".encode())}).encode()),
    "short base64": ("a.txt", lambda t: f"x {b64(t.encode())} y".encode()),
    "base64 of one more sign": ("a.txt", lambda t: f"x {b64(f'a {t}'.encode())} y".encode()),
    "base64 of two more signs": ("a.txt", lambda t: f"x {b64(f'ab {t}'.encode())} y".encode()),
    "notebook text": ("a.ipynb", lambda t: notebook({"text/plain": [f"x {t}\n", "y"]})),
    "notebook picture": (
        "a.ipynb",
        lambda t: notebook({"image/png": b64(png(b"tEXt", f"Title\0{t}".encode())) + "\n"}),
    ),
    "base64 in lines": (
        "a.ipynb",
        lambda t: notebook({"image/png": base64.encodebytes(
            png(b"tEXt", b"Title\0" + b"x" * 90 + f" {t}".encode())).decode()}),
    ),
    "PNG tEXt": ("a.png", lambda t: png(b"tEXt", f"Title\0{t}".encode())),
    "PNG zTXt": ("a.png", lambda t: png(b"zTXt", b"Title\0\0" + zlib.compress(t.encode()))),
    "PNG iTXt": ("a.png", lambda t: png(b"iTXt", f"Title\0\0\0en\0x\0{t}".encode())),
    "packed PNG iTXt": (
        "a.png", lambda t: png(b"iTXt", b"Title\0\1\0en\0x\0" + zlib.compress(t.encode())),
    ),
    "after a PNG": ("a.png", lambda t: png(b"tEXt", b"a\0b", after=t.encode())),
    "gzip": ("a.gz", lambda t: gzip.compress(t.encode())),
    "packed SVG": ("a.svgz", lambda t: gzip.compress(glyphs(t).encode())),
    "zip": ("a.zip", lambda t: zipped("m.txt", f"of {t}".encode())),
    "zip, stored": ("a.zip", lambda t: zipped("m.txt", f"of {t}".encode(), zipfile.ZIP_STORED)),
    "zip, a name": ("a.zip", lambda t: zipped(f"{t}.txt", b"x")),
    "zip in zip": ("a.zip", lambda t: zipped("m.zip", zipped("n.txt", f"of {t}".encode()))),
    "tar": ("a.tar", lambda t: tarred(f"of {t}".encode())),
    "packed tar": ("a.tgz", lambda t: gzip.compress(tarred(f"of {t}".encode()))),
    "npz": ("a.npz", npz),
}  # fmt: skip
