"""The environment of services on a real host, as three users: what is told, what is not, and that no secret is."""

from typing import Any

from tests.cli.test_on_hosts import Done, Hostdeck, hostdeck
from tests.lab import FreshHost, Host
from tests.managers import docker_zoo, pm2_zoo

__all__ = ["hostdeck"]

TOKEN, SECOND, THIRD = "ghp_0123456789abcdefghijABCDEFGHIJ", "hunter2-of-the-unit", "hunter3 with blanks"
PLANTED = (TOKEN, "hunter2", "hunter3")
UNIT = f"""[Service]
User=deploy
WorkingDirectory=/srv/envy
Environment=MODE=prod "UNIT_SECRET={SECOND}"
Environment=OVER=unit
EnvironmentFile=/etc/default/envy
EnvironmentFile=-/etc/default/envy-none
ExecStart=/bin/sh -c 'exec sleep 9000'
"""
FILE = f"""# what it is given
PORT=8080
API_TOKEN={TOKEN}
DB_PASSWORD="{THIRD}"
OVER=file
ESCAPED=a\\ b "no quotes"
QUOTED="two
lines"
"""


def plant(host: Host) -> None:
    host.sh("id deploy >/dev/null 2>&1 || useradd deploy; mkdir -p /srv/envy")
    host.write("/etc/default/envy", FILE, mode=0o640)
    host.write("/srv/envy/.env", f"LOCAL_TOKEN={TOKEN}\nPORT=9\n", mode=0o644)
    host.unit("envy.service", UNIT)
    host.wait("systemctl is-active envy.service && test -d /proc/$(systemctl show -p MainPID --value envy.service)")


def sources(done: Done) -> dict[str, dict[str, Any]]:
    assert not any(secret in done.out + done.err for secret in PLANTED)
    return {f"{one['kind']} {one['where']}".split(" pid")[0]: one for one in done.json("env/1")["sources"]}


def open_files(done: Done) -> dict[str, str]:
    """Who uses the files of the findings, by these."""
    assert not any(secret in done.out + done.err for secret in PLANTED)
    found = [one for one in done.json("status/1")["findings"] if one["code"] == "env-readable"]
    return {one["subject"]: one["evidence"][-1] for one in found}


def values(source: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {each["name"]: (each["value"], each["note"]) for each in source["variables"]}


def test_a_unit_as_three_users(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    host = fresh_host()
    plant(host)
    target = f"{host.name}/envy"

    done = hostdeck("root", "env", target, "--json")
    assert done.code == 0, done.err
    seen = sources(done)
    assert done.json("env/1")["restart_due"] == []
    unit, file, running = seen["unit envy.service"], seen["file /etc/default/envy"], seen["process"]
    assert values(unit) == {
        "MODE": ("prod", None), "UNIT_SECRET": ("********", None), "OVER": ("unit", "overridden by /etc/default/envy"),
    }  # fmt: skip
    assert unit["variables"][1]["where"] == "/etc/systemd/system/envy.service:4"
    assert (file["mode"], file["owner"], file["readable_by_all"]) == ("0640", "root:root", False)
    assert all(each["note"] is None for each in file["variables"]), file
    assert values(file)["ESCAPED"] == ('a b "no quotes"', None)
    assert seen["file /etc/default/envy-none"]["failure"] == "not there, which is allowed"
    assert values(running)["API_TOKEN"] == ("********", None)
    assert seen["dotenv /srv/envy/.env"]["readable_by_all"] is True

    for user in ("oncall", "nosudo"):
        other = hostdeck(user, "env", target, "--json")
        hidden = sources(other)
        assert other.code == 0
        assert hidden["file /etc/default/envy"]["failure"] == f"{user} may not read it"
        why = f"{user} may not read the environment of a process of deploy"
        assert hidden["process"]["failure"] == why
        assert values(hidden["unit envy.service"])["MODE"] == ("prod", None)
        assert values(hidden["dotenv /srv/envy/.env"])["LOCAL_TOKEN"] == ("********", None)

    host.sh("sed -i 's/hunter3 with/hunter3 and/; s/^PORT=.*/PORT=8081/' /etc/default/envy")
    host.sh("touch -d '+1 minute' /etc/default/envy")
    late = hostdeck("root", "env", target, "--json")
    assert late.json("env/1")["restart_due"] == ["PORT", "DB_PASSWORD"]
    text = hostdeck("root", "env", target)
    assert "PORT=8081  (line 2)  <- changed on disk since the start: a restart is due" in text.out
    assert "RESTART DUE" in text.out
    assert not any(secret in text.out + text.err for secret in PLANTED)
    assert "chmod 640 /srv/envy/.env" in text.out


def test_a_program_of_supervisord_and_an_app_of_pm2(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    host = fresh_host()
    for folder in ("sup", "web"):
        host.write(f"/var/lib/{folder}/.env", f"DB_PASSWORD={SECOND}\n", mode=0o644)
    program = (
        "[program:envy]\ncommand=/bin/sleep 9000\ndirectory=/var/lib/sup\nuser=nobody\n"
        f'environment=A="1",DB_PASSWORD="{SECOND}"\n'
    )
    host.write("/etc/supervisor/conf.d/envy.conf", program, mode=0o600)
    host.sh("systemctl start supervisor")
    host.wait("supervisorctl status envy | grep -q RUNNING")
    done = hostdeck("root", "env", f"{host.name}/supervisord:envy", "--json")
    seen = sources(done)
    program_source = seen["program /etc/supervisor/conf.d/envy.conf"]
    assert values(program_source) == {"A": ("1", None), "DB_PASSWORD": ("********", None)}
    assert program_source["mode"] == "0600"
    assert values(seen["process"])["SUPERVISOR_PROCESS_NAME"] == ("envy", None)

    assert seen["dotenv /var/lib/sup/.env"]["readable_by_all"] is True

    pm2_zoo.furnish(host, "deploy", (pm2_zoo.app("web", "sleeps.sh", cwd="/var/lib/web"),))
    app = sources(hostdeck("root", "env", f"{host.name}/pm2:web", "--json"))
    assert values(app["process"])["TOKEN"] == ("********", None)
    assert app["dotenv /var/lib/web/.env"]["readable_by_all"] is True
    told = hostdeck("root", "status", host.name, "--json")
    assert open_files(told)["/var/lib/web/.env"] == "used by web"
    assert open_files(told)["/var/lib/sup/.env"] == "used by envy"


def test_containers_and_what_lies_beside_a_project(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    host = fresh_host(docker=True)
    docker_zoo.image(host)
    file = """version: "2.4"
services:
  api:
    image: lab-zoo:1.4
    command: ["sleep", "9000"]
    environment: {DB_PASSWORD: "${DB_PASSWORD}", MODE: "prod"}
    env_file:
      - conf/api.env
"""
    host.write("/srv/shop/docker-compose.yml", file)
    host.write("/srv/shop/.env", f"DB_PASSWORD={SECOND}\nMODE=dev\n", mode=0o640)
    host.write("/srv/shop/conf/api.env", f"API_TOKEN={TOKEN}\nMODE=dev\n", mode=0o644)
    host.sh("cd /srv/shop && docker-compose up -d", timeout=120)
    host.sh(f"docker run -d --name alone -e API_TOKEN={TOKEN} lab-zoo:1.4 sleep 9000", timeout=60)

    seen = sources(hostdeck("root", "env", f"{host.name}/compose:shop/api", "--json"))
    assert values(seen["container shop_api_1"])["DB_PASSWORD"] == ("********", None)
    beside = values(seen["dotenv /srv/shop/.env"])
    assert beside == {"DB_PASSWORD": ("********", None), "MODE": ("dev", "the running process has another value")}
    given = seen["env_file /srv/shop/conf/api.env"]
    other = "the running process has another value"
    assert values(given) == {"API_TOKEN": ("********", None), "MODE": ("dev", other)}
    assert given["readable_by_all"] is True
    told = hostdeck("root", "status", host.name, "--json")
    assert open_files(told)["/srv/shop/conf/api.env"] == "used by shop/api"
    host.sh("echo DB_PASSWORD=hunter2-new >/srv/shop/.env; touch -d '+1 minute' /srv/shop/.env")
    late = hostdeck("root", "env", f"{host.name}/compose:shop/api", "--json")
    assert sources(late)
    assert late.json("env/1")["restart_due"] == ["DB_PASSWORD"]
    alone = sources(hostdeck("root", "env", f"{host.name}/docker:alone", "--json"))
    assert values(alone["container alone"])["API_TOKEN"] == ("********", None)
    none = hostdeck("nosudo", "env", f"{host.name}/docker:alone")
    assert none.code != 0
    assert not any(secret in none.out + none.err for secret in PLANTED)


def test_what_was_started_by_hand(hostdeck: Hostdeck, fresh_host: FreshHost) -> None:
    host = fresh_host()
    host.write("/var/lib/hand/.env", f"DB_PASSWORD={SECOND}\n", mode=0o644)
    host.sh("cd /var/lib/hand && setsid -f sh -c 'echo $$ >/run/hand.pid; exec sleep 9000' >/dev/null 2>&1 </dev/null")
    host.wait("test -s /run/hand.pid")
    seen = sources(hostdeck("root", "env", f"{host.name}/pidfile:hand", "--json"))
    assert seen["dotenv /var/lib/hand/.env"]["readable_by_all"] is True
    told = hostdeck("root", "status", host.name, "--json")
    assert open_files(told)["/var/lib/hand/.env"] == "used by hand"
