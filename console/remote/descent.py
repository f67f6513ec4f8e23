"""What is remembered of the processes of services: what descends from them, and in which units they ran."""

from collections.abc import Collection, Iterable

from console.core.network import Family
from console.core.service import Service, ServiceRef
from console.managers.adrift import Processes
from console.managers.lineage import units_of


class Descent:
    """Of one host: its families as they were looked at last, and what is kept of those of before."""

    def __init__(self) -> None:
        self.families: dict[int, Family] = {}
        self.units: dict[int, tuple[str, ...]] = {}
        """The units in which each manager was seen to run, by its process."""
        self._born: dict[int, int] = {}
        """When the processes began that managers told of, or that are managers, in clock ticks after boot."""
        self._ran_in: dict[ServiceRef, tuple[str, ...]] = {}
        """The same by what it runs: one that was started anew and ended before it was looked at ran where it did."""

    def started_anew(self, services: Iterable[Service]) -> bool:
        """Take managers that were not looked at yet for running where they ran; whether that told something new."""
        ran_in = ((each.daemon, self._ran_in.get(each.ref)) for each in services)
        units = {pid: units for pid, units in ran_in if pid is not None and units is not None} | self.units
        new, self.units = units != self.units, units
        return new

    def take(
        self,
        families: Iterable[Family],
        told: Collection[Service],
        mains: Collection[int],
        there: Collection[ServiceRef],
    ) -> None:
        """Take what was looked at; ``told`` are the services of managers that answer, ``there`` all that are known.

        ``mains`` are the processes of which the families are wanted.
        """
        self.families = {family.pid: family for family in families}
        # A number that another process has by now is not what a manager told that does not answer any more.
        kept = {pid: born for pid, born in self._born.items() if pid in mains}
        now_told = {pid for service in told for pid in (*service.pids, service.daemon)}
        self._born = kept | {pid: family.started for pid, family in self.families.items() if pid in now_told}
        units = {pid: unit for pid, unit in self.units.items() if pid in mains and pid not in self.families}
        self.units = units | units_of(told, self.families)
        run = {service.ref: self.units[pid] for service in told if (pid := service.daemon) in self.units and pid}
        self._ran_in = {ref: units for ref, units in self._ran_in.items() if ref in there} | run

    def alive(self) -> Processes:
        """Which of the processes that managers told of are still those."""
        alive = {family.pid for family in self.families.values() if self._born.get(family.pid) == family.started}
        return Processes(alive, self._born.keys())
