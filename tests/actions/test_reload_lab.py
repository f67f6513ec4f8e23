"""Reloads of real hosts: the configuration is tested before, and the log is proved to be the new one afterwards."""

from dataclasses import replace

import pytest

from console.actions import ActionSettings
from console.core.plan import ActionKind, PlanProgress, Result
from tests.lab import FreshHost, Host, Lab, releases
from tests.remote.real import QUICK, connected, planned, run

NGINX = ("/usr/bin/systemctl reload nginx.service", "/usr/sbin/nginx -t -q")


async def reload(lab: Lab, host: Host, name: str, user: str = "root", logs: tuple[str, ...] = ()) -> PlanProgress:
    async with connected(host.name, lab.ssh_config(user)) as transport:
        settings = replace(QUICK, declared_logs=logs)
        wanted = await planned(transport, ActionKind.RELOAD, name, settings=settings)
        return await run(transport, wanted, root=user == "root")


def said(last: PlanProgress) -> dict[str, str]:
    return {one.name: one.output.strip() for one in (*last.preflight, *last.checks)}


async def test_a_rotated_log_is_proved_to_be_written_anew(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.install_api()
    host.wait("curl -fs http://127.0.0.1:8080/health")
    assert said(await reload(lab, host, "api.service"))["api.service writes to its present logs"] == (
        "not told: it writes to /var/log/api/api.log; "
        "that these are the names of its logs is for logs = [...] of the service to say"
    )
    last = await reload(lab, host, "api.service", logs=("/var/log/api/api.log",))
    assert "writes to the file that has this name now: /var/log/api/api.log" in last.proof
    host.sh("mv /var/log/api/api.log /var/log/api/api.log.1")
    last = await reload(lab, host, "api.service")
    assert last.result is Result.DONE, last
    assert "rotated away: /var/log/api/api.log" in said(last)["see which logs api.service writes"]
    assert "writes to the new file: /var/log/api/api.log" in last.proof
    host.sh("rm /var/log/api/api.log")
    assert "writes to the new file: /var/log/api/api.log" in (await reload(lab, host, "api.service")).proof


@pytest.mark.parametrize("name", ["api.log-20261120", "api.log-2026112005", "api.1.log"])
async def test_a_service_that_keeps_the_old_file_has_not_reloaded(lab: Lab, fresh_host: FreshHost, name: str) -> None:
    host = fresh_host()
    releases.install(host)
    host.sh("cp -r /srv/api /srv/made && mkdir -p /srv/api/current && cp /srv/made/api.py /srv/api/current/")
    host.write("/srv/api/current/version.json", '{"version": "v1", "faults": ["clings"]}')
    host.run(["systemctl", "start", "api.service"])
    host.wait("curl -fs http://127.0.0.1:8080/health")
    host.sh(f"mv /var/log/api/api.log /var/log/api/{name} && touch /var/log/api/api.log")
    last = await reload(lab, host, "api.service", logs=("/var/log/api/api.log",))
    assert last.result is Result.FAILED
    assert "still writes to what was rotated away" in (last.reason or "")


async def test_a_mistake_in_the_configuration_stops_the_reload(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host(sudo=NGINX)
    host.run(["systemctl", "start", "nginx.service"])
    name = "the configuration of nginx.service is without mistakes"
    for user in ("root", "oncall"):
        last = await reload(lab, host, "nginx.service", user)
        assert (last.result, said(last)[name]) == (Result.DONE, "nginx -t -q is content")
    host.write("/etc/nginx/conf.d/broken.conf", "server { listen 80 }\n")
    for user in ("root", "oncall"):
        last = await reload(lab, host, "nginx.service", user)
        assert last.result is Result.REFUSED, last
        assert "/etc/nginx/conf.d/broken.conf:1" in (last.reason or "")
    host.sudoers("oncall", NGINX[:1])
    last = await reload(lab, host, "nginx.service", "oncall")
    assert "oncall ALL=(root) NOPASSWD: /usr/sbin/nginx -t -q" in said(last)[name]


def test_a_configured_test_takes_the_place_of_the_known_one() -> None:
    from tests.actions.hosts import service, snapshot
    from tests.actions.test_plan import made

    settings = ActionSettings(reload_test=("/usr/local/bin/check", "--all"))
    plan = made(ActionKind.RELOAD, snapshot(service("nginx.service", pids=(7,))), settings, name="nginx.service")
    test = next(check for check in plan.preflight if "without mistakes" in check.name)
    assert test.command.argv[-2:] == ("/usr/local/bin/check", "--all")


async def test_the_file_that_nginx_was_started_with_is_the_one_that_is_tested(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    other = "events {}\nhttp { server { listen 8099; %s 200 old; } }\n"
    host.write("/etc/nginx/other.conf", other % "return")
    started = "[Service]\nType=forking\nPIDFile=/run/nginx.pid\nExecStart=/usr/sbin/nginx -c /etc/nginx/other.conf\n"
    host.unit("nginx.service", started)
    name = "the configuration of nginx.service is without mistakes"
    last = await reload(lab, host, "nginx.service")
    assert (last.result, said(last)[name]) == (Result.DONE, "nginx -t -q -c /etc/nginx/other.conf is content")
    host.write("/etc/nginx/other.conf", other % "retrun")
    last = await reload(lab, host, "nginx.service")
    assert last.result is Result.REFUSED, last
    assert "/etc/nginx/other.conf:2" in (last.reason or "")
