"""Real Debian hosts on this machine, for tests.

By hand:      python -m tests.lab up        (also: image, list, down)
In a test:    the fixtures `fleet` (shared hosts), `fresh_host` (a host to break) and `lab`
In a script:  with Lab() as lab: web1 = lab.boot("web1"); lab.ssh_config("oncall")

A host is an overlay of one base image, booted by systemd-nspawn in a network namespace of its own, with
systemd, sshd and journald as they are. Everything is recorded under /run/hostdeck-lab before it is made;
what is recorded, and only that, is removed when the owner closes the lab or dies.
Faults are in `faults`, states for the port diagnosis in `cases`, a small fleet in `fleet`.
"""

from .busybox import BusyboxHost
from .host import CommandError, Host
from .lab import Lab
from .packages import LabError, why_not
from .shared import Fleet, FreshHost

__all__ = ["BusyboxHost", "CommandError", "Fleet", "FreshHost", "Host", "Lab", "LabError", "why_not"]
