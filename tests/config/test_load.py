"""Every mistake of a configuration is named with its file, line and key, all in one go (row 51 of the fault table)."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.config.kinds import is_destination, is_host_name
from console.config.load import load, parse
from console.config.mistakes import ConfigError
from console.config.model import Config, HostConfig
from console.config.places import chosen_path, example, read
from console.core.service import Endpoint


def mistakes(text: str) -> list[str]:
    """The lines for a text; the file is called ``f``."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "f", themes=("dark", "light"), managers=("systemd", "docker"))
    return list(caught.value.lines)


def test_the_example_is_valid_and_means_what_it_says() -> None:
    config = parse(example(), "example", managers=("systemd", "pidfile"))
    web, database, here = config.hosts
    assert config.is_production(web)
    assert config.color_of(web) == "red"
    assert not config.is_read_only(web)
    assert config.is_read_only(database)
    assert here.local
    assert config.services[0].ports == (Endpoint("tcp", "*", 8080), Endpoint("udp", "*", 8125))
    assert config.keys["refresh"] == ("ctrl+l", "f9")


def test_an_empty_file_is_the_default() -> None:
    assert parse("", "f") == Config()


def test_a_host_overrides_its_groups_and_read_only_everywhere_wins() -> None:
    config = parse(
        '[groups.g]\nproduction = true\nread_only = true\n[[hosts]]\nname = "a"\ngroups = ["g"]\n'
        "production = false\nread_only = false\n",
        "f",
    )
    assert not config.is_production(config.hosts[0])
    assert not config.is_read_only(config.hosts[0])
    assert Config(read_only=True).is_read_only(HostConfig("a", read_only=False))


BAD = """theme = "drak"
read_only = "yes"
them = 3
[[hosts]]
name = "web1"
groups = ["prod", "nope"]
prot = 22
[[hosts]]
name = "WEB1"
port = 70000
[[hosts]]
destination = "-oProxyCommand=x"
when = 2020-01-01
[groups.prod]
production = 1
color = "rde"
[[services]]
name = "api"
manager = "sytemd"
ports = [8080, "udp/53", 0,
  "tcp/x:99999", true]
health = "localhost"
hosts = ["web2"]
[thresholds]
iowait_warning = 80
inodes_critical = 101
clock_skew_seconds_warning = nan
restarts_critical = true
[keys]
restart = "S"
stop = ["d", "meta+x"]
fly = "z"
help = 3
[ssh]
connect_timeout = 0
"""


def test_every_mistake_is_told_in_one_go_in_the_order_of_the_file() -> None:
    found = mistakes(BAD)
    starts = [
        'f:1: theme: unknown theme "drak"; expected one of dark, light; did you mean "dark"?',
        'f:2: read_only: found "yes"; expected true or false',
        "f:3: them: unknown key; expected one of actions,",
        'f:6: hosts[web1].groups[#2]: unknown group "nope"; expected one of prod',
        "f:7: hosts[web1].prot: unknown key;",
        'f:9: hosts[WEB1].name: host "WEB1" is there already, in line 5;',
        "f:10: hosts[WEB1].port: found 70000; expected a whole number from 1 to 65535",
        "f:11: hosts[#3].name: not there; expected a name",
        'f:12: hosts[#3].destination: found "-oProxyCommand=x"; expected what ssh accepts',
        "f:13: hosts[#3].when: unknown key;",
        "f:15: groups.prod.production: found 1; expected true or false",
        'f:16: groups.prod.color: found "rde"; expected #rrggbb or one of red,',
        'f:19: services[api].manager: unknown manager "sytemd"; expected one of docker, systemd; did you mean',
        "f:20: services[api].ports[#3]: found 0; expected a port from 1 to 65535",
        'f:21: services[api].ports[#4]: found "tcp/x:99999"; expected a port',
        "f:21: services[api].ports[#5]: found true; expected a port",
        'f:22: services[api].health: found "localhost"; expected a URL',
        'f:23: services[api].hosts[#1]: unknown host "web2"; expected one of WEB1, web1; did you mean "web1"?',
        "f:25: thresholds.iowait_warning: iowait_warning 80 is above iowait_critical 60.0;",
        "f:26: thresholds.inodes_critical: found 101; expected a number from 0 to 100",
        "f:27: thresholds.clock_skew_seconds_warning: found NaN; expected a number from 0 on",
        "f:28: thresholds.restarts_critical: found true; expected a number",
        "f:30: keys.restart: 'S' is both restart and start",
        "f:31: keys.stop: 'd' is pressed by habit, and stop changes a host;",
        "f:31: keys.stop: 'meta+x' is no key",
        "f:32: keys.fly: unknown action; expected one of",
        'f:33: keys.help: found 3; expected a key such as "r"',
        "f:35: ssh.connect_timeout: found 0; expected a number from 1 to 120 seconds",
    ]
    assert len(found) == len(starts)
    for line, start in zip(found, starts, strict=True):
        assert line.startswith(start)
    assert found[2].endswith('did you mean "theme"?')
    assert found[4].endswith('did you mean "port"?')


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a=1\nb = yes\n", "f:2:5: not valid TOML: invalid value; expected text in"),
        ("[ssh]\n[ssh]\n", "f:2:5: not valid TOML: the table ssh is there twice;"),
        ("a=1\na=2\n\n\n", "f:2:"),
        ("# x\ntheme = 'a'\ntheme = 'b'", "f:3:12: not valid TOML: cannot overwrite a value; expected each key once"),
        ('a = "x\n', "f:1:7: not valid TOML: illegal character"),
        ("hosts", "f:1:6: not valid TOML: expected '='"),
        ("a = [1,\n2\n", "f:2:2: not valid TOML: unclosed array;"),
    ],
)  # fmt: skip
def test_broken_toml_has_line_and_column(text: str, start: str) -> None:
    (line,) = mistakes(text)
    assert line.startswith(start)


def test_a_table_where_a_list_of_tables_belongs_is_told_as_such() -> None:
    assert mistakes('[hosts]\nname = "a"\n') == ["f:1: hosts: found a table; expected a list in [ ]"]
    assert mistakes('hosts = ["a"]\n') == ['f:1: hosts[#1]: found "a"; expected a table']
    assert mistakes("groups = [1]\n") == ["f:1: groups: found a list of 1; expected a table"]
    assert mistakes("[groups]\nprod = 3\n") == ["f:2: groups.prod: found 3; expected a table"]


def test_one_name_for_a_host_and_a_group_is_refused() -> None:
    (line,) = mistakes('[[hosts]]\nname = "a"\n[groups.a]\n')
    assert line.startswith("f:3: groups.a: a host has this name;")


def test_ssh_settings_of_a_local_host_are_refused() -> None:
    (line,) = mistakes('[[hosts]]\nname = "a"\nlocal = true\nuser = "x"\n')
    assert line.startswith("f:4: hosts[a].user: the host is local;")


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "localhost."])
def test_localhost_is_this_machine_or_has_another_name(name: str) -> None:
    (line,) = mistakes(f'[[hosts]]\nname = "{name}"\n')
    assert line == (
        f'f:2: hosts[{name}].name: "{name}" is always this machine, and this host is reached over ssh; '
        "expected local = true, or another name"
    )
    assert parse(f'[[hosts]]\nname = "{name}"\nlocal = true\n', "f").hosts[0].local


def test_this_machine_is_there_once() -> None:
    (line,) = mistakes('[[hosts]]\nname = "a"\nlocal = true\n[[hosts]]\nname = "b"\nlocal = true\n')
    assert line == 'f:6: hosts[b].local: this machine is there already, as "a"; expected local = true once'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('destination = "y:22"\nport = 2222', "port: 2222, but the destination says 22; expected the port in one"),
        ('destination = "ssh://[::1]:22"\nport = 2222', "port: 2222, but the destination says 22;"),
        ('destination = "ann@y"\nuser = "bob"', 'user: "bob", but the destination says "ann"; expected the user in'),
    ],
)
def test_a_destination_that_is_contradicted_is_refused(text: str, said: str) -> None:
    (line,) = mistakes(f'[[hosts]]\nname = "a"\n{text}\n')
    assert line.startswith(f"f:4: hosts[a].{said}")


@pytest.mark.parametrize(
    "text",
    ['destination = "y:22"\nport = 22', 'destination = "::1"\nport = 22', 'destination = "ann@y"\nport = 2222',
     'destination = "ann@y:22"\nuser = "ann"'],
)  # fmt: skip
def test_what_says_the_same_twice_is_no_contradiction(text: str) -> None:
    assert parse(f'[[hosts]]\nname = "a"\n{text}\n', "f").hosts


@pytest.mark.parametrize("port", ["tcp/999.1.1.1:80", "1.2.3:80", "[1.2.3.4]:80", "[:::]:80", "1*:80", "a*:80"])
def test_an_address_that_is_none_is_refused(port: str) -> None:
    (line,) = mistakes(f'[[services]]\nname = "a"\nports = ["{port}"]\n')
    assert line.startswith(f'f:3: services[a].ports[#1]: found "{port}"; expected a port from 1 to 65535')


@pytest.mark.parametrize("port", ["*:80", "0.0.0.0:80", "udp/[::]:80", "[fe80::1%eth0]:80", "db.example:80"])
def test_addresses_and_names_are_taken(port: str) -> None:
    assert parse(f'[[services]]\nname = "a"\nports = ["{port}"]\n', "f").services[0].ports[0].port == 80


def test_only_the_way_out_must_have_a_key() -> None:
    (line,) = mistakes("[keys]\nquit = []\n")
    assert line == "f:2: keys.quit: no key at all; expected a key: without one nobody can quit"
    assert parse("[keys]\ngroup = []\n", "f").keys == {"group": ()}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("theme = 1979-05-27", 1, "theme: found a date or time (1979-05-27); expected text in quotes"),
        ("read_only = 07:32:00", 1, "read_only: found a date or time (07:32:00); expected true or false"),
        ("interval = 1979-05-27T07:32:00Z", 1, "interval: found a date or time (1979-05-27 07:32:00+00:00);"),
        ("keys = 1979-05-27", 1, "keys: found a date or time (1979-05-27); expected a table"),
        ("ssh = 1979-05-27", 1, "ssh: found a date or time (1979-05-27); expected a table"),
        ("hosts = [1979-05-27]", 1, "hosts[#1]: found a date or time (1979-05-27); expected a table"),
        ("[thresholds]\niowait_warning = 1979-05-27", 2, "thresholds.iowait_warning: found a date or time"),
        ("[keys]\nquit = 1979-05-27", 2, "keys.quit: found a date or time (1979-05-27); expected a key such as"),
        ('[[hosts]]\nname = "a"\ngroups = 1979-05-27', 3, "hosts[a].groups: found a date or time"),
        ('[[hosts]]\nname = "a"\ngroups = [1979-05-27]', 3, "hosts[a].groups[#1]: found a date or time"),
        ("[[hosts]]\nname = 1979-05-27", 2, "hosts[#1].name: found a date or time (1979-05-27); expected a name"),
        ('[[services]]\nname = "a"\nmanager = 1979-05-27', 3, "services[a].manager: found a date or time"),
        ('[[services]]\nname = "a"\nports = [1979-05-27]', 3, "services[a].ports[#1]: found a date or time"),
    ],
)
def test_a_date_is_not_taken_for_text(text: str, line: int, said: str) -> None:
    (found,) = mistakes(text)
    assert found.startswith(f"f:{line}: {said}")


def test_a_list_where_a_name_belongs_is_told_as_such() -> None:
    (line,) = mistakes('[[hosts]]\nname = ["a"]\n')
    assert line.startswith("f:2: hosts[#1].name: found a list of 1; expected a name")
    (line,) = mistakes('[[services]]\nname = "a"\nmanager = ["b"]\n')
    assert line.startswith("f:3: services[a].manager: found a list of 1; expected text in quotes")


def test_control_characters_of_the_file_do_not_reach_the_message() -> None:
    (line,) = mistakes('[[hosts]]\nname = "a\\u001b[2Jb\\nc"\n')
    assert line.isprintable()


@pytest.mark.parametrize(
    "name", ["-oProxyCommand=x", "a b", "a\nb", "a\x1bb", "", "a;b", "$(x)", "a/b", "a\u202eb", "`x`", "a" * 300]
)
def test_hostile_host_names_are_refused(name: str) -> None:
    assert not is_host_name(name)
    assert not is_destination(name)


@pytest.mark.parametrize(
    "name", ["web1", "web1.example.net", "deploy@web1:2222", "ssh://deploy@web1:22", "[::1]:22", "10.0.0.1", "wéb"]
)
def test_what_ssh_takes_is_taken(name: str) -> None:
    assert is_destination(name)


@pytest.mark.parametrize("destination", ["user@-oX", "-x@host", "ssh://-x", "a b@host", "u@"])
def test_hostile_destinations_are_refused(destination: str) -> None:
    assert not is_destination(destination)


def test_files_that_cannot_be_read_give_one_line(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# ok\ntheme = '\xe9'\n")
    for path, words in (
        (tmp_path, "is a directory; expected a TOML file that this user can read"),
        (tmp_path / "no.toml", "cannot be read: no such file or directory"),
        (latin, ":2: byte 0xe9 is not UTF-8; expected text in UTF-8"),
    ):
        with pytest.raises(ConfigError) as caught:
            load(path)
        (line,) = caught.value.lines
        assert line.startswith(str(path))
        assert words in line


def test_a_forbidden_file_gives_one_line() -> None:
    # Not below pytest's own directory, which is closed to others; and root reads every file.
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        Path(file.name).chmod(0)
        with not_root(), pytest.raises(ConfigError, match="permission denied"):
            load(Path(file.name))


@contextmanager
def not_root() -> Iterator[None]:
    me = os.geteuid()
    os.seteuid(me or 65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbfread_only = true\n")
    assert load(path).read_only


def test_the_option_goes_before_the_variable_and_that_before_the_default() -> None:
    assert chosen_path("/x", {"HOSTDECK_CONFIG": "/y"}) == (Path("/x"), "--config")
    assert chosen_path(None, {"HOSTDECK_CONFIG": "/y"}) == (Path("/y"), "HOSTDECK_CONFIG")
    assert chosen_path(None, {})[1] is None


def test_a_named_file_must_be_there_and_the_default_need_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("HOSTDECK_CONFIG", raising=False)
    assert read(None) == Config()
    with pytest.raises(ConfigError, match="there is no such file \\(--config\\)"):
        read(str(tmp_path / "missing.toml"))
    (tmp_path / "hostdeck").mkdir()
    (tmp_path / "hostdeck" / "config.toml").write_text("read_only = true")
    assert read(None).read_only


def test_without_a_manager_none_is_meant_and_with_one_it_is_another_declaration() -> None:
    text = '[[services]]\nname = "api"\n[[services]]\nname = "api"\nmanager = "docker"\n'
    assert [service.manager for service in parse(text, "f").services] == [None, "docker"]
    (line,) = mistakes('[[services]]\nname = "api"\n[[services]]\nname = "api.service"\n')
    assert 'service "api.service" is there already' in line


def test_a_health_check_is_a_url_a_connection_or_a_command() -> None:
    text = '[[services]]\nname = "api"\nhealth = "{}"\nhealth_command = ["/bin/check", "--all"]\n'
    for url in ("http://127.0.0.1:8080/health", "https://[::1]/", "tcp://127.0.0.1:8080"):
        [service] = parse(text.format(url), "f").services
        assert (service.health, service.health_command) == (url, ("/bin/check", "--all"))
    for url in ("tcp://127.0.0.1", "tcp://127.0.0.1:8080/health", "udp://127.0.0.1:53"):
        with pytest.raises(ConfigError, match=r"f:3: services\[api\].health: "):
            parse(text.format(url), "f")


def test_passwords_are_never_in_the_file_nor_in_a_message() -> None:
    config = parse(
        '[ssh]\npassword_command = ["pass", "show", "x"]\n[[hosts]]\nname = "a"\npassword_from = "env:P"', "f"
    )
    assert config.ssh.password_command == ("pass", "show", "x")
    assert config.hosts[0].password_from == "env:P"
    found = mistakes(
        """[ssh]
password_from = "hunter2"
password_command = "echo hunter2"
[[hosts]]
name = "a"
password = "hunter2"
password_command = ["-x"]
[[hosts]]
name = "b"
password_command = ["pass", 2]
password_from = "credential:x"
[[hosts]]
name = "c"
local = true
password_from = "env:hunter 2"
[[services]]
name = "api"
health = "http://bob:hunter2@127.0.0.1:8080/health"
[[services]]
name = "web"
health = "http://bob:hunter2hunter2hunter2hunter2hunter2hunter2@127.0.0.1:8080/health"
"""
    )
    assert not any("hunter" in line for line in found)
    wanted = 'expected where the password is, "env:NAME" or "credential:NAME", never the password itself'
    assert f"f:2: ssh.password_from: found something else; {wanted}" in found
    assert "f:3: ssh.password_command: found something else; expected a list in [ ]" in found
    assert any(line.startswith("f:6: hosts[a].password: unknown key; expected one of ") for line in found)
    program = 'expected a program and its arguments, ["pass", "show", "x"]'
    assert f"f:7: hosts[a].password_command: no program to run; {program}" in found
    assert any(line.startswith("f:10: hosts[b].password_command") for line in found)
    assert "f:11: hosts[b].password_from: there is a password_command too; expected one of the two" in found
    assert any(line.startswith("f:15: hosts[c].password_from: the host is local;") for line in found)
