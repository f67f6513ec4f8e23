"""Rates: never negative, never more than the whole, nothing where nothing can be said."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.rates import rates
from console.core.sample import CpuTimes, DiskCounters, InterfaceCounters, Memory, Sample

ZERO = CpuTimes(0, 0, 0, 0, 0, 0, 0, 0)
counter = st.integers(0, 2**40)
cpu_times = st.builds(CpuTimes, *[counter] * 8)
disks = st.lists(
    st.builds(DiskCounters, st.sampled_from(["sda", "sdb", "vda"]), *[counter] * 7), max_size=3
).map(tuple)  # fmt: skip
interfaces = st.lists(
    st.builds(InterfaceCounters, st.sampled_from(["eth0", "eth1"]), *[counter] * 6), max_size=2
).map(tuple)  # fmt: skip


def sample(uptime: float, *cpus: CpuTimes, boot: str = "one") -> Sample:
    return Sample(uptime, boot, cpus, (0.0, 0.0, 0.0), 1, 0, Memory(1, 1, 0, 0))


samples = st.builds(
    lambda uptime, cpus, disks, interfaces: replace(sample(uptime, *cpus), disks=disks, interfaces=interfaces),
    st.floats(0, 1e9), st.lists(cpu_times, max_size=4), disks, interfaces,
)  # fmt: skip


@settings(deadline=None)
@given(samples, samples)
def test_every_rate_is_within_its_bounds(before: Sample, after: Sample) -> None:
    found = rates(before, after)
    if found is None:
        return
    assert found.seconds > 0
    for cpu in (found.cpu, *found.cores):
        parts = (cpu.user, cpu.system, cpu.iowait, cpu.steal)
        assert min(parts) >= 0
        assert sum(parts) <= 100.0001
    for disk in found.disks:
        assert min(disk.read_bytes, disk.written_bytes, disk.operations, disk.await_ms, disk.busy) >= 0
        assert disk.busy <= 100
    for interface in found.interfaces:
        assert min(interface.rx_bytes, interface.tx_bytes, interface.errors) >= 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (sample(10, ZERO), sample(11, replace(ZERO, idle=100), boot="two")),
        (sample(10, ZERO), sample(10, replace(ZERO, idle=100))),
        (sample(11, ZERO), sample(10, replace(ZERO, idle=100))),
        (sample(10, replace(ZERO, user=5)), sample(11, replace(ZERO, idle=100))),
        (sample(10, ZERO), sample(11, ZERO)),
        (sample(10), sample(11)),
    ],
    ids=["rebooted", "no time", "backwards", "counters backwards", "no ticks", "no CPU"],
)
def test_nothing_is_said_where_nothing_is_known(before: Sample, after: Sample) -> None:
    assert rates(before, after) is None


def test_a_second_of_two_cores() -> None:
    busy = CpuTimes(user=50, nice=10, system=10, idle=20, iowait=4, irq=2, softirq=2, steal=2)
    idle = replace(ZERO, idle=100)
    both = CpuTimes(50, 10, 10, 120, 4, 2, 2, 2)
    found = rates(sample(10, ZERO, ZERO, ZERO), sample(11, both, busy, idle))
    assert found is not None
    assert (found.cpu.user, found.cpu.system, found.cpu.iowait, found.cpu.steal) == (30, 7, 2, 1)
    assert found.cpu.busy == 38
    assert [core.user for core in found.cores] == [60, 0]


def test_iowait_idle_and_steal_may_run_backwards() -> None:
    before = sample(10, CpuTimes(0, 0, 0, 1000, 500, 0, 0, 9))
    after = sample(11, CpuTimes(50, 0, 50, 999, 490, 0, 0, 8))
    found = rates(before, after)
    assert found is not None
    assert (found.cpu.user, found.cpu.system, found.cpu.iowait, found.cpu.steal) == (50, 50, 0, 0)


def test_a_core_that_went_off_line_leaves_the_sum() -> None:
    found = rates(sample(10, ZERO, ZERO, ZERO), sample(11, replace(ZERO, idle=100), replace(ZERO, idle=100)))
    assert found is not None
    assert found.cores == ()


def test_disks_and_interfaces() -> None:
    before = replace(
        sample(10, ZERO),
        disks=(DiskCounters("sda", 100, 1000, 50, 100, 1000, 50, 100), DiskCounters("gone", 1, 1, 1, 1, 1, 1, 1)),
        interfaces=(InterfaceCounters("eth0", 1000, 0, 0, 1000, 0, 0), InterfaceCounters("new", 9, 9, 9, 9, 9, 9)),
    )
    after = replace(
        sample(12, replace(ZERO, idle=200)),
        disks=(DiskCounters("sda", 110, 1200, 90, 110, 1400, 110, 1100), DiskCounters("sdb", 1, 1, 1, 1, 1, 1, 1)),
        interfaces=(InterfaceCounters("eth0", 3000, 1, 1, 5000, 1, 1), InterfaceCounters("new", 0, 0, 0, 0, 0, 0)),
    )
    found = rates(before, after)
    assert found is not None
    [disk] = found.disks
    assert (disk.read_bytes, disk.written_bytes, disk.operations) == (51200, 102400, 10)
    assert (disk.await_ms, disk.busy) == (5.0, 50.0)
    [interface] = found.interfaces
    assert (interface.rx_bytes, interface.tx_bytes, interface.errors) == (1000, 2000, 2)
