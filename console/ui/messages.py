"""What is told inside the app. Tiny, and named after what happened."""

from dataclasses import dataclass

from textual.message import Message

from console.core.service import ServiceRef


@dataclass
class HostsChanged(Message):
    """Something was learned about these hosts since the last such message."""

    hosts: frozenset[str]


@dataclass
class ChangeMoved(Message):
    """A plan made a step, or ended."""

    plan_id: str
    target: ServiceRef
    ended: bool
