"""What a process says of itself is its own word: it may not spoil the look at all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.probes import namespaces
from tests.probes.recorded import read

OUTPUT = read(Path(__file__).parent / "recorded" / "namespaces-nosudo.txt").output
WORDS = "-proto tcp -host-ip 127.0.0.1 -host-port 8080 -container-ip 172.17.0.2 -container-port 80"


@pytest.mark.parametrize(
    "words",
    [WORDS.replace("8080", "zz"), WORDS.replace("8080", ""), WORDS.replace("8080", "²"), WORDS.replace(" 80", " -1"),
     WORDS.replace("8080", "9" * 400), "-host-port", "", "-e sleep 1000"],
)  # fmt: skip
def test_words_that_cannot_be_read_are_passed_over(words: str) -> None:
    assert WORDS in OUTPUT
    found, known = namespaces.parse(OUTPUT.replace(WORDS, words)), namespaces.parse(OUTPUT)
    assert found.proxies == known.proxies[1:]
    assert found.spaces == known.spaces
    assert known.proxies[0].uid == 0
    assert known.proxies[0].cgroup == "/system.slice/docker.service"
