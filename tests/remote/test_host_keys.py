"""known_hosts files, beside what OpenSSH's ssh-keygen makes of them."""

import base64
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from console.remote.host_keys import (
    HostKey,
    HostKeyError,
    KeyStatus,
    accept,
    fingerprint,
    look_up,
    revoked_keys,
    short_kind,
)
from console.remote.transport import TransportError

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen on this machine")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Public keys by name: ``kind base64``."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name, kind in (("one", "ed25519"), ("two", "ed25519"), ("three", "ecdsa"), ("four", "rsa")):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(folder / name)], check=True)
        made[name] = " ".join((folder / f"{name}.pub").read_text().split()[:2])
    return made


def blob(key: str) -> bytes:
    return base64.b64decode(key.split()[1])


def status(file: Path, key: str, host: str = "web1", port: int = 22, alias: str | None = None) -> KeyStatus:
    return look_up((str(file),), host, port, alias).status(blob(key))


def offered(key: str, file: Path, name: str = "web1", *, hashed: bool = False) -> HostKey:
    return HostKey(name, key.split()[0], blob(key), str(file), hashed)


def test_fingerprints_and_kinds_are_shown_as_ssh_does(keys: dict[str, str], tmp_path: Path) -> None:
    for key in keys.values():
        (tmp_path / "key").write_text(key + "\n")
        shown = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "key")], capture_output=True, text=True, check=True)
        words = shown.stdout.split()
        assert fingerprint(blob(key)) == words[1]
        assert words[-1] == f"({short_kind(key.split()[0])})"
    assert short_kind("sk-ssh-ed25519@openssh.com") == "ED25519-SK"
    assert short_kind("sk-ecdsa-sha2-nistp256@openssh.com") == "ECDSA-SK"
    assert short_kind("ssh-ed25519-cert-v01@openssh.com") == "ED25519"


def test_trusted_unknown_and_changed_are_three_things(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    assert status(file, keys["one"]) is KeyStatus.UNKNOWN
    file.write_text(f"web1,10.0.0.1 {keys['one']} a comment\n")
    assert status(file, keys["one"]) is KeyStatus.TRUSTED
    assert status(file, keys["one"], "10.0.0.1") is KeyStatus.TRUSTED
    assert status(file, keys["one"], "web2") is KeyStatus.UNKNOWN
    assert status(file, keys["two"]) is KeyStatus.CHANGED
    assert status(file, keys["three"]) is KeyStatus.CHANGED
    assert str(look_up((str(file),), "web1", 22).keys[0]) == f"ED25519 {fingerprint(blob(keys['one']))} ({file}:1)"


def test_other_ports_have_names_of_their_own(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"web1 {keys['one']}\n")
    assert status(file, keys["one"], port=2222) is KeyStatus.TRUSTED
    assert status(file, keys["two"], port=2222) is KeyStatus.UNKNOWN
    file.write_text(f"web1 {keys['one']}\n[web1]:2222 {keys['two']}\n")
    assert status(file, keys["two"], port=2222) is KeyStatus.TRUSTED
    assert status(file, keys["one"], port=2222) is KeyStatus.CHANGED
    assert status(file, keys["two"]) is KeyStatus.CHANGED


def test_an_alias_is_looked_up_without_the_port(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"web {keys['one']}\n")
    assert status(file, keys["one"], "10.1.1.1", 2222, alias="web") is KeyStatus.TRUSTED
    assert status(file, keys["one"], "web", 22, alias="other") is KeyStatus.UNKNOWN


def test_patterns_and_marks(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(
        f"*.Example,!bad.example {keys['one']}\n@revoked * {keys['two']}\n@cert-authority *.example {keys['three']}\n"
        f"@unknown-mark x {keys['one']}\n"
    )
    assert status(file, keys["one"], "good.example") is KeyStatus.TRUSTED
    assert status(file, keys["one"], "bad.example") is KeyStatus.UNKNOWN
    assert status(file, keys["two"], "good.example") is KeyStatus.REVOKED
    assert status(file, keys["two"], "elsewhere", 2222) is KeyStatus.REVOKED
    assert status(file, keys["one"], "x") is KeyStatus.UNKNOWN
    assert [key.line for key in look_up((str(file),), "good.example", 22).authorities] == [3]


@pytest.mark.parametrize("port", [22, 2222])
def test_hashed_names_are_found(keys: dict[str, str], tmp_path: Path, port: int) -> None:
    file = tmp_path / "known_hosts"
    name = "web1" if port == 22 else f"[web1]:{port}"
    file.write_text(f"{name} {keys['one']}\nother {keys['two']}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "web1" not in file.read_text()
    assert status(file, keys["one"], port=port) is KeyStatus.TRUSTED
    assert status(file, keys["two"], port=port) is KeyStatus.CHANGED


@pytest.mark.parametrize(
    "line",
    [
        "garbage",
        "web1",
        "web1 ssh-ed25519",
        "web1 ssh-ed25519 !!!",
        "|1|x|y ssh-ed25519 AAAA",
        "@revoked",
        "\xff\x00",
        "#web1 x y",
    ],
)
def test_broken_lines_do_not_hide_the_others(keys: dict[str, str], tmp_path: Path, line: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(line.encode("latin-1") + f"\nweb1 {keys['one']}\n".encode())
    assert status(file, keys["one"]) is KeyStatus.TRUSTED


def test_a_line_whose_kind_is_not_its_keys_is_broken(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"web1 ssh-rsa {keys['one'].split()[1]}\n")
    assert status(file, keys["one"]) is KeyStatus.UNKNOWN


@pytest.mark.parametrize("hashed", [False, True])
def test_an_unknown_key_is_noted_so_that_ssh_knows_it_too(keys: dict[str, str], tmp_path: Path, hashed: bool) -> None:
    file = tmp_path / "new" / "known_hosts"
    assert accept(offered(keys["one"], file, "[web1]:2222", hashed=hashed)) == file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert ("web1" in file.read_text()) is not hashed
    found = subprocess.run(
        ["ssh-keygen", "-F", "[web1]:2222", "-f", str(file)], capture_output=True, text=True, check=True
    )
    assert keys["one"].split()[1] in found.stdout
    assert status(file, keys["one"], port=2222) is KeyStatus.TRUSTED
    before = file.read_bytes()
    accept(offered(keys["one"], file, "[web1]:2222", hashed=hashed))
    assert file.read_bytes() == before


def test_a_last_line_without_its_end_is_kept_whole(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"other {keys['two']}")
    accept(offered(keys["one"], file))
    assert file.read_text().splitlines() == [f"other {keys['two']}", f"web1 {keys['one']}"]


def test_a_changed_or_revoked_key_is_never_accepted(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    for line, expected in (
        (f"web1 {keys['two']}\n", KeyStatus.CHANGED),
        (f"@revoked * {keys['one']}\n", KeyStatus.REVOKED),
    ):
        file.write_text(line)
        with pytest.raises(HostKeyError) as refused:
            accept(offered(keys["one"], file))
        assert refused.value.status is expected
        assert file.read_text() == line


def test_many_at_once_lose_nothing(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    threads = [threading.Thread(target=accept, args=(offered(keys["one"], file, f"web{n}"),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line.split()[0] for line in file.read_text().splitlines()) == sorted(f"web{n}" for n in range(20))


def test_where_no_key_can_be_noted_the_reason_is_told(keys: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="/dev/null is no file"):
        accept(offered(keys["one"], Path("/dev/null")))
    with pytest.raises(TransportError, match="no known_hosts file"):
        accept(HostKey("web1", "ssh-ed25519", blob(keys["one"]), ""))
    (tmp_path / "file").touch()
    with pytest.raises(TransportError, match="cannot be written"):
        accept(offered(keys["one"], tmp_path / "file" / "known_hosts"))


def test_a_list_of_revoked_keys(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "revoked"
    file.write_text(f"# lost\n{keys['one']} web1\n")
    assert [key.blob for key in revoked_keys(str(file))] == [blob(keys["one"])]
    file.write_bytes(b"SSHKRL\n\x00")
    with pytest.raises(TransportError, match="binary list"):
        revoked_keys(str(file))
    with pytest.raises(TransportError, match="cannot be read"):
        revoked_keys(str(tmp_path / "missing"))
