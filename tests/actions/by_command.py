"""The command line against one lab host, as a person uses it for rebuild and roll back."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests import console_process
from tests.lab import Host, Lab

DOCUMENT = dict[str, object]


class Bench:
    """A host, the configuration of one of its services, and the command line."""

    def __init__(self, lab: Lab, host: Host, home: Path, target: str, config: str) -> None:
        self.lab, self.host, self.home, self.target = lab, host, home, f"{host.name}/{target}"
        (home / "config.toml").write_text(config)

    def run(self, verb: str, *words: str, user: str = "root", silent: bool = False) -> tuple[int, DOCUMENT, str]:
        """One command, its document (none where it is ``silent``), and what it said beside that."""
        options = ("-F", str(self.lab.ssh_config(user)), "--config", str(self.home / "config.toml"), "--json")
        env = {**os.environ, "HOME": str(self.home)}
        done = console_process.run([verb, self.target, *words, *options], env, timeout=180)
        assert done.stdout or silent, done.stderr
        document: DOCUMENT = json.loads(done.stdout or "{}")
        return done.returncode, document, done.stderr

    def does(self, *words: str, user: str = "root") -> DOCUMENT:
        """It goes well."""
        code, document, errors = self.run(*words, "--yes", user=user)
        assert (code, document["result"]) == (0, "done"), (_brief(document), errors)
        return document

    def undoes(self, *words: str, user: str = "root") -> DOCUMENT:
        """It is done, fails, and is taken back."""
        code, document, errors = self.run(*words, "--yes", user=user)
        assert (code, document["result"]) == (1, "undone"), (_brief(document), errors)
        return document

    def refuses(self, *words: str, user: str = "root") -> str:
        """It is not begun; returns why."""
        code, document, errors = self.run(*words, "--yes", user=user)
        assert (code, document["result"]) == (1, "refused"), (_brief(document), errors)
        return str(document["reason"])

    def releases(self, user: str = "root") -> list[DOCUMENT]:
        """All that is listed."""
        _, document, errors = self.run("rollback", "--list", user=user)
        found = document["releases"]
        assert isinstance(found, list), errors
        return found

    def listed(self, user: str = "root") -> tuple[dict[str, DOCUMENT], object]:
        """The releases by their version, and where a roll back goes."""
        _, document, errors = self.run("rollback", "--list", user=user)
        found = document["releases"]
        assert isinstance(found, list), errors
        return {one["version"]: one for one in found}, document["rollback_to"]


def _brief(document: DOCUMENT) -> DOCUMENT:
    """Without the scripts: what was said."""
    phases = ("preflight", "steps", "checks", "undo", "closing")
    told = {key: value for key, value in document.items() if key in ("result", "reason")}
    for phase in phases:
        steps = document.get(phase)
        for step in steps if isinstance(steps, list) else ():
            told[f"{phase}: {step['name']}"] = f"{step['state']} {step['output'][-300:]}"
    return told
