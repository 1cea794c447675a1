"""Whether commands for a cluster or a container engine name what proxy/deploy has.

Where neither is at hand, no such command can be tried; but a deployment, a secret, a service, a port or a path that
does not exist can be told from the manifests.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent

KUBECTL = (
    *("rollout history", "rollout undo", "rollout status", "rollout restart", "create secret generic", "apply -f"),
    *("kustomize", "logs", "get pods", "describe pod", "delete pod", "exec", "port-forward", "scale", "cordon"),
)
COMPOSE = ("up", "ps", "restart", "exec", "logs")
"""What pages do. Another word is a slip of the pen, or has to be added here by somebody who knows it."""

_JOINTS = "|&;"


@dataclass(frozen=True)
class Manifests:
    """What the manifests name."""

    deployment: str
    labels: frozenset[str]
    ports: frozenset[str]
    secrets: frozenset[str]
    keys: str
    """Where it is told which files the secrets hold."""


@cache
def read(root: Path = ROOT) -> Manifests:
    """What the repository's manifests name."""
    folder = root / "proxy" / "deploy" / "kubernetes"
    deployment: dict[str, Any] = yaml.safe_load((folder / "deployment.yaml").read_text(encoding="utf-8"))
    pod = deployment["spec"]["template"]
    container = pod["spec"]["containers"][0]
    return Manifests(
        deployment["metadata"]["name"],
        frozenset(f"{name}={value}" for name, value in pod["metadata"]["labels"].items()),
        frozenset(str(port["containerPort"]) for port in container["ports"]),
        frozenset(volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume),
        (folder / "kustomization.yaml").read_text(encoding="utf-8"),
    )


def faults(line: str, root: Path = ROOT) -> Iterator[str]:
    """What is wrong with the commands of a line; those of other programs are left out."""
    try:
        commands = list(_commands(line))
    except ValueError as error:
        yield f"no shell can read it: {error}"
        return
    for command in commands:
        match command:
            case ["kubectl", *words]:
                yield from _kubectl(words, read(root), root)
            case [("podman" | "docker"), "compose", *words]:
                yield from _compose(words, root)


def _commands(line: str) -> Iterator[list[str]]:
    """The words of each command of a line.   Raises: ValueError for a quotation that does not end."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=_JOINTS)
    reader.whitespace_split = True
    words: list[str] = []
    for word in reader:
        if set(word) <= set(_JOINTS):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def _kubectl(words: Sequence[str], known: Manifests, root: Path) -> Iterator[str]:
    if not any(words[: len(verb.split())] == verb.split() for verb in KUBECTL):
        yield f"kubectl {' '.join(words[:2])} is not among {', '.join(KUBECTL)}"
    ours = words[: words.index("--")] if "--" in words else words
    for word, following in zip(ours, (*ours[1:], ""), strict=True):
        kind, _, name = word.partition("/")
        if kind == "deployment" and name != known.deployment:
            yield f"there is no {word}, only deployment/{known.deployment}"
        if word in ("-l", "--selector") and following not in known.labels:
            yield f"no pod has the label {following}; they have {', '.join(known.labels)}"
        if word.startswith("proxy/deploy/") and not (root / word / "kustomization.yaml").exists():
            yield f"{word} holds no kustomization.yaml"
        if re.fullmatch(r"\d+:\d+", word) and word.partition(":")[2] not in known.ports:
            yield f"no container listens on {word.partition(':')[2]}, only on {', '.join(sorted(known.ports))}"
    if list(words[:3]) == ["create", "secret", "generic"]:
        yield from _secret(words[3:], known)


def _secret(words: Sequence[str], known: Manifests) -> Iterator[str]:
    if words[0] not in known.secrets:
        yield f"no secret {words[0]} is mounted, only {', '.join(known.secrets)}"
    for word in words:
        name = word.removeprefix("--from-file=")
        if name != word and not re.search(rf"\b{re.escape(name)}\b", known.keys):
            yield f"the secret has no {name}; kustomization.yaml lists its files"


def _compose(words: Sequence[str], root: Path) -> Iterator[str]:
    if len(words) < 3 or words[0] != "-f":
        yield f"compose {' '.join(words)} does not say which file (-f) and what to do"
        return
    file = root / words[1].removeprefix("$OLD/")
    if not file.is_file():
        yield f"there is no {words[1]}"
        return
    services = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    command, *rest = words[2:]
    if command not in COMPOSE:
        yield f"compose {command} is not among {', '.join(COMPOSE)}"
    named = [word for word in rest if not word.startswith("-")][: 1 if command == "exec" else None]
    yield from (f"there is no service {name}, only {', '.join(services)}" for name in named if name not in services)
