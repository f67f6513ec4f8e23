"""What a service uses, in one line."""

from console.core.service import Service
from console.core.usage import Usage
from console.core.words import listed
from console.ui import cells
from console.ui.present.words import number


def uses(service: Service, usage: Usage | None) -> str:
    """``CPU 12 % of a core  memory 22 MiB  disks read 0 B/s, written 4 KiB/s  7 tasks  CPU 13 min 32 s in all``.

    What is not counted is unknown, with the reason.
    """
    reading = usage.reading if usage is not None else None
    memory = reading.memory if reading is not None and reading.memory is not None else service.memory
    words = [
        f"CPU {cells.percent(usage.rates.cpu)} of a core" if usage is not None and usage.rates is not None else "",
        f"memory {cells.size(memory)}" if memory is not None else "",
        _disks(usage) if usage is not None and usage.rates is not None else "",
        number(service.tasks, "task") if service.tasks is not None else "",
        f"CPU {cells.seconds(service.cpu_seconds)} in all" if service.cpu_seconds is not None else "",
        *(_unknown(service, usage, memory) if usage is not None else ()),
    ]
    return "  ".join(word for word in words if word)


def _unknown(service: Service, usage: Usage, memory: int | None) -> tuple[str, ...]:
    """What is not told of it, each with the reason; rates come with the second reading."""
    if usage.failure is not None:
        missing = [
            "CPU" if service.cpu_seconds is None else "CPU rate",
            *(["memory"] if memory is None else []),
            "disk IO",
        ]
        return (f"{listed(missing)} unknown: {usage.failure}",)
    found = ["memory unknown: no memory controller counts it"] if memory is None else []
    moved = usage.reading is not None and (usage.reading.read is None or usage.reading.written is None)
    return (*found, *(["disk IO unknown: no io controller counts it"] if moved else []))


def _disks(usage: Usage) -> str:
    rates = usage.rates
    if rates is None or rates.read is None or rates.written is None:
        return ""
    return f"disks read {cells.rate(rates.read)}, written {cells.rate(rates.written)}"
