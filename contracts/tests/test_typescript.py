"""The TypeScript package is what the document says; what it could not say is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts import nodejs, typescript
from contracts.api import ProblemType
from contracts.typescript import DOCUMENT, GENERATED, PACKAGE, GenerationFailed

EXACT = re.compile(r"\d+\.\d+\.\d+")
LOCKS = [PACKAGE / "package-lock.json", PACKAGE / "test" / "oldest" / "package-lock.json"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it should be."""
    nodejs.install(PACKAGE)
    folder = tmp_path_factory.mktemp("package")
    typescript.generate(folder)
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that stands for the package; what would be generated is there already."""
    shutil.copytree(made, tmp_path / "shared", symlinks=True)

    def generate(folder: Path) -> None:
        shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)

    monkeypatch.setattr(typescript, "PACKAGE", tmp_path / "shared")
    monkeypatch.setattr(typescript, "generate", generate)
    return tmp_path / "shared"


def generated(folder: Path, schemas: dict[str, Any]) -> str:
    """The Zod schemas of a document with these components and both streams' unions."""
    union = {"oneOf": [], "discriminator": {"propertyName": "event", "mapping": {}}}
    components = {"schemas": {"ChatEvent": union, "AnalystEvent": union, **schemas}, "examples": {}}
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}, "components": components}
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "node_modules").symlink_to(PACKAGE / "node_modules")
    shutil.copy(PACKAGE / "generate.mjs", folder)
    typescript.run_node(folder, "generate.mjs", "openapi.json", "made")
    return (folder / "made" / "zod.ts").read_text()


def test_the_package_is_current(made: Path) -> None:
    """Generated and compiled again, nothing of it changes."""
    assert typescript.differences(made) == [], "run 'python3 harness.py contracts typescript'"
    assert all((PACKAGE / name).exists() for name in GENERATED)


def test_a_current_package_is_left_alone(copied: Path) -> None:
    """With and without `--check`."""
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*") if path.is_file()}
    said: list[str] = []
    assert typescript.run(check=True, say=said.append) == 0
    assert typescript.run(check=False, say=said.append) == 0
    assert said == [f"{copied} is current"] * 2
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_stale_package_is_told_and_written(copied: Path) -> None:
    """`--check` names every file that differs, is missing or is left over, and writes none; then all are right."""
    (copied / "lib" / "client.js").write_text("// changed by hand\n")
    (copied / "lib" / "left-over.js").touch()
    (copied / "src" / "generated" / "zod.ts").unlink()
    said: list[str] = []
    assert typescript.run(check=True, say=said.append) == typescript.DRIFT
    names = "lib/client.js, lib/left-over.js, src/generated/zod.ts"
    assert said == [f"stale: {names}; run 'python3 harness.py contracts typescript'"]
    assert (copied / "lib" / "client.js").read_text() == "// changed by hand\n"
    assert typescript.run(check=False, say=said.append) == 0
    assert said[1] == f"written: {names}"
    assert typescript.run(check=True, say=said.append) == 0


def test_the_version_is_the_apis() -> None:
    """In both package files, wherever it stands."""
    version = yaml.safe_load(DOCUMENT.read_text())["info"]["version"]
    lock = json.loads((PACKAGE / "package-lock.json").read_text())
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == version
    assert {lock["version"], lock["packages"][""]["version"]} == {version}
    assert typescript.versioned(lock, "7.0.0")["packages"][""]["version"] == "7.0.0"  # type: ignore[index]


def test_every_problem_has_its_name() -> None:
    """The client knows the kinds that the proxy knows."""
    text = (PACKAGE / "src" / "generated" / "model.ts").read_text()
    [listed] = re.findall(r"PROBLEM_KINDS = (\[.*?\])", text, re.DOTALL)
    assert json.loads(listed) == sorted(ProblemType)


def test_tools_are_pinned_and_nothing_is_needed_to_run() -> None:
    """Exact versions for building, none for use but Zod, which whoever uses the schemas has."""
    package = json.loads((PACKAGE / "package.json").read_text())
    assert all(EXACT.fullmatch(version) for version in package["devDependencies"].values())
    assert "dependencies" not in package
    assert package["peerDependencies"] == {"zod": "^4.0.0"}
    assert package["peerDependenciesMeta"] == {"zod": {"optional": True}}
    assert package["engines"] == {"node": f">={nodejs.OLDEST}"}


@pytest.mark.parametrize("lock", LOCKS, ids=["package", "oldest"])
def test_a_lock_names_no_registry(lock: Path) -> None:
    """What was installed is known by its digest, wherever it came from."""
    packages = json.loads(lock.read_text())["packages"]
    installed = {name: each for name, each in packages.items() if name}
    assert installed
    assert [name for name, each in installed.items() if "resolved" in each] == []
    assert [name for name, each in installed.items() if not each["integrity"].startswith("sha512-")] == []


OBJECTS: Mapping[str, tuple[dict[str, Any], str]] = {
    "Strict": ({"additionalProperties": False, "properties": {"a": {}}}, "strictObject({ a: z.unknown().optional() })"),
    "Loose": ({"additionalProperties": True, "properties": {"a": {}}}, "looseObject({ a: z.unknown().optional() })"),
    "Open": ({"properties": {"a": {}}}, "object({ a: z.unknown().optional() })"),
    "Empty": ({"additionalProperties": False}, "strictObject({})"),
    "Record": ({}, "record(z.string(), z.unknown())"),
    "Bounded": (
        {"additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 9},
        "record(z.string(), z.int()).check(minKeys(1)).check(maxKeys(9))",
    ),
}


def test_objects_hold_what_the_document_lets_them_hold(tmp_path: Path) -> None:
    """Zod's kinds of objects, by `additionalProperties`; numbers of keys, which Zod does not count."""
    made = generated(tmp_path, {name: {"type": "object", **schema} for name, (schema, _) in OBJECTS.items()})
    for name, (_, zod) in OBJECTS.items():
        [found] = re.findall(rf"z{name} = z\.(.*?);\n", made, re.DOTALL)
        assert re.sub(r"\s+", " ", found) == zod, name


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "array", "uniqueItems": True}, "A: the Zod schemas cannot express 'uniqueItems'"),
        (
            {"type": "object", "properties": {"b": {"type": "number", "multipleOf": 5}}},
            "A.b: the Zod schemas cannot express 'multipleOf'",
        ),
        ({"anyOf": [{"type": "null"}, {"not": {"type": "null"}}]}, "A: the Zod schemas cannot express 'not'"),
        (
            {"type": "object", "properties": {"b": {}}, "additionalProperties": {"type": "string"}},
            "A: the Zod schemas cannot express fields beside those with names",
        ),
    ],
    ids=["array", "property", "union", "record with fields"],
)
def test_a_word_that_zod_would_drop_is_refused(tmp_path: Path, schema: dict[str, Any], told: str) -> None:
    """A schema that accepts too much is worse than none."""
    with pytest.raises(GenerationFailed, match=re.escape(told)):
        generated(tmp_path, {"A": schema})


def test_a_compiler_that_refuses_is_told(tmp_path: Path) -> None:
    """With its own words."""
    (tmp_path / "tsconfig.json").write_text('{"compilerOptions": {"lib": ["ES5"], "types": []}, "files": ["wrong.ts"]}')
    (tmp_path / "wrong.ts").write_text("export const a: string = 1;\n")
    (tmp_path / "node_modules").symlink_to(PACKAGE / "node_modules")
    with pytest.raises(GenerationFailed, match=r"tsc failed with exit code 2:\nwrong.ts"):
        typescript.run_node(tmp_path, "node_modules/typescript/bin/tsc", "--project", ".")


def test_only_what_is_built_is_published() -> None:
    """Library, document, words and licence; neither sources nor tests."""
    command = [*nodejs.npm(), "pack", "--dry-run", "--json", "--ignore-scripts"]
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, check=True)  # noqa: S603 - npm
    [packed] = json.loads(done.stdout)
    names = {each["path"] for each in packed["files"]}
    assert {name for name in names if not name.startswith("lib/")} == {
        "LICENSE",
        "README.md",
        "openapi.json",
        "package.json",
    }
    assert {name for name in names if name.startswith("lib/")} == {
        path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "lib").rglob("*.*s")
    }
    assert (PACKAGE / "LICENSE").read_bytes() == (PACKAGE.parent.parent / "LICENSE").read_bytes()
