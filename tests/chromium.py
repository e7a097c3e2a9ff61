"""A headless Chromium driven through pipes: the DevTools protocol without a port and without another package."""

import base64
import io
import json
import os
import select
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import matplotlib.image
import numpy as np

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-device-scale-factor=1",
    "--remote-debugging-pipe",
)  # fmt: skip
LAUNCH = """import fcntl, os, sys
pipes = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for target, pipe in zip((3, 4), pipes): os.dup2(pipe, target); os.close(pipe)
os.execv(sys.argv[3], sys.argv[3:])"""
"""Chromium listens at file 3 and answers at file 4."""
PATIENCE = 60.0
_AXE = find_spec("axe_core_python")
AXE = None if _AXE is None else Path(_AXE.origin).with_name("axe.min.js")
"""axe-core, which finds what keeps people from reading a page; None where it is not installed."""
KEYS = {"Home": 36, "End": 35, "PageDown": 34, "PageUp": 33, "ArrowLeft": 37, "ArrowRight": 39}


class Chromium:
    """One browser with one page.

    Attributes:
        requests: Addresses asked for since the page was opened.
        complaints: Errors and refusals that its console got since then.
    """

    def __init__(self, folder):
        self.folder = folder
        to_browser, self.to = os.pipe()
        self.back, from_browser = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(to_browser), str(from_browser), PROGRAM, *ARGUMENTS,
             f"--user-data-dir={folder / 'profile'}", "about:blank"],
            pass_fds=(to_browser, from_browser), env={**os.environ, "HOME": str(folder)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.rest, self.session, self.events = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(PATIENCE)
        os.close(self.to)
        os.close(self.back)

    def call(self, method, **params):
        """Send a command and wait for its result; events on the way are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        while b"\0" not in self.rest:
            assert select.select([self.back], [], [], PATIENCE)[0], "Chromium does not answer"
            part = os.read(self.back, 1 << 20)
            assert part, "Chromium has ended"
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, page, hash_="", *, width=1200, height=1000, scripts=True):
        """Show a page, its text or its file, and wait until it is drawn."""
        file = page
        if isinstance(page, str):
            file = self.folder / f"page-{self.number}.html"
            file.write_text(page, encoding="utf-8")
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Page.navigate", url=f"{file.as_uri()}{hash_}")
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())
        if scripts:
            self.settle()
        return self

    def settle(self):
        """Wait until what was asked for is drawn."""
        frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30))))"
        self.run(frames)

    @property
    def requests(self):
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    @property
    def complaints(self):
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [event["params"] for event in self.events if event["method"] in kinds]

    def run(self, script):
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def text(self, selector):
        """Text of an element as a reader sees it."""
        return self.run(f"document.querySelector({json.dumps(selector)}).innerText")

    def key(self, key):
        code = {"windowsVirtualKeyCode": KEYS[key]} if key in KEYS else {"text": key}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.settle()

    def place(self, selector, across=0.5):
        """A point in an element, in the window, after the element was scrolled into sight."""
        box = self.run(
            f"(() => {{const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]})()"
        )
        return box[0] + box[2] * across, box[1] + box[3] / 2

    def drag(self, selector, across=0.5, by=0):
        """Press the mouse on an element, move it, let go; a click if it does not move."""
        x, y = self.place(selector, across)
        common = {"button": "left", "clickCount": 1, "y": y}
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, **common)
        for part in (0.5, 1) if by else ():
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + by * part, **common)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + by, **common)
        self.settle()

    def wheel(self, selector, by, *, ctrl=False):
        x, y = self.place(selector)
        self.call(
            "Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=by, modifiers=2 if ctrl else 0
        )
        time.sleep(0.2)  # it comes later than the answer
        self.settle()

    def see(self, *, dark=False, vision="none"):
        """Be a reader who likes it dark, or sees colours otherwise: "achromatopsia", "deuteranopia", …"""
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[theme])
        self.call("Emulation.setEmulatedVisionDeficiency", type=vision)
        self.settle()

    def findings(self):
        """What axe-core finds on the page: how bad, which rule, the first element."""
        self.run(f"{AXE.read_text(encoding='utf-8')};0")
        found = "[v.impact, v.id, v.nodes[0].target.join(' ')]"
        return self.run(f"axe.run().then((result) => result.violations.map((v) => {found}))")

    def png(self, **clip):
        """What the window shows, or a part of it: x, y, width and height in the window."""
        part = {"clip": {**clip, "scale": 1}} if clip else {}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", **part)["data"])

    def picture(self):
        """What the window shows, shape (height, width, 3), 0 to 255."""
        png = self.png()
        return np.rint(255 * matplotlib.image.imread(io.BytesIO(png))[..., :3]).astype(int)

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])
