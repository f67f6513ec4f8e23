"""The user's ssh configuration, beside what OpenSSH's own client makes of it."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.remote import ssh_config
from console.remote.ssh_config import SshTarget, resolve
from console.remote.ssh_config_file import split_words
from console.remote.transport import HostSpec, TransportError

ME = pwd.getpwuid(os.getuid()).pw_name
needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh program on this machine")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory, and no configuration of the machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(ssh_config, "SYSTEM_CONFIG", tmp_path / "etc" / "ssh_config")
    (tmp_path / ".ssh").mkdir(mode=0o700)
    (tmp_path / "etc").mkdir()
    return tmp_path


def configure(home: Path, text: str, file: str = ".ssh/config") -> Path:
    path = home / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def target(destination: str, **fields: object) -> SshTarget:
    return asyncio.run(resolve(HostSpec(destination, destination, **fields)))  # type: ignore[arg-type]


def refusal(destination: str, **fields: object) -> str:
    with pytest.raises(TransportError) as refused:
        target(destination, **fields)
    assert refused.value.code == "config"
    assert not refused.value.retry
    assert str(refused.value).isprintable()
    return str(refused.value)


def test_no_configuration_at_all(home: Path) -> None:
    plain = target("Web1")
    assert (plain.hostname, plain.port, plain.user, plain.jumps, plain.agent) == ("web1", 22, ME, (), None)
    assert plain.identity_files[0] == f"{home}/.ssh/id_ed25519"
    assert plain.user_known_hosts[0] == f"{home}/.ssh/known_hosts"
    assert plain.global_known_hosts[0] == "/etc/ssh/ssh_known_hosts"


def test_an_alias_with_everything(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "/keys")
    configure(
        home,
        """
# our hosts
Host web1 web2
    HostName %h.example.com       # a trailing comment
    Port=2222
    User "deploy"
    IdentityFile ~/.ssh/%r_key
    IdentityFile ${KEYS}/second
    CertificateFile ~/.ssh/cert.pub
    IdentitiesOnly yes
    IdentityAgent ~/agent.sock
    HostKeyAlias web
    UserKnownHostsFile ~/.ssh/known_%k "/my hosts"
    GlobalKnownHostsFile none
    HashKnownHosts yes
    AddressFamily inet6
    ConnectTimeout 3
    ProxyJump jump@bastion:22,inner
    KexAlgorithms curve25519-sha256
    Ciphers ^aes256-ctr
    MACs -hmac-sha1*
""",
    )
    web = target("web1")
    assert web == SshTarget(
        name="web1",
        hostname="web1.example.com",
        port=2222,
        user="deploy",
        identity_files=(f"{home}/.ssh/deploy_key", "/keys/second"),
        certificate_files=(f"{home}/.ssh/cert.pub",),
        identities_only=True,
        agent=f"{home}/agent.sock",
        host_key_alias="web",
        user_known_hosts=(f"{home}/.ssh/known_web", "/my hosts"),
        global_known_hosts=(),
        hash_known_hosts=True,
        jumps=("jump@bastion:22", "inner"),
        family=socket.AF_INET6,
        key_exchanges="curve25519-sha256",
        ciphers="^aes256-ctr",
        macs="-hmac-sha1*",
        connect_timeout=3.0,
    )


def test_what_the_destination_and_the_host_say_outweighs_the_files(home: Path) -> None:
    configure(home, "Host *\n User other\n Port 1\n ProxyJump gate\n IdentityFile /theirs\n ConnectTimeout 99\n")
    mine = target("me@web1:2200", jump="none", identity_files=("/mine",), known_hosts="/hosts", connect_timeout=1.5)
    assert (mine.user, mine.port, mine.jumps, mine.connect_timeout) == ("me", 2200, (), 1.5)
    assert mine.identity_files == ("/mine", "/theirs")
    assert mine.user_known_hosts == ("/hosts",)
    assert target("me@web1", user="you").user == "you"


def test_the_first_value_counts_and_patterns_negate(home: Path) -> None:
    configure(
        home,
        "Host *.db !old.db\n User dba\nHost web?\n User www\nMatch host web2\n Port 5\n"
        "Match user www originalhost web1\n Port 6\nMatch !user www\n Port 7\nHost *\n User rest\n",
    )
    assert [(target(name).user, target(name).port) for name in ("a.db", "old.db", "web1", "web2")] == [
        ("dba", 7),
        ("rest", 7),
        ("www", 6),
        ("www", 5),
    ]


def test_files_are_included_and_the_machines_file_comes_last(home: Path) -> None:
    configure(home, "Include conf.d/*.conf\nHost web1\n Include one_host\nHost web2\n Port 2\n")
    configure(home, "Host web1\n User from-include\n", ".ssh/conf.d/a.conf")
    configure(home, "User inside\nHost *\nPort 77\n", ".ssh/one_host")
    configure(home, "Host *\n Port 3\n User machine\n HostName %h.internal\n", "etc/ssh_config")
    assert (target("web1").user, target("web1").port) == ("from-include", 77)
    assert (target("web2").user, target("web2").port) == ("machine", 2)
    assert target("web3").hostname == "web3.internal"
    only = configure(home, "Host web3\n Port 9\n", "only")
    assert (target("web3", ssh_config=str(only)).port, target("web3", ssh_config=str(only)).user) == (9, ME)


def test_a_changed_file_is_read_again(home: Path) -> None:
    configure(home, "Host web1\n Port 1000\n")
    assert target("web1").port == 1000
    configure(home, "Host web1\n Port 20000\n")
    assert target("web1").port == 20000


def test_a_second_pass_for_match_final(home: Path) -> None:
    configure(home, "Host web1\n HostName a.example\nMatch final host *.example\n Port 44\nHost a.example\n User f\n")
    assert (target("web1").port, target("web1").user) == (44, "f")
    assert target("b.example").port == 44
    assert target("web2").port == 22


def test_proxy_command_and_jump_exclude_each_other(home: Path) -> None:
    configure(
        home,
        "Host a\n ProxyCommand nc '%h' %p # no comment\nHost a b\n ProxyJump gate\nHost b\n ProxyCommand x\n"
        "Host c\n ProxyJump none\nHost c d\n ProxyCommand none\nHost *\n ProxyJump late\n",
    )
    assert (target("a").proxy_command, target("a").jumps) == ("nc 'a' 22 # no comment", ())
    assert (target("b").proxy_command, target("b").jumps) == (None, ("gate",))
    assert (target("c").proxy_command, target("c").jumps) == (None, ())
    assert (target("e").proxy_command, target("e").jumps) == (None, ("late",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Host web1\n Port many\n", "config:2: Port must be a number from 1 to 65535, not 'many'"),
        ('Host web1\n User "x\n', "config:2: a quote is not closed"),
        ("Host web1\n User\n", "config:2: User has no value"),
        ("Host web1\n IdentityFile ~/%x\n", "config:2: %x means nothing here"),
        ("Host web1\n IdentityFile ${NO_SUCH_THING}\n", "config:2: ${NO_SUCH_THING} is not set"),
        ("Host web1\n HostName -oProxyCommand=x\n", "begins with a dash"),
        ("Host web1\n HostName a;b\n", "a name cannot hold ';'"),
        ("Host web1\n ProxyJump a,-x\n", "config:2: '-x' is no host"),
        ("Match host\n", "config:1: Match host needs a pattern"),
        ("Include config\n", "more than 16 times"),
    ],
)
def test_mistakes_name_file_and_line(home: Path, text: str, complaint: str) -> None:
    configure(home, text)
    assert complaint in refusal("web1")


def test_a_file_that_others_can_write_is_refused_as_ssh_does(home: Path) -> None:
    configure(home, "Host web1\n Port 1\n").chmod(0o666)
    assert "chmod go-w" in refusal("web1")


def test_a_named_file_must_exist(home: Path) -> None:
    assert "there is no such ssh configuration file" in refusal("web1", ssh_config=str(home / "nothing"))


@needs_ssh
def test_what_only_ssh_can_tell_is_asked_of_ssh(home: Path) -> None:
    configure(
        home,
        'Match exec true\n Port 4711\n User exec\n IdentityFile "~/with space"\n ProxyCommand nc %h %p\n'
        "Host *\n HostName %h.example\n Ciphers aes256-ctr\n UserKnownHostsFile /a /b\n",
    )
    asked = target("web1")
    assert (asked.hostname, asked.port, asked.user) == ("web1.example", 4711, "exec")
    assert asked.proxy_command == "nc web1.example 4711"
    assert asked.identity_files[0].endswith("/with space")
    assert asked.user_known_hosts == ("/a", "/b")
    assert (asked.ciphers, asked.macs, asked.key_exchanges) == ("aes256-ctr", None, None)


@needs_ssh
def test_a_complaint_of_ssh_is_passed_on(home: Path) -> None:
    configure(home, "Match exec true\n Port many\n")
    assert "line 2: Bad port" in refusal("web1")


def test_without_the_ssh_program_the_reason_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(home, "Match exec true\n Port 4711\n")
    monkeypatch.setenv("PATH", str(home))
    assert "Match exec needs the ssh program" in refusal("web1")


NAMES = ("web1", "WEB1", "web2", "db.example", "old.db", "x")
PATTERNS = ("*", "web1", "web?", "*.example", "!web1", "!*.db", "w*1", "db*", "WEB*", "web1.in", "*.in")
VALUES = st.one_of(
    st.tuples(st.just("Port"), st.integers(1, 65535).map(str)),
    st.tuples(st.sampled_from(["User", "user", "USER"]), st.sampled_from(["me", "you", '"quoted"', "'one'"])),
    st.tuples(st.just("HostName"), st.sampled_from(["%h.in", "10.0.0.1", "Other.Example", "web2"])),
    st.tuples(st.just("IdentityFile"), st.sampled_from(["/a", "/b", '"/with space"', "/c # comment", "/d\\ e"])),
    st.tuples(st.just("ProxyJump"), st.sampled_from(["gate", "u@gate:24,inner", "none"])),
    st.tuples(st.just("IdentitiesOnly"), st.sampled_from(["yes", "no"])),
    st.tuples(st.just("UserKnownHostsFile"), st.sampled_from(["/k1 /k2", "none", '"/k3"'])),
    st.tuples(st.just("HostKeyAlias"), st.sampled_from(["one", "two"])),
)
SETTING = st.tuples(VALUES, st.sampled_from([" ", "=", " = ", "\t"])).map(
    lambda line: f"{line[0][0]}{line[1]}{line[0][1]}"
)
HOST = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3).map(lambda names: "Host " + " ".join(names))
MATCH = st.tuples(
    st.sampled_from(["", "final ", "!final "]),
    st.sampled_from(["host", "originalhost", "user", "!host", "!user", "localuser", "!originalhost"]),
    st.lists(st.sampled_from([*PATTERNS, "me", ME]), min_size=1, max_size=3).map(",".join),
).map(lambda line: f"Match {line[0]}{line[1]} {line[2]}")
CONFIG = st.lists(st.one_of(SETTING, SETTING, SETTING, HOST, MATCH, st.just("Match all"), st.just("# x"))).map(
    "\n".join
)


@needs_ssh
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=CONFIG, included=CONFIG, name=st.sampled_from(NAMES), nested=st.booleans())
def test_the_files_are_understood_as_ssh_does(home: Path, text: str, included: str, name: str, nested: bool) -> None:
    part = configure(home, included + "\n", "part")
    whole = configure(home, f"{text}\nInclude {part}\n{text if nested else ''}\n", "whole")
    argv = ["ssh", "-G", "-F", str(whole), "--", name]
    theirs: dict[str, list[str]] = {}
    for line in subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines():
        option, _, value = line.partition(" ")
        theirs.setdefault(option, []).append(value)
    ours = target(name, ssh_config=str(whole))
    assert ours.hostname == theirs["hostname"][0]
    assert [str(ours.port)] == theirs["port"]
    assert [ours.user] == theirs["user"]
    assert ",".join(ours.jumps) == theirs.get("proxyjump", [""])[0].replace("none", "")
    assert ours.identities_only == (theirs["identitiesonly"] == ["yes"])
    assert ours.host_key_alias == theirs.get("hostkeyalias", [None])[0]
    if theirs["identityfile"][0].startswith("/"):
        assert list(ours.identity_files) == theirs["identityfile"]
    if theirs["userknownhostsfile"][0].startswith("/k"):
        assert " ".join(ours.user_known_hosts) == theirs["userknownhostsfile"][0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b\tc", ("a", "b", "c")),
        ('"a b" c', ("a b", "c")),
        ("'a \"b' c", ('a "b', "c")),
        ('a\\ b \\"c', ("a b", '"c')),
        ("a#b # rest", ("a#b",)),
        ("C:\\keys", ("C:\\keys",)),
        ("# all", ()),
    ],
)
def test_words_are_split_as_openssh_does(text: str, words: tuple[str, ...]) -> None:
    assert split_words(text) == words
