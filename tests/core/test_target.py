"""Targets as a person writes them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.service import ServiceRef
from console.core.target import Target, TargetError, find, find_all, parse


@pytest.mark.parametrize(
    ("word", "host", "port", "protocol"),
    [
        ("web1:8080", "web1", 8080, "tcp"),
        ("web1:53/udp", "web1", 53, "udp"),
        ("web1:53/tcp", "web1", 53, "tcp"),
        (":8080", None, 8080, "tcp"),
        (":53/udp", None, 53, "udp"),
        ("deploy@web1:80", "deploy@web1", 80, "tcp"),
        ("[::1]:22", "[::1]", 22, "tcp"),
        ("ssh://web1:2222:80", "web1:2222", 80, "tcp"),
    ],
)
def test_ports(word: str, host: str | None, port: int, protocol: str) -> None:
    assert parse(word) == Target(word, host, port=port, protocol=protocol)


@pytest.mark.parametrize(
    ("word", "host", "manager", "scope", "service"),
    [
        ("web1/api", "web1", None, None, "api"),
        ("/api.service", None, None, None, "api.service"),
        ("web1/docker:api", "web1", "docker", None, "api"),
        ("web1/systemd@deploy:api.service", "web1", "systemd", "user:deploy", "api.service"),
        ("web1/dbus-:1.2-org.x@0.service", "web1", None, None, "dbus-:1.2-org.x@0.service"),
        ("web1/app:one", "web1", None, None, "app:one"),
        ("web1:2222/api", "web1:2222", None, None, "api"),
        ("web1/a/b", "web1", None, None, "a/b"),
        ("web1/process:4112", "web1", "process", None, "4112"),
        ("/process:999999", None, "process", None, "999999"),
        ("web1/workers:00", "web1", None, None, "workers:00"),
        ("ssh://web1:2222/process:80", "web1:2222", "process", None, "80"),
    ],
)
def test_services(word: str, host: str | None, manager: str | None, scope: str | None, service: str) -> None:
    assert parse(word) == Target(word, host, service=service, manager=manager, scope=scope)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("web1:0", "there is no port 0: expected a number from 1 to 65535"),
        (":70000", "there is no port 70000"),
        ("web1:" + "9" * 5000, "there is no port 99999999999999999999:"),
        (":http", "'http' is no port"),
        (":", "'nothing' is no port"),
        ("web1/", "names no service"),
        ("", "expected HOST:PORT"),
        ("-x/api", "is no target"),
        ("web1/a\nb", "is no target"),
        ("\x1b[2J:80", "is no target"),
    ],
)
def test_what_is_no_target_is_refused_in_one_clean_line(word: str, said: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse(word)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_bare_word_is_a_host() -> None:
    assert parse("web1") == Target("web1", "web1")


@given(st.text())
def test_any_word_is_read_or_refused(word: str) -> None:
    try:
        target = parse(word)
    except TargetError:
        return
    assert target.port is None or 1 <= target.port <= 65535


REFS = (
    ServiceRef("web1", "systemd", "api.service"),
    ServiceRef("web1", "docker", "api"),
    ServiceRef("web1", "systemd", "nginx.service"),
    ServiceRef("web1", "systemd", "echo.socket"),
    ServiceRef("web1", "systemd", "echo.service"),
    ServiceRef("web1", "systemd", "sync.service"),
    ServiceRef("web1", "systemd", "sync.service", "user:deploy"),
)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("web1/nginx", "web1/systemd:nginx.service"),
        ("web1/api.service", "web1/systemd:api.service"),
        ("web1/docker:api", "web1/docker:api"),
        ("web1/systemd:api", "web1/systemd:api.service"),
        ("web1/echo", "web1/systemd:echo.service"),
        ("web1/echo.socket", "web1/systemd:echo.socket"),
        ("web1/systemd:sync", "web1/systemd:sync.service"),
        ("web1/systemd@deploy:sync", "web1/systemd@deploy:sync.service"),
    ],
)
def test_names_are_found(word: str, found: str) -> None:
    assert str(find(parse(word), REFS)) == found


@pytest.mark.parametrize("word", ["web1/api", "web1/sync"])
def test_a_name_of_two_managers_or_two_users_is_ambiguous(word: str) -> None:
    with pytest.raises(TargetError, match=r"may be any of web1/.*, web1/.*: name one"):
        find(parse(word), REFS)


def test_an_ambiguous_name_lists_what_it_may_be() -> None:
    refs = (*REFS, ServiceRef("web1", "pm2", "nginx"), ServiceRef("web1", "docker", "nginx"))
    names = "web1/docker:nginx, web1/pm2:nginx, web1/systemd:nginx.service"
    with pytest.raises(TargetError, match=f"may be any of {re.escape(names)}: name one"):
        find(parse("web1/nginx"), refs)


def test_an_unknown_name_has_its_nearest() -> None:
    with pytest.raises(TargetError, match=r"no service 'ngnix' on web1; near it: web1/systemd:nginx.service"):
        find(parse("web1/ngnix"), REFS)
    with pytest.raises(TargetError, match=r"no service 'NGINX' on web1; near it: web1/systemd:nginx.service"):
        find(parse("web1/NGINX"), REFS)
    with pytest.raises(TargetError, match=r"no service 'zzz' of docker on web1 \(1 are there\)"):
        find(parse("web1/docker:zzz"), REFS)


GROUPED = (
    *REFS,
    *(ServiceRef("web1", "supervisord", name) for name in ("shop:cart", "shop:pay", "shop", "shopping", "api")),
    ServiceRef("web1", "supervisord", "pay:*"),
    *(ServiceRef("web1", "compose", f"shop/{name}") for name in ("web", "worker")),
    ServiceRef("web1", "pm2", "red/twin", "user:deploy"),
    ServiceRef("web1", "pm2", "red/twin", "user:ann"),
)


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("web1/supervisord:shop:*", ["shop", "shop:cart", "shop:pay"]),
        ("web1/shop:*", ["shop", "shop:cart", "shop:pay"]),
        ("web1/shop/*", ["shop/web", "shop/worker"]),
        ("web1/compose:shop/*", ["shop/web", "shop/worker"]),
        ("web1/supervisord:api:*", ["api"]),
        ("web1/pm2@ann:red/*", ["red/twin"]),
        # One service may be named like a group of all.
        ("web1/supervisord:pay:*", ["pay:*"]),
        ("web1/nginx", ["nginx.service"]),
    ],
)
def test_all_of_a_group(word: str, names: list[str]) -> None:
    assert [ref.name for ref in find_all(parse(word), GROUPED)] == names


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "web1/compose:shop",
            "is a group of 2: web1/compose:shop/web, web1/compose:shop/worker: name one, or all of them",
        ),
        ("web1/compose:shop", "where a command takes several: web1/compose:shop/*"),
        ("web1/nothing:*", "no service 'nothing:*'"),
        ("web1/pm2:red/*", "may be any of web1/pm2@ann:red/twin, web1/pm2@deploy:red/twin: name the manager before"),
    ],
)
def test_a_group_that_is_not_certain_is_listed(word: str, said: str) -> None:
    with pytest.raises(TargetError) as caught:
        find_all(parse(word), GROUPED)
    assert said in str(caught.value)


def test_where_one_service_is_wanted_all_of_a_group_are_listed() -> None:
    with pytest.raises(TargetError, match=r"web1/shop/\* is a group of 2: .*/web, .*/worker: name one\Z"):
        find(parse("web1/shop/*"), GROUPED)
    many = tuple(ServiceRef("web1", "supervisord", f"w:w_{number:02}") for number in range(20))
    with pytest.raises(TargetError, match=r"w:w_11 and 8 more: name one, or all"):
        find(parse("web1/w"), many)
