"""What is remembered of sockets from look to look."""

from dataclasses import replace

from console.core.service import Endpoint
from console.core.snapshot import LastPorts
from console.remote.socket_memory import EPHEMERAL, Listened, Revealed
from tests.diagnosis.factories import listener, unit

API = unit("api.service", ports=(Endpoint("tcp", "*", 8080), Endpoint("tcp", "*", EPHEMERAL)))
DOWN = replace(API, ports=())


def test_the_fixed_ports_of_a_service_are_known_after_it_went_and_told_as_one_object() -> None:
    listened = Listened()
    assert listened.told((API,)) == ()
    first = listened.told((DOWN,))
    assert first == (LastPorts(API.ref, (Endpoint("tcp", "*", 8080),)),)
    assert listened.told((DOWN,)) is first
    assert listened.told((API,)) == ()
    assert listened.told(()) == ()
    assert listened.told((DOWN,)) == ()


def test_a_socket_that_stays_keeps_the_processes_that_root_saw() -> None:
    hidden = replace(listener(), inode=7, pids=(), process=None)
    other = replace(hidden, inode=8)
    revealed = Revealed()
    assert revealed.told((hidden,)) == (hidden,)
    revealed.take((replace(hidden, pids=(4112,), process="node"), other))
    assert revealed.told((hidden, other)) == (replace(hidden, pids=(4112,), process="node"), other)
    assert revealed.told((other,)) == (other,)
    assert revealed.told((hidden,)) == (hidden,), "it went meanwhile: the number may be another socket's"
