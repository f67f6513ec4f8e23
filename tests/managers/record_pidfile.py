"""Records the answers of the probes of pid files anew, on lab hosts: ``python -m tests.managers.record_pidfile``."""

from __future__ import annotations

from dataclasses import replace

from console.core.pid_file import PidFile
from console.managers.pidfile import PIDFILE
from tests.lab import BusyboxHost, Host, Lab
from tests.managers.pidfile_zoo import API, by_hand, install
from tests.probes.asking import over_ssh
from tests.probes.record import MANAGERS, keep

PROBES = "console.managers.pidfile"
SLEEP = ("/bin/sleep", "1000")
DECLARED = (
    API,
    PidFile("late", "/srv/odd/late.pid"),
    PidFile("stale", "/srv/odd/stale.pid"),
    PidFile("missing", "/srv/odd/missing.pid", ("/srv/odd/run",), user="deploy"),
    PidFile("closed", "/root/closed.pid"),
)


def furnish(host: Host) -> None:
    """One of each kind."""
    install(host)
    host.sh("install -d -o deploy /srv/found /srv/odd; install -m 600 /dev/null /root/closed.pid")
    by_hand(host, API.path, "env", *API.command[1:], log=API.logs[0], cwd="/srv/api")
    by_hand(host, "/srv/found/found.pid", *SLEEP, log="/srv/found/out.log", cwd="/srv/found")
    by_hand(host, "/srv/odd/late.pid", *SLEEP, age="2 hours ago")
    host.sh("systemctl start nginx; echo 4194000 >/srv/odd/stale.pid; echo no >/srv/odd/none.pid")


def main() -> None:
    """Boot, furnish, record."""
    # The words of a recorded case are told apart by blanks.
    declared = tuple(replace(file, command=tuple(word.replace(" ", "") for word in file.command)) for file in DECLARED)
    words, paths = PIDFILE.survey_words(declared, ()), PIDFILE.presence_words(declared)
    with Lab() as lab:
        host = lab.boot("web1")
        furnish(host)
        for user in ("root", "oncall"):
            way = over_ssh(lab, host, user)
            keep(MANAGERS, f"pidfile-{user}", way, f"{PROBES}:SURVEY_PROBE", *words, tools="stat uname", who=user)
        keep(MANAGERS, "pidfile-presence", way, f"{PROBES}:PRESENCE_PROBE", *paths, tools="uname", who="oncall")
        box = over_ssh(lab, lab.boot("box1", kind=BusyboxHost))
        keep(MANAGERS, "pidfile-busybox", box, f"{PROBES}:SURVEY_PROBE", *words, tools="busybox", who="root")


if __name__ == "__main__":
    main()
