"""Which service of a host a word names, and what is said where none is found."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from console.cli.errors import CliError
from console.cli.targets import found, found_all, parsed, service_target
from console.core.declaration import Declaration, Declared
from console.core.service import Endpoint, ServiceRef
from console.core.snapshot import Snapshot, Source
from console.core.target import Target
from tests.cli.examples import API, HOLDER, snapshot

FROZEN = "dockerd (process 58) was stopped by a signal and does not answer: kill -CONT 58"
DENIED = "permission denied on /var/run/docker.sock: join group docker"
HIDDEN = "nosudo may not use /run/supervisor.sock"


def seen(*more: Source) -> Snapshot:
    known = snapshot()
    return replace(known, sources=(Source("vitals", 109.6, "no answer"), Source("systemd", 109.0), *more))


def said(word: str, known: Snapshot) -> str:
    with pytest.raises(CliError) as caught:
        found(parsed(word), known)
    return str(caught.value)


def test_a_service_is_found_by_its_name() -> None:
    assert found(parsed("web1/api"), seen()) == API


def test_where_none_is_found_it_is_told_which_managers_may_have_it_and_do_not_tell() -> None:
    supervisord, docker = Source("supervisord", None, HIDDEN), Source("docker", 109.0)
    told = said("web1/shop", seen(supervisord, docker))
    assert told == f"no service 'shop' on web1 (2 are there); supervisord is not seen: {HIDDEN}"
    told = said("web1/supervisord:shop", seen(supervisord, docker))
    assert told == f"it is not known whether web1 has supervisord:shop: supervisord is not seen: {HIDDEN}"
    assert HIDDEN not in said("web1/docker:shop", seen(supervisord, docker))


@pytest.mark.parametrize(
    ("word", "code"), [("web1/docker:x", 1), ("web1/compose:shop/x", 1), ("web1/x", 1), ("web1/pm2:x", 2)]
)
def test_a_name_is_only_wrong_where_all_that_may_have_it_were_asked(word: str, code: int) -> None:
    with pytest.raises(CliError) as caught:
        found(parsed(word), seen(Source("docker", None, FROZEN, hangs=True)))
    assert (caught.value.code, FROZEN in str(caught.value)) == (code, code == 1)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (Source("docker", None, DENIED), 2),
        (Source("docker", 109.0, DENIED, partial=True), 2),
        (Source("docker", 109.0, "dockerd does not answer"), 1),
        (Source("docker", None, "no answer in 8 s", waiting=True), 1),
        (Source("docker", None, "dockerd: no list of containers", broken=True), 1),
    ],
)
def test_a_wrong_name_is_one_also_where_this_login_may_not_ask_a_manager(source: Source, code: int) -> None:
    with pytest.raises(CliError) as caught:
        found(parsed("web1/x"), seen(source))
    assert caught.value.code == code
    assert f"no service 'x' on web1 (2 are there); docker is not seen: {source.failure}" in str(caught.value)
    with pytest.raises(CliError) as caught:
        found(parsed("web1/docker:x"), seen(source))
    assert caught.value.code == (1 if not source.partial else code)


def test_one_that_may_be_two_is_told_without_what_is_not_seen() -> None:
    twin = replace(HOLDER, ref=ServiceRef("web1", "docker", "api"))
    known = seen(Source("supervisord", None, HIDDEN))
    told = said("web1/api", replace(known, services=(*known.services, twin)))
    assert told == "web1/api may be any of web1/docker:api, web1/systemd:api.service: name one"


DECLARED = Declared(
    (
        Declaration("api", Endpoint("tcp", "*", 8080), "/etc/supervisor/conf.d/api.conf:5", "supervisord"),
        Declaration("web", Endpoint("tcp", "*", 8081), "/etc/supervisor/conf.d/web.conf:5", "supervisord"),
        Declaration("api", Endpoint("tcp", "*", 8080), "/srv/ecosystem.config.js:3", "pm2", ""),
    )
)
OF_FILE = (
    f"web1/supervisord:api is declared by /etc/supervisor/conf.d/api.conf:5, and supervisord is not seen: {HIDDEN}"
)


@pytest.mark.parametrize("find", [found, found_all])
def test_what_files_declare_of_a_manager_that_does_not_tell_is_one_of_those_that_may_be_meant(
    find: Callable[[Target, Snapshot], object],
) -> None:
    known = replace(seen(Source("supervisord", None, HIDDEN), Source("pm2", 109.0)), declared=DECLARED)
    with pytest.raises(CliError) as caught:
        find(parsed("web1/api"), known)
    assert str(caught.value) == (
        f"web1/api may be any of web1/supervisord:api, web1/systemd:api.service: name one; {OF_FILE}"
    )
    assert caught.value.code == 2
    assert found(parsed("web1/systemd:api"), known) == API
    with pytest.raises(CliError, match=r"^web1/supervisord:web is declared by") as caught:
        find(parsed("web1/web"), known)
    assert caught.value.code == 1


def test_files_do_not_count_where_their_manager_tells() -> None:
    known = replace(seen(Source("supervisord", 109.0), Source("pm2", 109.0)), declared=DECLARED)
    assert found(parsed("web1/api"), known) == API


def test_a_port_where_a_service_is_meant_is_told_with_the_option_for_it() -> None:
    with pytest.raises(CliError, match=r"expected HOST/SERVICE --port 53/udp \(hostdeck why web1:53/udp tells"):
        service_target("web1:53/udp", takes_port=True)
    with pytest.raises(CliError, match=r"expected HOST/SERVICE \(hostdeck why web1:7000 tells"):
        service_target("web1:7000")


def test_where_no_service_is_seen_the_word_is_not_what_is_wrong() -> None:
    with pytest.raises(CliError) as caught:
        found(parsed("/api"), replace(seen(), services=()))
    assert "no services were seen on" in str(caught.value)
    assert caught.value.code == 1
