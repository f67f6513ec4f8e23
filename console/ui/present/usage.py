"""What a service uses, in one line."""

from console.core.service import Service
from console.core.usage import Usage
from console.ui import cells
from console.ui.present.words import number


def uses(service: Service, usage: Usage | None) -> str:
    """``CPU 12 % of a core  memory 22 MiB  disks read 0 B/s, written 4 KiB/s  7 tasks  CPU 13 min 32 s in all``."""
    reading = usage.reading if usage is not None else None
    memory = reading.memory if reading is not None and reading.memory is not None else service.memory
    words = [
        f"CPU {cells.percent(usage.rates.cpu)} of a core" if usage is not None and usage.rates is not None else "",
        _memory(memory, asked=reading is not None),
        _disks(usage) if usage is not None and usage.rates is not None else "",
        number(service.tasks, "task") if service.tasks is not None else "",
        f"CPU {cells.seconds(service.cpu_seconds)} in all" if service.cpu_seconds is not None else "",
        f"rates not seen: {usage.failure}" if usage is not None and usage.failure is not None else "",
    ]
    return "  ".join(word for word in words if word)


def _memory(memory: int | None, *, asked: bool) -> str:
    if memory is not None:
        return f"memory {cells.size(memory)}"
    return "memory not counted (no memory controller for it)" if asked else ""


def _disks(usage: Usage) -> str:
    rates = usage.rates
    if rates is None or rates.read is None or rates.written is None:
        return "disks not counted (no io controller for it)"
    return f"disks read {cells.rate(rates.read)}, written {cells.rate(rates.written)}"
