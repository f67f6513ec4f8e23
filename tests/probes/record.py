"""Records the answers of all probes anew, on lab hosts: ``python -m tests.probes.record [FOLDER]``.

Read the difference before it is committed: the expected part is what the parser makes of the output now.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.lab import BusyboxHost, Host, Lab, user_units
from tests.probes import nets, scene
from tests.probes.asking import RefusedError, Way, over_ssh
from tests.probes.declared import scene as declared_scene
from tests.probes.recorded import Case, find, shown

HERE = Path(__file__).parent / "recorded"
MANAGERS = Path(__file__).parent.parent / "managers" / "recorded"
PORT = str(scene.FIRST_PORT + 30)
ZOO = "/system.slice/zoo.service"
SYSTEMD = "console.managers.systemd"
USERS = "console.managers.systemd_user_sockets"
LAUNCH = "console.managers.systemd_launch"
LINGERING = "console.managers.systemd_lingering"


def _probe(name: str) -> str:
    return f"console.probes.{name}:PROBE"


def _versions(way: Way, tools: str) -> str:
    script = (
        'if [ -r /etc/os-release ]; then . /etc/os-release; fi; printf %s "${PRETTY_NAME:-no distribution}"\n'
        f"for t in {tools}; do\ncase $t in\n"
        "ss) v=$(ss -V) ;;\nawk) v=$(awk -W version 2>&1 </dev/null) ;;\n"
        'busybox) v=$(busybox 2>&1) ;;\nuname) v=$(uname -r) ;;\n*) v=$("$t" --version 2>&1) ;;\nesac\n'
        'printf ", %s" "$(echo "$v" | head -n 1 | cut -c1-60)"\ndone'
    )
    words = [*way.words, script]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


def keep(folder: Path, case: str, way: Way, probe: str, *args: str, tools: str, who: str) -> None:
    """Record one answer."""
    found = find(probe)
    try:
        output = way.output(found, *args)
    except RefusedError as refusal:
        print(f"{case}: refused: {refusal}")
        return
    expected = shown(found.parse(output))
    Case(folder / f"{case}.txt", probe, args, f"{_versions(way, tools)}, as {who}", output, expected).write()
    print(f"{case}: {len(output)} characters")


def halt(host: Host) -> None:
    """A unit whose process a signal has stopped."""
    host.sh("systemd-run --quiet --unit halts -- sleep 100007; systemctl kill -s STOP halts.service")
    host.wait("grep -q 'State:.T' /proc/$(systemctl show -P MainPID halts.service)/status")


def debian(lab: Lab, host: Host, here: Path, managers: Path, suffix: str = "") -> None:
    """Everything on a Debian host, as root and as others where it differs."""
    zoo = scene.truth(host)
    halt(host)
    pids = ("1", str(zoo["pid"]), str(zoo["blocked"]), "4194304")
    for user in ("root", "oncall", "nosudo"):
        way = over_ssh(lab, host, user)
        keep(here, f"listeners-{user}{suffix}", way, _probe("listeners"), tools="ss awk", who=user)
        keep(here, f"sockets-{user}{suffix}", way, _probe("sockets"), PORT, tools="ss", who=user)
    for user in ("root", "nosudo"):
        way = over_ssh(lab, host, user)
        keep(here, f"identity-{user}{suffix}", way, _probe("identity"), tools="systemctl", who=user)
        keep(here, f"members-{user}{suffix}", way, _probe("members"), ZOO, tools="awk uname", who=user)
        keep(here, f"process-{user}{suffix}", way, _probe("process"), *pids, tools="awk uname", who=user)
        keep(here, f"blocked-{user}{suffix}", way, _probe("blocked"), tools="awk uname", who=user)
        keep(here, f"halted-{user}{suffix}", way, _probe("halted"), tools="awk uname", who=user)
    root = over_ssh(lab, host)
    keep(here, f"vitals{suffix}", root, _probe("vitals"), tools="awk uname", who="root")
    keep(here, f"clock{suffix}", root, _probe("clock"), tools="date", who="root")
    keep(here, f"filesystems{suffix}", root, _probe("filesystems"), tools="df awk", who="root")
    keep(here, f"limits{suffix}", root, _probe("limits"), tools="uname", who="root")
    keep(here, f"usage{suffix}", over_ssh(lab, host, "nosudo"), _probe("usage"), ZOO, tools="uname", who="nosudo")
    keep(here, f"addresses{suffix}", root, _probe("addresses"), tools="uname", who="root")
    systemd(lab, host, managers, suffix)


def systemd(lab: Lab, host: Host, folder: Path, suffix: str = "") -> None:
    """The probes of the service manager."""
    root, oncall = over_ssh(lab, host), over_ssh(lab, host, "oncall")
    names = ("@", "zoo.service", "odd\\x2dname@a:b.service", "nothere.service", "stopped.service", "changed.service")
    logs = ("5", "failing.service", "zoo.service")
    tools = "systemctl"
    keep(folder, f"show{suffix}", root, f"{SYSTEMD}:SHOW", tools=tools, who="root")
    keep(folder, f"show-units{suffix}", root, f"{SYSTEMD}:SHOW_UNITS", *names, tools=tools, who="root")
    keep(folder, f"user-show{suffix}", oncall, f"{SYSTEMD}:USER_SHOW", tools=tools, who="oncall")
    keep(folder, f"user-units{suffix}", oncall, f"{SYSTEMD}:USER_SHOW_UNITS", "mine.service", tools=tools, who="oncall")
    keep(folder, f"watch{suffix}", oncall, f"{SYSTEMD}:WATCH", tools=f"{tools} stat", who="oncall")
    keep(folder, f"journal{suffix}", root, f"{SYSTEMD}:JOURNAL", *logs, tools=tools, who="root")
    keep(folder, f"user-journal{suffix}", oncall, f"{SYSTEMD}:USER_JOURNAL", "mine.service", tools=tools, who="oncall")
    keep(folder, f"launch{suffix}", root, f"{LAUNCH}:LAUNCH", "beside.service", tools=tools, who="root")
    keep(folder, f"user-launch{suffix}", oncall, f"{LAUNCH}:USER_LAUNCH", "mine.service", tools=tools, who="oncall")
    keep(folder, f"oom{suffix}", root, f"{SYSTEMD}:OOM", tools=f"{tools} uname", who="root")


def declared(lab: Lab, host: Host, folder: Path) -> None:
    """What files declare: on a host with every form of it, as root and as somebody who may not read all of them."""
    declared_scene.furnish(host)
    for user in ("root", "nosudo"):
        way = over_ssh(lab, host, user)
        keep(folder, f"declared-{user}", way, "console.probes.declared:PROBE", tools="awk stat", who=user)


def appliance(lab: Lab, host: Host, folder: Path) -> None:
    """A host of busybox and dropbear."""
    host.sh("nc -l -p 8080 -s 127.0.0.1 </dev/null >/dev/null 2>&1 & nc -lk -p 8081 -e cat >/dev/null 2>&1 &")
    for user in ("root", "nosudo"):
        way = over_ssh(lab, host, user)
        keep(folder, f"listeners-{user}-busybox", way, _probe("listeners"), tools="busybox", who=user)
    root = over_ssh(lab, host)
    for name in ("vitals", "clock", "identity", "filesystems", "blocked", "limits", "addresses"):
        keep(folder, f"{name}-busybox", root, _probe(name), tools="busybox", who="root")
    keep(folder, "process-busybox", root, _probe("process"), "1", tools="busybox", who="root")


def containers(lab: Lab, host: Host, folder: Path) -> None:
    """What containers add: networks of their own, and rules that send them what comes to a port."""
    nets.furnish(host)
    for user in ("root", "nosudo"):
        way = over_ssh(lab, host, user)
        keep(folder, f"namespaces-{user}", way, _probe("namespaces"), tools="docker awk", who=user)
    root = over_ssh(lab, host)
    pids = host.sh("docker inspect -f '{{.State.Pid}}' web inner").split()
    keep(folder, "usage-containers", root, _probe("usage"), *pids, tools="docker uname", who="root")
    for port in ("30080", "8443", "8080"):
        keep(folder, f"redirects-{port}", root, _probe("redirects"), port, tools="iptables-save nft", who="root")
    host.sh(nets.MAPS)
    keep(folder, "redirects-maps", root, _probe("redirects"), "8087", tools="iptables-save nft", who="root")
    host.sh(nets.CHAINS)
    keep(folder, "redirects-chains", root, _probe("redirects"), "8090", tools="iptables-save nft", who="root")
    host.sh(nets.NATIVE)
    keep(folder, "redirects-native", root, _probe("redirects"), "8080", tools="iptables-save nft", who="root")
    host.sudoers("oncall", ["/usr/sbin/nft -a list ruleset"])
    oncall = over_ssh(lab, host, "oncall")
    keep(folder, "redirects-oncall", oncall, _probe("redirects"), "8443", tools="nft", who="oncall, who may run nft")


def others(lab: Lab, host: Host, folder: Path) -> None:
    """What root sees of another user's service manager."""
    user_units.echo_socket(host)
    root = over_ssh(lab, host)
    args = ("oncall", "1001")
    keep(folder, "user-sockets", root, f"{USERS}:USER_SOCKETS", *args, tools="systemctl", who="root")
    keep(folder, "lingering", root, f"{LINGERING}:LINGERING", tools="systemctl stat", who="root")
    keep(folder, "lingering-units", root, f"{LINGERING}:LINGERING_UNITS", *args, tools="systemctl runuser", who="root")
    logs = ("1001", "5", "echo.socket")
    keep(folder, "lingering-journal", root, f"{SYSTEMD}:LINGERING_JOURNAL", *logs, tools="systemctl", who="root")


def tunnel(lab: Lab, host: Host, folder: Path) -> None:
    """A socket of the kernel, and one of a process."""
    port = nets.tunnel(host)
    inodes = host.sh("ss -Hltune | grep -o 'ino:[0-9]*' | cut -d: -f2").split()
    for user in ("root", "nosudo"):
        way = over_ssh(lab, host, user)
        keep(
            folder, f"kernel-sockets-{user}", way, _probe("kernel_sockets"), port, *inodes, tools="awk uname", who=user
        )


def main() -> None:
    """Boot, furnish, record."""
    here, managers = (Path(sys.argv[1]),) * 2 if len(sys.argv) > 1 else (HERE, MANAGERS)
    with Lab() as lab:
        host = lab.boot("web1")
        scene.furnish(host)
        debian(lab, host, here, managers)
        declared(lab, lab.boot("web2"), here)
        appliance(lab, lab.boot("box1", kind=BusyboxHost), here)
        others(lab, host, managers)
        tunnel(lab, host, here)
        containers(lab, lab.boot("docker1", docker=True), here)


if __name__ == "__main__":
    main()
