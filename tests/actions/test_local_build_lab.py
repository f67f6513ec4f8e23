"""Rebuild of a service of a real host from a work tree on this machine, driven as a person does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import FreshHost, Host, Lab, faults, releases
from tests.lab.record import process_state

DOCUMENT = dict[str, object]
SLOW = ".PHONY: build\nbuild:\n\t@echo begun; echo 'token=hunter2hunter2'; sleep 600 & echo $$! >child; wait\n"


def _interruptible() -> None:
    """What is started behind an `&` of a shell ignores ctrl+c, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Bench:
    """A host with a service that gets releases, a work tree beside the configuration, and the command line."""

    def __init__(self, lab: Lab, host: Host, home: Path) -> None:
        self.lab, self.host, self.home = lab, host, home
        (home / "config.toml").write_text(releases.config(here=True))
        self.tree = releases.Here(home / "src")
        releases.room(host)
        releases.install(host)

    def start(self, *words: str, user: str = "root", as_json: bool = True) -> subprocess.Popen[str]:
        options = ["-F", str(self.lab.ssh_config(user)), "--config", str(self.home / "config.toml")]
        return subprocess.Popen(
            [sys.executable, "-m", "console", *words, *options, *(["--json"] if as_json else [])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(self.home)},
            preexec_fn=_interruptible,
        )  # fmt: skip

    def run(self, *words: str, user: str = "root") -> tuple[int, DOCUMENT, str]:
        process = self.start(*words, user=user)
        told, errors = process.communicate(timeout=120)
        assert told, errors
        document: DOCUMENT = json.loads(told)
        return process.returncode, document, errors

    def does(self, *words: str, user: str = "root") -> DOCUMENT:
        """It goes well."""
        code, document, errors = self.run(*words, "--yes", user=user)
        assert (code, document["result"]) == (0, "done"), (document["reason"], errors)
        return document

    def ends(self, result: str, *words: str, user: str = "root") -> str:
        """It ends in another way; the reason."""
        code, document, _ = self.run(*words, "--yes", user=user)
        assert (code, document["result"]) == (1, result), document
        return str(document["reason"])

    @property
    def live(self) -> str:
        return releases.version(self.host)

    def releases(self) -> str:
        return self.host.sh("readlink /srv/api/current; ls -A /srv/api/releases | grep -v history")

    def audited(self) -> DOCUMENT:
        _, document, _ = self.run("audit", "--lines", "1")
        entries = document["plans"] if "plans" in document else document["entries"]
        assert isinstance(entries, list)
        found: DOCUMENT = entries[-1]
        return found


@pytest.fixture
def bench(lab: Lab, fresh_host: FreshHost, tmp_path: Path) -> Bench:
    return Bench(lab, fresh_host("rel2"), tmp_path)


def test_what_is_built_here_goes_live_there(bench: Bench) -> None:
    first = bench.tree.commit("v1.0.0")
    code, shown, _ = bench.run("rebuild", "rel2/api", "--dry-run")
    assert code == 0
    prepare = shown["prepare"]
    assert isinstance(prepare, list)
    build, still, upload = prepare[-3:]
    assert (still["where"], first in still["command"]) == ("here", True)
    assert (build["where"], build["command"], build["directory"]) == ("here", "make build", str(bench.home / "src"))
    assert (build["environment"]["VERSION"], build["environment"]["COMMIT"]) == ("v1.0.0", first)
    assert (upload["where"], upload["directory"]) == ("upload", str(bench.home / "src/build"))
    assert upload["command"].startswith("runuser -u deploy -- sh -c ")
    assert "current" not in bench.host.sh("ls /srv/api")

    done = bench.does("rebuild", "rel2/api")
    assert "built" in json.dumps(done["prepare"])
    assert "KiB, received and compared" in json.dumps(done["prepare"])
    assert bench.live == "v1.0.0"
    assert bench.host.sh("stat -c '%U %a' /srv/api/current/api.py /srv/api/current/version.json").split() == [
        "deploy", "644", "deploy", "644",
    ]  # fmt: skip
    entry = bench.audited()
    assert (entry["result"], "make build" in json.dumps(entry["commands"])) == ("done", True)

    (bench.tree.place / "run.sh").write_text("#!/bin/sh\n")
    (bench.tree.place / "run.sh").chmod(0o755)
    makefile = bench.tree.place / "Makefile"
    makefile.write_text(makefile.read_text() + "\t@cp -p run.sh build/; ln -s run.sh build/go; mkdir build/.git\n")
    bench.tree.commit("v1.1.0", ["unhealthy"])
    assert bench.ends("undone", "rebuild", "rel2/api").startswith("/health answers 2xx failed")
    assert bench.live == "v1.0.0"
    newest = "/srv/api/releases/$(ls -t /srv/api/releases | grep -v history | head -n 1)"
    assert bench.host.sh(f"stat -c %a {newest}/run.sh; readlink {newest}/go; ls -A {newest}").split() == [
        "755", "run.sh", "api.py", "go", "run.sh", "version.json",
    ]  # fmt: skip

    bench.tree.commit("v1.2.0")
    bench.does("rebuild", "rel2/api")
    assert bench.live == "v1.2.0"
    _, listed, _ = bench.run("rollback", "rel2/api", "--list")
    found = listed["releases"]
    assert isinstance(found, list)
    assert {(one["version"], one["healthy"]) for one in found} == {
        ("v1.0.0", True),
        ("v1.1.0", False),
        ("v1.2.0", True),
    }
    bench.does("rollback", "rel2/api")
    assert bench.live == "v1.0.0"


def test_what_fails_here_changes_nothing_there(bench: Bench) -> None:
    host, place = bench.host, bench.tree.place
    bench.tree.commit("v1.0.0")
    bench.does("rebuild", "rel2/api")
    before = bench.releases()

    (place / "half.py").write_text("unfinished")
    assert "differs from its commit: half.py" in bench.ends("refused", "rebuild", "rel2/api")
    (place / "half.py").unlink()

    host.sh("chown root /srv/api/releases")
    assert "deploy may not write to /srv/api" in bench.ends("refused", "rebuild", "rel2/api")
    host.sh("chown deploy /srv/api/releases")

    (place / "Makefile").write_text("build:\n\t@true\n")
    bench.tree.commit("v1.1.0")
    assert "changed nothing in " in bench.ends("failed", "rebuild", "rel2/api")

    (place / "Makefile").write_text(".PHONY: build\nbuild:\n\t@echo broken >&2; exit 3\n")
    bench.tree.commit("v1.2.0")
    why = bench.ends("failed", "rebuild", "rel2/api")
    assert why.startswith("build 2")
    assert why.endswith("nothing that runs on rel2 was changed")
    entry = bench.audited()
    assert (entry["result"], entry["result_reason"], entry["started"]) == ("failed", why, None)

    config = bench.home / "config.toml"
    config.write_text(config.read_text().replace('"make"', '"cargo-of-nobody"'))
    assert "cargo-of-nobody, which builds it, is not on this" in bench.ends("refused", "rebuild", "rel2/api")
    config.write_text(config.read_text().replace('"src"', '"nowhere"'))
    assert "the work tree" in bench.ends("refused", "rebuild", "rel2/api")
    assert (bench.releases(), bench.live) == (before, "v1.0.0")


def test_a_full_disk_of_the_host_is_found_before_anything_is_built_or_while_it_is_sent(bench: Bench) -> None:
    bench.tree.commit("v1.0.0")
    with faults.small_tmpfs(bench.host, "/srv/api/releases", "1m"):
        assert "MiB left, a release takes" in bench.ends("refused", "rebuild", "rel2/api")
        assert not (bench.tree.place / "build").exists()
    makefile = bench.tree.place / "Makefile"
    makefile.write_text(makefile.read_text() + "\t@head -c 40M /dev/urandom >build/large\n")
    bench.tree.commit("v1.1.0")
    with faults.small_tmpfs(bench.host, "/srv/api/releases", "20m"):
        assert "20 MiB left, what is sent takes 41 MiB" in bench.ends("failed", "rebuild", "rel2/api")
        assert bench.host.sh("ls -A /srv/api/releases") == ""


def test_a_link_that_is_cut_while_it_sends_leaves_the_old_release(bench: Bench) -> None:
    host, place = bench.host, bench.tree.place
    bench.tree.commit("v1.0.0")
    bench.does("rebuild", "rel2/api")
    before = bench.releases()
    makefile = place / "Makefile"
    makefile.write_text(makefile.read_text() + "\t@head -c 8M /dev/urandom >build/large\n")
    bench.tree.commit("v1.1.0")
    with faults.slow_link(host, 4000):
        process = bench.start("rebuild", "rel2/api", "--yes")
        until(lambda: ".partial" in bench.releases())
        with faults.black_hole(host):
            told, _ = process.communicate(timeout=120)
    document = json.loads(told)
    assert (document["result"], "was cut after" in document["reason"]) == ("failed", True), document["reason"]
    assert bench.live == "v1.0.0"
    assert [line for line in bench.releases().splitlines() if ".partial" not in line] == before.splitlines()
    # One of a process that has gone, and one of which nothing is heard any more.
    host.sh("install -d -o deploy /srv/api/releases/x.partial; echo 4194304 >/srv/api/releases/x.partial/pid")
    host.sh("find /srv/api/releases/*.partial -exec touch -h -d '5 minutes ago' {} +")
    bench.does("rebuild", "rel2/api")
    assert bench.live == "v1.1.0"
    assert ".partial" not in bench.releases()


def test_ctrl_c_ends_a_build_with_its_children(bench: Bench) -> None:
    (bench.tree.place / "Makefile").write_text(SLOW)
    (bench.tree.place / ".gitignore").write_text("child\n")
    bench.tree.commit("v1.0.0")
    process = bench.start("rebuild", "rel2/api", "--yes", as_json=False)
    child = bench.tree.place / "child"
    until(lambda: child.exists() and child.read_text().strip() != "")
    assert "another console of this machine builds" in bench.ends("refused", "rebuild", "rel2/api")
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert " s  begun" in told
    assert "hunter2" not in told
    assert "nothing that runs there was changed" in errors
    until(lambda: process_state(int(child.read_text())) in "ZX", 5)
    _, document, _ = bench.run("audit", "--result", "failed")
    assert "interrupted" in json.dumps(document)
    assert bench.host.sh("ls -A /srv/api/releases") == ""


def test_releases_of_another_user_by_narrow_sudo(bench: Bench) -> None:
    bench.tree.commit("v1.0.0")
    assert "oncall may not run" in bench.ends("refused", "rebuild", "rel2/api", user="oncall")
    rules = (
        "oncall ALL=(deploy) NOPASSWD: /usr/bin/sh -c *, /bin/sh -c *",
        "oncall ALL=(root) NOPASSWD: /usr/bin/systemctl restart api.service, /bin/systemctl restart api.service",
    )
    bench.host.write("/etc/sudoers.d/deploy", "\n".join((*rules, "")))
    bench.does("rebuild", "rel2/api", user="oncall")
    assert bench.live == "v1.0.0"
    assert bench.host.sh("stat -c %U /srv/api/current/ /srv/api/current/api.py").split() == ["deploy", "deploy"]


def until(holds: object, seconds: float = 60.0) -> None:
    """Wait for something of another process, of which nobody tells."""
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)
