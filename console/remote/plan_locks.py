"""Who holds a service's lock on a host, as the links there tell it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from console.core.command import quote
from console.core.text import sanitise


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A lock that is held.

    ``key`` is ``console.remote.plan_script.lock_key`` of the service. ``age`` is in seconds, ``None`` where the lock
    does not tell it. ``uid`` and ``user`` are those of the lock's owner on the host; all the rest is what the one who
    made the lock says of himself.
    """

    key: str
    age: int | None
    over: bool
    """It holds no longer by right: its lease is over, or its process is ``gone``."""
    uid: int | None
    plan: str = ""
    operator: str = ""
    user: str = ""
    reason: str = ""
    kind: str = ""
    target: str = ""
    at: int | None = None
    lease: int | None = None
    gone: bool = False
    """Another user's, and no process of his is behind it."""
    dead: bool = False
    """Neither its process nor anything that it began is there: the next plan sets it aside by itself."""
    foreign: bool = False
    """Another user's and live, and the one who asks is root."""

    @property
    def breakable(self) -> bool:
        """Whether the one who asks can set it aside."""
        return self.over or self.foreign

    @property
    def end(self) -> str:
        """Why it can be set aside, where it can."""
        if self.foreign:
            return "its process lives, and root may set it aside all the same"
        if self.dead:
            return "nothing of it runs any more"
        return "its process is gone" if self.gone else "its lease is over"

    @classmethod
    def parse(cls, words: Sequence[str]) -> "LockHolder | None":
        """From ``KEY AGE live|over|gone|dead|foreign UID[:NAME] PAYLOAD``; ``None`` for anything else."""
        if len(words) != 5 or words[2] not in ("live", "over", "gone", "dead", "foreign"):
            return None
        uid, _, name = words[3].partition(":")
        fields = dict(pair.partition("=")[::2] for pair in words[4].split("&"))
        return cls(
            key=words[0],
            age=number(words[1]),
            over=words[2] in ("over", "gone", "dead"),
            uid=number(uid),
            plan=_shown(fields.get("plan", "")),
            operator=_shown(fields.get("by", "")),
            user="" if name == uid else sanitise(name)[:60],
            reason=_shown(fields.get("why", "")),
            kind=_shown(fields.get("kind", "")),
            target=_shown(fields.get("target", "")),
            at=moment(fields.get("at", "")),
            lease=number(fields.get("lease", "")),
            gone=words[2] == "gone",
            dead=words[2] == "dead",
            foreign=words[2] == "foreign",
        )

    def sentence(self, target: str | None = None) -> str:
        """One line: ``holding`` and what can be done about it. ``target`` is the locked service for a command line."""
        return self.holding() + self._way(target)

    def holding(self) -> str:
        """What is locked, by whom, for how long and why."""
        since = "" if self.age is None else f" for {duration_words(self.age)}"
        what = f", {self.kind} of {self.target}" if self.kind else ""
        why = f": {self.reason}" if self.reason else ""
        return f"locked by {self._who()}{since}{what}{why}"

    def _who(self) -> str:
        """The owner by the host's word, and then what he calls himself: several persons may share an account."""
        uid = "" if self.uid is None else f"uid {self.uid}"
        marks = [uid] if self.user else []
        marks += [f"as {self.operator}"] if self.operator not in ("", self.user) else []
        return (self.user or uid or "somebody") + (f" ({', '.join(marks)})" if any(marks) else "")

    def _way(self, target: str | None) -> str:
        if not self.breakable:
            return self._until()
        if self.dead:
            return f"; {self.end}, plan {self.plan or '?'}: the next plan sets it aside"
        command = f"hostdeck break-lock {quote((target,)) if target else 'HOST/SERVICE'} --reason TEXT"
        return f"; {self.end}, plan {self.plan or '?'}: the lock can be broken: {command}"

    def _until(self) -> str:
        """Whoever waits is told how long at most: its process may be dead, and a command of it may run on."""
        if self.lease is None or self.age is None:
            return ""
        return f"; it is released when that ends, or in {duration_words(max(0, self.lease - self.age))} at the latest"


def duration_words(seconds: int) -> str:
    """``42 s``, ``7 min``, ``3 h``."""
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def number(word: str) -> int | None:
    """A number of few digits; ``None`` for anything else. What is longer may be more than a float or ``int`` takes."""
    return int(word) if word.isdecimal() and len(word) < 14 else None


def moment(word: str) -> int | None:
    """Seconds of a wall clock, of a year that dates can be of."""
    return number(word) if len(word) < 12 else None


def _shown(word: str) -> str:
    return sanitise(unquote(word)).replace("\n", " ")[:200]
