"""Deliberate breaks, made as a hurried developer makes them: which layer of the contracts says what of each.

`python -m contracts.breaks` makes each break in a copy of the repository, asks every layer, and writes
`docs/contract-breaks.md`, and for the meeting on all of them `docs/review-example/review.md` and a picture of its page.
It takes some minutes on two cores, so it is no part of the tests; they hold that each break can still be made, and what
`compat` says of it. Which layer is blind for which break is written down here with the reason; a layer that sees less,
or more, than that fails the command.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from contracts import review
from contracts.compat import load
from contracts.mutants import ROOT, Mistake, cell, copied
from contracts.pactfile import PactFile
from contracts.review import markdown
from contracts.review import page as web
from contracts.review.sources import Sources, State

PAGE = ROOT / "docs" / "contract-breaks.md"
PACK = ROOT / "docs" / "review-example" / "review.md"
PICTURE = ROOT / "docs" / "review-example.png"
RELEASED = "contracts/released/0.1.0.yaml"
AT_ONCE = 3
RUN_TIMEOUT_S = 400.0
SHOWN_CHARS = 260
"""So much of a layer's words, from both ends: compilers name what is wrong last."""

WIDTH, HEIGHT = 1100, 1500
"""Of the picture, in pixels: the beginning of the page."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One of those who look.

    command: what of Python is run, in the copy.   regenerated: with the document made anew before, as a developer does
    whom the first layer has told to.   files_only: says which file is stale, not what of it.
    """

    title: str
    command: tuple[str, ...]
    regenerated: bool = False
    files_only: bool = False

    @property
    def is_suite(self) -> bool:
        """Whether it is a run of tests."""
        return self.command[0] == "pytest"


def _contracts(*words: str) -> tuple[str, ...]:
    return ("harness.py", "contracts", *words)


LAYERS: Mapping[str, Layer] = {
    "document": Layer("The document's drift", _contracts("openapi", "--check"), files_only=True),
    "golden": Layer("The models, on golden values", ("pytest", "contracts/tests/test_golden.py")),
    "proxy": Layer("The page's pact: the proxy is verified", ("pytest", "contracts/provider/test_proxy.py")),
    "upstream": Layer(
        "The second pact: the proxy's own client, and the mock",
        ("pytest", "contracts/consumer/test_upstream.py", "contracts/provider/test_mock.py"),
    ),
    "compat": Layer("What breaks since the last release", _contracts("compat", RELEASED), regenerated=True),
    "stale": Layer(
        "The TypeScript package's drift", _contracts("typescript", "--check"), regenerated=True, files_only=True
    ),
    "compiler": Layer("The TypeScript package, made anew", _contracts("typescript"), regenerated=True),
    "package": Layer(
        "The TypeScript package's own suites",
        ("pytest", "contracts/tests/test_shared.py", "-k", "here or compile"),
        regenerated=True,
    ),
    "page": Layer(
        "The page's pact: both clients are told it",
        ("pytest", "contracts/consumer/test_frontend.py", "contracts/consumer/test_frontend_events.py"),
        regenerated=True,
    ),
}
"""In the order in which they are asked."""


@dataclass(frozen=True, slots=True)
class Break:
    """A change that breaks clients.

    named: what a verdict must hold to name it, any of these.   blind: layers that cannot notice it, with the reason.
    """

    name: str
    about: str
    edits: tuple[Mistake, ...]
    named: tuple[str, ...]
    blind: Mapping[str, str] = field(default_factory=dict)

    def make(self, root: Path) -> None:
        """The repository at `root` is broken.   Raises: CannotPlant."""
        for edit in self.edits:
            changed = edit.planted(root)
            (root / edit.file).write_text(changed, "utf-8")


def _edit(file: str, old: str, new: str, *, everywhere: bool = False) -> Mistake:
    return Mistake(name="edit", about="one place", file=file, old=old, new=new, everywhere=everywhere)


_PROXYS_OWN = "the frame is the proxy's own: Snowflake neither sends nor sees it"
_CONSUMER = "a pact's consumer says what it needs, and needs it still; the provider is who breaks the promise"

BREAKS = (
    Break(
        "rename a field",
        "`turnId` of `proxy.start` is called `answerId`, in `contracts/api.py`",
        (
            _edit(
                "contracts/api.py",
                "    turn_id: str\n    trace_id: str\n    thread_id: int",
                '    turn_id: str = Field(alias="answerId")\n    trace_id: str\n    thread_id: int',
            ),
            _edit(
                "contracts/api.py",
                '"sessionId": SESSION_ID, "turnId": TURN_ID,',
                '"sessionId": SESSION_ID, "answerId": TURN_ID,',
                everywhere=True,
            ),
        ),
        ("turnId", "answerId", "ProxyStart", "proxy.start"),
        {
            "upstream": _PROXYS_OWN,
            "compiler": "the client itself does not read the field",
            "page": _CONSUMER,
        },
    ),
    Break(
        "drop an event",
        "`proxy.end` is neither sent, by `proxy/relay.py`, nor described, in `contracts/events.py`",
        (
            _edit(
                "contracts/events.py",
                "class ProxyEndEvent(Envelope):\n"
                '    """The last frame of every stream; without it the stream was cut."""\n\n'
                '    event: Literal["proxy.end"]\n    data: ProxyEnd\n\n\n',
                "",
            ),
            _edit("contracts/events.py", "            | ProxyEndEvent\n", "", everywhere=True),
            _edit(
                "contracts/events.py",
                '        "The last": ProxyEndEvent.examples()["Completed"],\n',
                "",
                everywhere=True,
            ),
            _edit("contracts/events.py", "import Problem, ProxyEnd, ProxyStart", "import Problem, ProxyStart"),
            _edit(
                "proxy/relay.py",
                "        end = self._finish(reason, problem)\n        try:\n"
                "            yield frame(StreamEvent.END, end.model_dump_json(exclude_none=True))\n        finally:\n"
                "            self._tell_once()\n",
                "        self._finish(reason, problem)\n        self._tell_once()\n",
            ),
        ),
        ("proxy.end", "ProxyEnd"),
        {
            "upstream": _PROXYS_OWN,
            "package": "made anew it does not compile, so that the one of before is what is tested",
            "page": _CONSUMER,
        },
    ),
    Break(
        "tighten an enum",
        "an item of a client-side tool's answer may no longer be `json`, only `text`: `ToolResultContent.type` in "
        "`contracts/api.py`",
        (_edit("contracts/api.py", 'type: Literal["json", "text"]', 'type: Literal["text"]'),),
        ("ToolResultContent", "ClientToolResult", "tool", "json"),
        {
            "compiler": "the client sends what it is given, of any type that the document names",
            "page": _CONSUMER,
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a layer made of a break. by: the test, or else the command.   count: of tests that failed, or None."""

    layer: str
    noticed: bool
    by: str
    said: str
    count: int | None = None

    def fault(self, made: Break) -> str:
        """What is wrong with the verdict; empty when it is the expected one."""
        is_blind = self.layer in made.blind
        if self.noticed and is_blind:
            return f"{made.name}: {self.layer} notices it, though {made.blind[self.layer]}: {self.by}: {self.said}"
        if not self.noticed and not is_blind:
            return f"{made.name}: {self.layer} does not notice it"
        must_name = self.noticed and not LAYERS[self.layer].files_only
        if must_name and not any(name in f"{self.by} {self.said}" for name in made.named):
            return f"{made.name}: {self.layer} does not name it: {self.by}: {self.said}"
        return ""


# --- asked ---------------------------------------------------------------------------------------------------------


def judged(made: Break, copy: Path, layers: Sequence[str] = tuple(LAYERS)) -> Iterator[Verdict]:
    """What the layers say of a break that is made in the copy, in their order."""
    is_regenerated = False
    for name in layers:
        if LAYERS[name].regenerated and not is_regenerated:
            regenerate(copy)
            is_regenerated = True
        yield _verdict(name, copy, made.named)


def regenerate(copy: Path) -> None:
    """The copy's document is made anew.   Raises: RuntimeError with what was said when it cannot be."""
    done = _python(copy, _contracts("openapi"))
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)


def _verdict(name: str, copy: Path, named: Sequence[str]) -> Verdict:
    layer = LAYERS[name]
    if layer.is_suite:
        return _of_suite(name, copy, named)
    done = _python(copy, layer.command)
    lines = [line.strip() for line in (done.stdout + done.stderr).replace(f"{copy}/", "").splitlines() if line.strip()]
    telling = [line for line in lines if any(each in line for each in named)]
    said = (telling or lines[-1:] or [""])[0].removeprefix("- ")
    return Verdict(name, done.returncode != 0, " ".join(layer.command), _steady(said))


def _of_suite(name: str, copy: Path, named: Sequence[str]) -> Verdict:
    """The first failed test that names the break, or else the first."""
    command = LAYERS[name].command
    with tempfile.TemporaryDirectory(prefix="breaks-") as folder:
        written = Path(folder) / "junit.xml"
        done = _python(copy, ("-P", "-m", *command, "-q", "-p", "no:cacheprovider", f"--junitxml={written}"))
        cases = ET.parse(written).getroot().iter("testcase") if written.exists() else ()  # noqa: S314 - pytest's own
        failed = [each for case in cases if (each := _failure(case, named))]
    if not failed:
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} did not run:\n{done.stdout}{done.stderr}")
        return Verdict(name, noticed=False, by=" ".join(command), said="passes", count=0)
    test, said = max(failed, key=lambda each: [any(word in part for word in named) for part in each])
    return Verdict(name, noticed=True, by=test, said=_steady(said.replace(f"{copy}/", "")), count=len(failed))


def _failure(case: ET.Element, named: Sequence[str]) -> tuple[str, str] | None:
    """Name of a test that failed, its first words and, if these do not name the break, the first that do."""
    told = case.find("failure")
    told = case.find("error") if told is None else told
    if told is None:
        return None
    where, name = case.get("classname", ""), case.get("name", "")
    found = re.findall(r"^E +(?:AssertionError: )?(.+)$", told.text or "", re.MULTILINE)
    words = [line for line in found if not line.startswith(_PASSED)] or [told.get("message", "")]
    naming = [line for line in words if any(each in line for each in named)]
    said = ": ".join(dict.fromkeys((words[0], *naming[:1])))
    module = (where or name).removeprefix("contracts.").replace(".", "/")
    return f"{module}.py::{name}" if where else f"{module}.py", said


_PASSED = ("✔", "▶", "ℹ")
"""Node's runner: tests that pass, groups, counts."""

_PASSING = (
    (r"\b[0-9a-f]{12,}\b", "…"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1"),
    (r"/tmp/[^\s'\"]*/", ""),  # noqa: S108 - left out
    (r" \([\d.]+ms\)", ""),
)
"""What differs between two runs."""


def _steady(said: str) -> str:
    for pattern, instead in _PASSING:
        said = re.sub(pattern, instead, said)
    said = said.removeprefix("pydantic_core._pydantic_core.")
    if len(said) <= SHOWN_CHARS:
        return said
    return f"{said[: SHOWN_CHARS // 2]} … {said[-SHOWN_CHARS // 2 :]}"


def _python(copy: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CORTEX_HARNESS_BOOTSTRAPPED": "1",
        "COLUMNS": "1000",
    }
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )


# --- told ----------------------------------------------------------------------------------------------------------


def page(found: Mapping[str, Sequence[Verdict]]) -> str:
    """What each layer said of each break, as Markdown."""
    lines = [
        "# Contract breaks",
        "",
        "Written by `python -m contracts.breaks`. Each break is made in a copy of the repository, and every layer is",
        "asked, also those that cannot notice it. Nothing is made anew until the last release is compared with; from",
        "there on the document is, as a developer does whom the first layer has told to. The exports are not asked:",
        "they are recorded at the proxy's front door, which its pact covers.",
        "",
        "What the meeting of frontend and backend gets of all three is [the review pack](review-example/review.md);",
        "it is a page, too, which begins so:",
        "",
        "![The review pack's page](review-example.png)",
        "",
    ]
    for made in BREAKS:
        lines += [f"## {made.name.capitalize()}", "", f"{made.about[0].upper()}{made.about[1:]}.", ""]
        lines += ["| Layer | Found by | It says |", "|---|---|---|"]
        lines += [_row(each, made) for each in found[made.name]]
        lines.append("")
    return "\n".join(lines)


def _row(verdict: Verdict, made: Break) -> str:
    title = LAYERS[verdict.layer].title
    if not verdict.noticed:
        why = made.blind.get(verdict.layer, "**no reason known**")
        return f"| {title} | nothing; `{verdict.by}` passes | Cannot notice: {why} |"
    others = f", and {verdict.count - 1} more" if verdict.count and verdict.count > 1 else ""
    return f"| {title} | `{verdict.by.replace('|', '/')}`{others} | {cell(verdict.said)} |"


def pack(copy: Path) -> review.Pack:
    """The review of a copy in which breaks are made, and whose document is made anew."""
    released = State("the last release", load(ROOT / RELEASED), _pacts(ROOT))
    broken = State("three deliberate breaks", load(copy / "contracts" / "openapi.yaml"), _pacts(copy))
    return review.make(Sources(released, broken, changelog=(ROOT / "CHANGELOG.md").read_text("utf-8")))


def _pacts(root: Path) -> tuple[PactFile, ...]:
    return tuple(PactFile.load(each) for each in sorted((root / "contracts" / "pacts").glob("*.json")))


def photograph(html: str, picture: Path) -> None:
    """The beginning of the page is in the picture, as Chromium shows it in daylight."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only here is a browser needed

    with sync_playwright() as playwright:
        system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CORTEX_HARNESS_CHROMIUM") or system,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        shown.set_content(html)
        shown.screenshot(path=picture)
        browser.close()


def write_review(folder: Path) -> None:
    """Review pack and picture of all breaks together are written.   folder: for a copy."""
    copy = copied(folder / "all")
    for made in BREAKS:
        made.make(copy)
    regenerate(copy)
    reviewed = pack(copy)
    PACK.parent.mkdir(parents=True, exist_ok=True)
    PACK.write_text(markdown.render(reviewed), "utf-8")
    photograph(web.render(reviewed), PICTURE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Break, ask and tell.   Returns: 1 when a layer's verdict is not the expected one."""
    parser = argparse.ArgumentParser(prog="python -m contracts.breaks", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=[each.name for each in BREAKS], help="this break; nothing is written then")
    parser.add_argument("--review", action="store_true", help="write the review pack alone")
    asked = parser.parse_args(arguments)
    wanted = [each for each in BREAKS if not asked.review and asked.only in (None, each.name)]
    with tempfile.TemporaryDirectory(prefix="breaks-") as folder:
        if not asked.only:
            write_review(Path(folder))

        def asked_of(made: Break) -> list[Verdict]:
            copy = copied(Path(folder) / made.name.replace(" ", "-"))
            made.make(copy)
            return [_told(made, each) for each in judged(made, copy)]

        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = dict(zip((each.name for each in wanted), pool.map(asked_of, wanted), strict=True))
    faults = [fault for made in wanted for each in found[made.name] if (fault := each.fault(made))]
    if wanted == list(BREAKS):
        PAGE.write_text(page(found), "utf-8")
    sys.stdout.writelines(f"UNEXPECTED {fault}\n" for fault in faults)
    return 1 if faults else 0


def _told(made: Break, verdict: Verdict) -> Verdict:
    seen = "noticed" if verdict.noticed else "not noticed"
    sys.stdout.write(f"{made.name}, {verdict.layer}: {seen} by {verdict.by}\n    {verdict.said}\n")
    sys.stdout.flush()
    return verdict


if __name__ == "__main__":
    sys.exit(main())
