"""File systems that are mounted and of which df tells nothing."""

import pytest

from console.core.snapshot import Link, LinkState, Source
from console.findings.seen import not_seen
from console.probes.filesystems import PROBE, parse
from console.remote.builder import SnapshotBuilder
from console.remote.shell import Answer

HEAD = "gnu\nType  1K-blocks  Used Avail Inodes IUsed Mounted on\next4  1000 500 400 100 10 /\n"
ROOT = "/dev/vda / ext4 rw"


def answer(*mounts: str, rows: str = "") -> str:
    return "\n".join((HEAD + rows + "mounts", ROOT, *mounts))


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs", "lustre"])
def test_a_dead_remote_one_is_told_and_not_left_out(kind: str) -> None:
    found = parse(answer(f"nas:/vol /data {kind} rw"))
    assert [(each.mount, each.answered) for each in found] == [("/", True), ("/data", False)]


def test_one_that_answers_is_told_once_where_it_is_mounted_twice() -> None:
    row = "nfs4 1000 500 400 - - /data\n"
    found = parse(answer("nas:/vol /data nfs4 rw", "nas:/vol /srv/data nfs4 rw", rows=row))
    assert [(each.mount, each.answered) for each in found] == [("/", True), ("/data", True)]


def test_one_without_numbers_did_not_answer() -> None:
    found = parse(answer("me@nas: /mnt/it fuse.sshfs rw", rows="fuse.sshfs - - - - - /mnt/it\n"))
    assert [each.answered for each in found] == [True, False]


def test_local_pseudo_and_container_ones_are_not_missed() -> None:
    found = parse(answer("tmpfs /x tmpfs rw", "lxcfs /y fuse.lxcfs rw", "nas:/v /var/lib/docker/volumes/v nfs4 rw"))
    assert [each.mount for each in found] == ["/"]


def test_the_host_says_which_were_not_seen_at_every_look() -> None:
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    value = parse(answer("nas:/vol /data nfs4 rw"))
    for now, same in ((5.0, False), (20.0, True)):
        builder.take([Answer(PROBE, value, same=same)], now)
        told = Source("filesystems", now, "/data: df did not answer", partial=True)
        assert builder.snapshot.source("filesystems") == told
        assert [each.mount for each in builder.snapshot.filesystems] == ["/"]
    builder.take([Answer(PROBE, parse(answer()))], 35.0)
    assert builder.snapshot.source("filesystems") == Source("filesystems", 35.0)


def test_it_is_said_among_what_was_not_seen() -> None:
    builder = SnapshotBuilder("web1", 0.0, lambda: 0.0)
    mounts = (f"nas:/v{number} /m{number} nfs4 rw" for number in range(5))
    builder.take([Answer(PROBE, parse(answer(*mounts)))], 5.0)
    builder.link(Link(LinkState.UP, 1.0))
    assert "filesystems (/m0, /m1, /m2 and 2 more: df did not answer)" in not_seen(builder.snapshot)


@pytest.mark.parametrize(
    ("mount", "counts"),
    [("/srv/data", True), ("/data", True), ("/tmp", True), ("/run", True), ("/run/lock", True),
     ("/run/user/1000", False), ("/dev", False),
     ("/dev/shm", True), ("/sys/fs/cgroup", False), ("/var/lib/kubelet/pods/a/volumes/token", False),
     ("/var/lib/docker/containers/a/mounts/shm", False)],
)  # fmt: skip
def test_a_tmpfs_counts_where_people_fill_it(mount: str, counts: bool) -> None:
    found = parse(answer(f"tmpfs {mount} tmpfs rw", rows=f"tmpfs 20480 20480 0 100 2 {mount}\n"))
    assert (mount in [each.mount for each in found]) is counts
