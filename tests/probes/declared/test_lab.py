"""What files declare, on a real host: the kernel has what was declared, and nothing else left the host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from console.core.declaration import Declared
from console.core.overlap import same_address
from console.probes import listeners
from console.probes.declared import PROBE
from tests.lab import Host, Lab
from tests.probes.asking import SHELLS, over_ssh
from tests.probes.declared import scene


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[Host]:
    made = lab.boot("declared1")
    scene.furnish(made)
    yield made
    lab.stop(made)


def ask(lab: Lab, host: Host, user: str = "root", *args: str) -> Declared:
    return over_ssh(lab, host, user).ask(PROBE, *args)


def places(found: Declared, *managers: str) -> set[tuple[str, str, int]]:
    return {
        (one.endpoint.protocol, one.endpoint.address, port)
        for one in found.declarations
        if one.manager in managers and one.sure and not one.choice
        for port in one.ports
        if 8100 <= port < 8130
    }


def test_what_runs_has_exactly_what_it_declares(lab: Lab, host: Host) -> None:
    declared = places(ask(lab, host), "systemd", "supervisord")
    kernel = {
        (one.protocol, one.address, one.port)
        for one in over_ssh(lab, host).ask(listeners.PROBE)
        if 8100 <= one.port < 8130
    }
    assert kernel == scene.BOUND
    assert {(protocol, port) for protocol, _, port in declared} == {(protocol, port) for protocol, _, port in kernel}
    for protocol, address, port in declared:
        assert any((p, n) == (protocol, port) and same_address(a, address) for p, a, n in kernel), (address, port)


def test_each_is_told_with_its_service_and_its_line(lab: Lab, host: Host) -> None:
    found = {one.endpoint.port: (one.service, one.where) for one in ask(lab, host).declarations}
    own = "/etc/systemd/system"
    assert found[8102] == ("web.service", f"{own}/web.service.d/10-port.conf:2")
    assert 8101 not in found
    assert found[8103] == ("arguments.service", f"{own}/arguments.service:2")
    assert found[8104] == ("numbered@8104.service", f"{own}/numbered@.service:2")
    assert found[8105] == ("from-file.service", f"{own}/from-file.service:4")
    assert found[8106] == ("beside.service", "/srv/beside/.env:2")
    assert found[8107] == ("chat.socket", f"{own}/chat.socket:3")
    assert found[8111] == ("nginx.service", "/etc/nginx/snippets/own-listen.inc:1")
    assert found[8113] == ("nginx.service", "/etc/nginx/conf.d/own.conf:7")
    assert [(one.name, str(one.endpoint)) for one in ask(lab, host).upstreams] == scene.SENT_ON
    assert found[8121] == ("both:worker_01", "/etc/supervisor/conf.d/own.conf:2")
    assert found[8122] == ("both:lone", "/etc/supervisor/conf.d/own.conf:8")
    assert found[8131] == ("first", "/srv/apps/ecosystem.config.js:3")
    assert found[8132] == ("second", "/srv/apps/ecosystem.config.js:4")
    assert found[8152] == ("haproxy.service", "/etc/haproxy/haproxy.cfg:5")
    assert found[8160] == ("redis.service", "/etc/redis/redis.conf:2")
    assert found[8180] == ("postgresql@15-main.service", "/etc/postgresql/15/main/postgresql.conf:2")
    assert found[8170] == ("apache.service", "/etc/apache2/ports.conf:1")
    assert 6379 not in found


def test_files_with_secrets_that_everyone_may_read(lab: Lab, host: Host) -> None:
    """By whom it is asked makes no difference; a folder that keeps others out, and a mode that does, are enough."""
    host.write("/srv/shut/.env", "API_TOKEN=hunter2\n")
    host.sh("chmod 750 /srv/shut")
    host.write("/srv/shut/compose.yml", "services:\n  api:\n    image: x\n")
    host.write("/srv/quiet/.env", "API_TOKEN=hunter2\n", mode=0o640)
    host.write("/srv/quiet/compose.yml", "services:\n  api:\n    image: x\n")
    host.write("/srv/plain/.env", "TOKEN_TTL=30\nAPI_KEY=$OTHER\nKEY_FILE=/run/x\nPORT=80\nUSE_PASSWORD=true\n")
    host.write("/srv/plain/compose.yml", "services:\n  api:\n    image: x\n")
    host.write("/srv/url/.env", "export DATABASE='postgres://u:s3cr3t@db/x'\n")
    host.write("/srv/url/compose.yml", "services:\n  api:\n    image: x\n")
    try:
        for user in ("root", "nosudo"):
            found = {one.path: one for one in ask(lab, host, user).open_files}
            assert set(found) >= {"/etc/default/from-file", "/srv/beside/.env", "/srv/url/.env"}
            assert not set(found) & {"/srv/shut/.env", "/srv/quiet/.env", "/srv/plain/.env"}
            own = found["/srv/beside/.env"]
            assert (own.mode, own.unit, own.names) == ("0644", "beside.service", ("SECRET_PORT", "PASSWORD"))
            assert found["/srv/url/.env"].names == ("DATABASE",)
        before = ask(lab, host)
        host.sh("chmod 640 /srv/url/.env")
        after = ask(lab, host, "root", before.stamp, *before.also)
        assert not after.same
        assert "/srv/url/.env" not in {one.path for one in after.open_files}
    finally:
        host.sh("rm -r /srv/shut /srv/quiet /srv/plain /srv/url")


def test_files_with_secrets_of_what_is_no_unit(lab: Lab, host: Host) -> None:
    """By ``env_file`` of Compose, beside and by ``cwd`` of an ecosystem file, and where a manager starts a service."""
    text = "DB_PASSWORD=hunter2\n"
    for path in ("/srv/own/app.env", "/srv/eco/.env", "/opt/a/b/.env", "/var/lib/named/.env"):
        host.write(path, text, mode=0o644)
    host.write("/srv/own/compose.yml", "services:\n  web:\n    image: x\n    env_file:\n      - app.env\n")
    host.write("/srv/eco/ecosystem.config.js", "module.exports = { apps: [{ name: 'a', cwd: '/opt/a/b/' }] };\n")
    try:
        for user in ("root", "nosudo"):
            found = {one.path: one for one in ask(lab, host, user, "", "=/var/lib/named").open_files}
            assert set(found) >= {"/srv/own/app.env", "/srv/eco/.env", "/opt/a/b/.env", "/var/lib/named/.env"}
            assert found["/srv/own/app.env"].given == (("/srv/own/compose.yml", "web"),)
            assert found["/var/lib/named/.env"].names == ("DB_PASSWORD",)
        before = ask(lab, host, "root", "", "=/var/lib/named")
        assert ask(lab, host, "root", before.stamp, *before.also, "=/var/lib/named").same
        host.sh("chmod 640 /srv/own/app.env /var/lib/named/.env")
        after = ask(lab, host, "root", before.stamp, *before.also, "=/var/lib/named")
        assert {one.path for one in after.open_files} & set(found) == set(found) - {
            "/srv/own/app.env", "/var/lib/named/.env",
        }  # fmt: skip
    finally:
        host.sh("rm -r /srv/own /srv/eco /opt/a /var/lib/named")


def test_the_ports_of_a_project_are_those_that_compose_itself_reads(lab: Lab, host: Host) -> None:
    text = host.sh("cd /srv/shop && docker-compose config")
    declared = {
        f"{one.at(one.endpoint.port).port}" + (f"-{one.last}" if one.last else "")
        for one in ask(lab, host).declarations
        if one.manager == "compose"
    }
    assert {one.service for one in ask(lab, host).declarations if one.manager == "compose"} == {"shop/web", "shop/long"}
    assert declared == {"8140-8142", "8143", "8144", "8147", "5353", "8145", "8146"}
    for word in declared:
        assert word in text, text


@pytest.mark.parametrize("user", ["root", "nosudo"])
def test_no_secret_leaves_the_host(user: str, lab: Lab, host: Host) -> None:
    text = over_ssh(lab, host, user).output(PROBE)
    assert "8102" in text
    for secret in scene.SECRETS:
        assert secret not in text
    assert "WORKERS" not in text
    assert len(text) < 20_000


def test_a_file_that_may_not_be_read_is_named(lab: Lab, host: Host) -> None:
    found = ask(lab, host, "nosudo")
    assert "/etc/default/closed" in found.hidden
    assert 8109 not in {one.endpoint.port for one in found.declarations}
    assert 8102 in {one.endpoint.port for one in found.declarations}
    assert "/etc/default/closed" not in ask(lab, host).hidden


def test_nothing_is_read_again_until_a_file_changes(lab: Lab, host: Host) -> None:
    first = ask(lab, host)
    assert ask(lab, host, "root", first.stamp, *first.also) == Declared(same=True)
    host.write("/srv/beside/.env", "HOST=127.0.0.1\nPORT=8119\n")
    second = ask(lab, host, "root", first.stamp, *first.also)
    assert 8119 in {one.endpoint.port for one in second.declarations}
    assert second.stamp != first.stamp
    for path, text in (("/etc/nginx/conf.d/more.conf", "server { listen 8114; }\n"), ("/srv/more/compose.yml", "")):
        host.write(path, text)
        assert not ask(lab, host, "root", second.stamp, *second.also).same, path
        host.run(["rm", path])
    host.write("/srv/beside/.env", scene.FILES["/srv/beside/.env"])


def test_what_is_no_file_and_what_is_too_large_is_left_alone(lab: Lab, host: Host) -> None:
    host.sh("mkdir -p /srv/odd /srv/large; mkfifo /srv/odd/.env /srv/odd/compose.yml")
    host.sh("cp /srv/shop/docker-compose.yml /srv/large/; seq 90000 >>/srv/large/docker-compose.yml")
    odd = "[Service]\nWorkingDirectory=/srv/odd\nExecStart=/bin/true --port 8118\n"
    host.write("/etc/systemd/system/odd.service", odd)
    found = ask(lab, host)
    assert "/srv/large/docker-compose.yml" in found.hidden
    assert 8118 in {one.endpoint.port for one in found.declarations}
    assert not {one.service for one in found.declarations} & {"large/web"}
    host.sh("rm -r /srv/odd /srv/large /etc/systemd/system/odd.service")


def test_a_masked_unit_declares_nothing(lab: Lab, host: Host) -> None:
    assert 80 in {one.endpoint.port for one in ask(lab, host).declarations if one.service == "nginx.service"}
    host.run(["systemctl", "mask", "ssh.socket"])
    assert not [one for one in ask(lab, host).declarations if one.service == "ssh.socket"]
    host.run(["systemctl", "unmask", "ssh.socket"])
    assert [one for one in ask(lab, host).declarations if one.service == "ssh.socket"]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_reads_the_same(shell: str, lab: Lab, host: Host) -> None:
    way = over_ssh(lab, host)
    assert PROBE.parse(way.output(PROBE, shell=shell)).declarations == ask(lab, host).declarations
