"""Open pages of the book in a headless browser and say what happened.

``python -m tests.browser PAGE.html OUT.png`` makes a picture of a page.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-port=0",
)

#: Seconds for the browser to start, and for any one answer.
START, ANSWER = 30.0, 60.0
#: A page is quiet when nothing has happened for so many seconds.
QUIET = 0.25
#: Bytes of the longest message; a picture of a long page is one message.
LONGEST = 2**28
#: Pixels of the tallest picture that the browser can make.
TALLEST = 16_000

#: Resolves when formulas, fonts and pictures are there.
_READY = """(async () => {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  await document.fonts.ready;
  await Promise.all([...document.images].map(i => i.decode().catch(() => null)));
})()"""
_BROKEN = "[...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
_TOO_WIDE = """(() => {
  const room = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth - room;
})()"""
#: Elements past the right edge, but for those in a box that scrolls or cuts, or off the page.
_STICKING_OUT = """(() => {
  const room = document.documentElement.clientWidth;
  const held = e => {
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) {
      const s = getComputedStyle(p);
      if (s.overflowX !== 'visible' || s.position === 'fixed') return true;
    }
    return getComputedStyle(e).position === 'fixed';
  };
  return [...document.body.querySelectorAll('*')]
    .filter(e => e.getBoundingClientRect().right > room + 1 && !held(e))
    .map(e => e.tagName.toLowerCase() + [...e.classList].map(c => '.' + c).join(''));
})()"""
_HEIGHT = "document.documentElement.scrollHeight"


@dataclass(frozen=True)
class Visit:
    """What happened while a page was open.

    Attributes
    ----------
    address : str
        Of the page.
    requests : tuple of str
        Every address the page asked for, itself included; ``data:`` addresses are left out.
    complaints : tuple of str
        Errors and warnings of the console, and exceptions nobody caught.
    broken_pictures : tuple of str
        Addresses of pictures that show nothing.
    too_wide : int
        Pixels by which the document is wider than the window.
    sticking_out : tuple of str
        Elements beyond the right edge.
    answers : mapping
        Name of each question to its answer.
    """

    address: str
    requests: tuple[str, ...]
    complaints: tuple[str, ...]
    broken_pictures: tuple[str, ...]
    too_wide: int
    sticking_out: tuple[str, ...]
    answers: Mapping[str, Any] = field(default_factory=dict)


def find_browser() -> str | None:
    """Path of an installed Chromium or Chrome, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A headless browser, to be used in a ``with`` statement.

    Parameters
    ----------
    program : str, optional
        Path of Chromium or Chrome; by default the one that is installed.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """

    def __init__(self, program: str | None = None) -> None:
        found = program or find_browser()
        if found is None:
            raise FileNotFoundError(f"none of {', '.join(NAMES)} is installed")
        self._program = found

    def __enter__(self) -> Browser:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [self._program, *FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._loop = asyncio.new_event_loop()
        try:
            address = _debugging_address(Path(self._folder.name), self._process)
            self._wire = self._loop.run_until_complete(_Wire.connect(address))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.run_until_complete(self._wire.close())
        self._stop()

    def _stop(self) -> None:
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._loop.close()
        self._folder.cleanup()

    def visit(
        self,
        page: Path | str,
        *,
        width: int = 1300,
        height: int = 900,
        ask: Mapping[str, str] | None = None,
        printed: Path | None = None,
        picture: Path | None = None,
        whole: bool = True,
    ) -> Visit:
        """Open a page, wait until it is quiet, and close it.

        Parameters
        ----------
        page : Path or str
            File, or address.
        width, height : int
            Of the window, in pixels.
        ask : mapping, optional
            Questions to the page: name to a JavaScript expression, which may be a promise.
        printed : Path, optional
            Where the page is to be printed, as PDF.
        picture : Path, optional
            Where a picture of the page is to be put, as PNG.
        whole : bool
            Picture of the whole page, not of the window alone.

        Raises
        ------
        RuntimeError
            If the browser refuses a command, or an expression fails.
        """
        address = page.resolve().as_uri() if isinstance(page, Path) else page
        return self._loop.run_until_complete(
            self._visit(address, (width, height), ask or {}, printed, picture, whole)
        )

    async def _visit(
        self,
        address: str,
        window: tuple[int, int],
        ask: Mapping[str, str],
        printed: Path | None,
        picture: Path | None,
        whole: bool,
    ) -> Visit:
        tab = await _Tab.open(self._wire, *window)
        await tab.go(address)
        broken = await tab.value(_BROKEN)
        too_wide, sticking_out = await tab.value(_TOO_WIDE), await tab.value(_STICKING_OUT)
        answers = {name: await tab.value(expression) for name, expression in ask.items()}
        if picture is not None:
            await tab.picture(picture, window, whole)
        if printed is not None:
            await tab.print(printed)
        await self._wire.quiet()
        visit = Visit(
            address=address,
            requests=_requests(tab.events),
            complaints=_complaints(tab.events),
            broken_pictures=tuple(broken),
            too_wide=int(too_wide),
            sticking_out=tuple(sticking_out),
            answers=answers,
        )
        await tab.close()
        return visit


class _Wire:
    """Commands to the browser and its answers, over one connection for all tabs."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last = 0
        self._heard = time.monotonic()
        self.events: list[dict[str, Any]] = []
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def connect(cls, address: str) -> _Wire:
        return cls(await websocket_connect(address, max_message_size=LONGEST))

    async def _read(self) -> None:
        while (text := await self._connection.read_message()) is not None:
            message = json.loads(text)
            self._heard = time.monotonic()
            if "id" not in message:
                self.events.append(message)
            elif not (answer := self._waiting.pop(message["id"])).done():
                answer.set_result(message)

    async def send(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        answer = self._waiting[self._last] = asyncio.get_running_loop().create_future()
        await self._connection.write_message(json.dumps(message))
        result = await asyncio.wait_for(answer, ANSWER)
        if "error" in result:
            raise RuntimeError(f"{method}: {result['error']['message']}")
        return dict(result["result"])

    async def quiet(self) -> None:
        """Wait until the browser has said nothing for a while."""
        self._heard = time.monotonic()
        until = self._heard + ANSWER
        while time.monotonic() < min(self._heard + QUIET, until):
            await asyncio.sleep(QUIET / 5)

    async def close(self) -> None:
        await self.send("Browser.close")
        await self._reader


class _Tab:
    """One page."""

    def __init__(self, wire: _Wire, target: str, session: str) -> None:
        self._wire, self._target, self._session = wire, target, session

    @classmethod
    async def open(cls, wire: _Wire, width: int, height: int) -> _Tab:
        target = (await wire.send("Target.createTarget", url="about:blank"))["targetId"]
        attached = await wire.send("Target.attachToTarget", targetId=target, flatten=True)
        tab = cls(wire, target, attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            await tab.send(f"{domain}.enable")
        await tab.size(width, height)
        return tab

    @property
    def events(self) -> list[dict[str, Any]]:
        return [e for e in self._wire.events if e.get("sessionId") == self._session]

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._wire.send(method, self._session, **parameters)

    async def size(self, width: int, height: int) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def go(self, address: str) -> None:
        answer = await self.send("Page.navigate", url=address)
        if answer.get("errorText"):
            raise RuntimeError(f"{address}: {answer['errorText']}")
        until = time.monotonic() + ANSWER
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            if time.monotonic() > until:
                raise RuntimeError(f"{address}: not loaded in {ANSWER:.0f} seconds")
            await asyncio.sleep(QUIET / 10)
        await self.value(_READY)
        await self._wire.quiet()

    async def value(self, expression: str) -> Any:
        answer = await self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(_exception(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def picture(self, path: Path, window: tuple[int, int], whole: bool) -> None:
        if whole:
            await self.size(window[0], min(int(await self.value(_HEIGHT)), TALLEST))
        answer = await self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))
        await self.size(*window)

    async def print(self, path: Path) -> None:
        answer = await self.send("Page.printToPDF", printBackground=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    async def close(self) -> None:
        await self._wire.send("Target.closeTarget", targetId=self._target)


def _debugging_address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the browser listens; it writes that into its folder."""
    file = folder / "DevToolsActivePort"
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        lines = file.read_text(encoding="utf-8").split() if file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"the browser did not start in {START:.0f} seconds")


def _requests(events: list[dict[str, Any]]) -> tuple[str, ...]:
    sent = [
        e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"
    ]
    opened = [e["params"]["url"] for e in events if e["method"] == "Network.webSocketCreated"]
    return tuple(address for address in sent + opened if not address.startswith("data:"))


def _complaints(events: list[dict[str, Any]]) -> tuple[str, ...]:
    said: list[str] = []
    for event in events:
        method, what = event["method"], event["params"]
        if method == "Runtime.exceptionThrown":
            said.append(_exception(what["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
            said.append(" ".join(str(a.get("value", a.get("description"))) for a in what["args"]))
        elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            said.append(f"{what['entry']['text']} {what['entry'].get('url', '')}".strip())
    return tuple(said)


def _exception(details: dict[str, Any]) -> str:
    return str(details.get("exception", {}).get("description", details["text"]))


def main(arguments: list[str]) -> int:
    """Make a picture of a page, as a reader at a desk would see it."""
    if len(arguments) != 2:
        print("usage: python -m tests.browser PAGE.html OUT.png", file=sys.stderr)
        return 2
    page, out = map(Path, arguments)
    out.parent.mkdir(parents=True, exist_ok=True)
    with Browser() as browser:
        browser.visit(page, width=1280, height=900, picture=out, whole=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
