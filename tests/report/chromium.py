"""A headless Chromium that tells what it saw: console, requests, sizes, pictures."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
START_SECONDS = 30
PICTURE_SCALE = 0.75


class Page:
    """What one page was like."""

    def __init__(self, connection: Any, width: int) -> None:
        self.connection, self.width = connection, width
        self.numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and answer its result; events meanwhile are kept."""
        number = next(self.numbers)
        await self.connection.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self.connection.receive_json(timeout=START_SECONDS)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    async def open(self, url: str) -> None:
        """Open a page at this width and wait until it is loaded."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=self.width,
            height=900,
            deviceScaleFactor=1,
            mobile=self.width < 600,
        )
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)
        while not any(item["method"] == "Page.loadEventFired" for item in self.events):
            self.events.append(await self.connection.receive_json(timeout=START_SECONDS))

    async def value(self, expression: str) -> Any:
        """Evaluate in the page; what a page's policy forbids its own scripts is allowed here."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    @property
    def complaints(self) -> list[Any]:
        """Everything that would stand in the console."""
        wanted = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [item["params"] for item in self.events if item["method"] in wanted]

    @property
    def requests(self) -> list[str]:
        """Every address that the page asked for."""
        return [
            item["params"]["request"]["url"] for item in self.events if item["method"] == "Network.requestWillBeSent"
        ]


class Browser:
    """One Chromium for all tests."""

    def __init__(self, profile: Path) -> None:
        program = shutil.which("chromium")
        assert program, "no chromium: tools/chromium installs it"
        self.profile = profile
        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.loop = asyncio.new_event_loop()
        self.port = self._port()

    def _port(self) -> str:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            place = self.profile / "DevToolsActivePort"
            if place.exists() and place.read_text(encoding="ascii").count("\n"):
                return place.read_text(encoding="ascii").split("\n")[0]
            time.sleep(0.05)
        raise AssertionError("chromium did not start")

    def look(self, path: Path, width: int, expressions: dict[str, str], picture: bool = False) -> dict[str, Any]:
        """Open a page and answer what it complained about, asked for, and what the expressions gave."""
        return self.loop.run_until_complete(self._look(path, width, expressions, picture))

    async def _look(self, path: Path, width: int, expressions: dict[str, str], picture: bool) -> dict[str, Any]:
        home = f"http://127.0.0.1:{self.port}"
        async with aiohttp.ClientSession() as session:
            async with session.put(f"{home}/json/new?about:blank") as answer:
                target = await answer.json()
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as connection:
                page = Page(connection, width)
                await page.open(path.as_uri())
                found: dict[str, Any] = {name: await page.value(text) for name, text in expressions.items()}
                if picture:
                    height = await page.value("Math.ceil(document.documentElement.getBoundingClientRect().height)")
                    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": PICTURE_SCALE}
                    shot = await page.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
                    found["picture"] = base64.b64decode(shot["data"])
                    printed = await page.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
                    found["pdf"] = base64.b64decode(printed["data"])
                found.update(complaints=page.complaints, requests=page.requests)
            async with session.get(f"{home}/json/close/{target['id']}"):
                return found

    def close(self) -> None:
        """End it, and only it."""
        self.process.terminate()
        self.process.wait(10)
        self.loop.close()
