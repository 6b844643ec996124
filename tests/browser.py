"""Open pages of the book in a headless browser and say what happened.

``python -m tests.browser PAGE.html[#PART] OUT.png`` makes a picture of a page.
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
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
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
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing gets out, even from a bad page
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
#: Opens every fold, so that what is in it can be measured.
_UNFOLD = """(() => {
  document.querySelectorAll('details').forEach(d => { d.open = true; });
  document.querySelectorAll('.toggle-hidden').forEach(d => d.classList.remove('toggle-hidden'));
})()"""
#: What a reader at this width cannot see, or can see only by moving the whole page: elements past
#: the right edge that are in no box that scrolls, and boxes that cut their content off.
_TOO_WIDE = """(() => {
  const slack = 4, page = document.documentElement, room = page.clientWidth;
  const name = e => e.tagName.toLowerCase() + [...e.classList].map(c => '.' + c).join('');
  const style = (e, key) => getComputedStyle(e)[key];
  const held = e => {
    for (let p = e; p && p !== document.body; p = p.parentElement) {
      if (style(p, 'position') === 'fixed') return true;
      if (p !== e && style(p, 'overflowX') !== 'visible') return true;
    }
    return false;
  };
  const all = [...document.body.querySelectorAll('*')].filter(e => e.checkVisibility());
  const past = all.filter(e => e.getBoundingClientRect().right > room + slack && !held(e));
  const cut = all.filter(e => ['hidden', 'clip'].includes(style(e, 'overflowX'))
    && e.clientWidth > 1 && e.scrollWidth > e.clientWidth + slack
    && !e.closest('mjx-assistive-mml'));
  const wide = page.scrollWidth - room;
  return [
    ...past.map(e => name(e) + ' sticks out'),
    ...cut.map(e => name(e) + ' is cut off'),
    ...(wide > 0 && !past.length ? ['the page is ' + wide + ' px too wide'] : []),
  ];
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
    too_wide : mapping
        Width of the window to what does not fit into it, with every fold open.
    answers : mapping
        Name of each question to its answer.
    """

    address: str
    requests: tuple[str, ...]
    complaints: tuple[str, ...]
    broken_pictures: tuple[str, ...]
    too_wide: Mapping[int, tuple[str, ...]]
    answers: Mapping[str, Any]


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
        widths: tuple[int, ...] = (1300,),
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
        widths : tuple of int
            Of the window, in pixels: the page is opened at the first, and measured at all.
        height : int
            Of the window, in pixels.
        ask : mapping, optional
            Questions to the page: name to a JavaScript expression, which may be a promise. Asked
            when every fold is open.
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
            self._visit(address, widths, height, ask or {}, printed, picture, whole)
        )

    async def _visit(
        self,
        address: str,
        widths: tuple[int, ...],
        height: int,
        ask: Mapping[str, str],
        printed: Path | None,
        picture: Path | None,
        whole: bool,
    ) -> Visit:
        tab = await _Tab.open(self._wire, widths[0], height)
        await tab.go(address)
        if picture is not None:
            await tab.picture(picture, (widths[0], height), whole)
        if printed is not None:
            await tab.print(printed)
        await tab.value(_UNFOLD)
        broken = await tab.value(_BROKEN)
        answers = {name: await tab.value(expression) for name, expression in ask.items()}
        too_wide = {}
        for width in widths:
            await tab.size(width, height)
            too_wide[width] = tuple(await tab.value(_TOO_WIDE))
        await self._wire.quiet()
        events = await tab.close()
        return Visit(
            address, _requests(events), _complaints(events), tuple(broken), too_wide, answers
        )


class _Wire:
    """Commands to the browser and its answers, over one connection for all tabs."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last = 0
        self._heard = time.monotonic()
        self.events: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def connect(cls, address: str) -> _Wire:
        return cls(await websocket_connect(address, max_message_size=LONGEST))

    async def _read(self) -> None:
        while (text := await self._connection.read_message()) is not None:
            message = json.loads(text)
            self._heard = time.monotonic()
            if "id" not in message:
                self.events[message.get("sessionId", "")].append(message)
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
        self._connection.close()


class _Tab:
    """One page, of a reader who was never here before: it shares no storage with another."""

    def __init__(self, wire: _Wire, context: str, session: str) -> None:
        self._wire, self._context, self._session = wire, context, session

    @classmethod
    async def open(cls, wire: _Wire, width: int, height: int) -> _Tab:
        context = (await wire.send("Target.createBrowserContext"))["browserContextId"]
        made = await wire.send("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await wire.send("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        tab = cls(wire, context, attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            await tab.send(f"{domain}.enable")
        await tab.size(width, height)
        return tab

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
        while not any(
            e["method"] == "Page.loadEventFired" for e in self._wire.events[self._session]
        ):
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

    async def close(self) -> list[dict[str, Any]]:
        """Close the page and return all that it reported."""
        events = self._wire.events.pop(self._session, [])
        await self._wire.send("Target.disposeBrowserContext", browserContextId=self._context)
        return events


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
        elif method == "Runtime.consoleAPICalled" and what["type"] in (
            "error",
            "warning",
            "assert",
        ):
            said.append(" ".join(str(a.get("value", a.get("description"))) for a in what["args"]))
        elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            said.append(f"{what['entry']['text']} {what['entry'].get('url', '')}".strip())
    return tuple(said)


def _exception(details: dict[str, Any]) -> str:
    return str(details.get("exception", {}).get("description", details["text"]))


def main(arguments: list[str]) -> int:
    """Make a picture of a page, as a reader at a desk would see it."""
    if len(arguments) != 2:
        print("usage: python -m tests.browser PAGE.html[#PART] OUT.png", file=sys.stderr)
        return 2
    page, hash_sign, part = arguments[0].partition("#")
    address = Path(page).resolve().as_uri() + hash_sign + part
    out = Path(arguments[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    with Browser() as browser:
        browser.visit(address, widths=(1280,), picture=out, whole=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
