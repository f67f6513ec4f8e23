"""Names of what a further daemon of one manager runs."""


def named_at(name: str, at: str) -> str:
    """With where its daemon is, unless that is the usual place: two daemons may each have one of that name."""
    return f"{name}@{at}" if at else name


def place_in(name: str) -> str:
    """Where its daemon is, by such a name; empty for the usual place."""
    _, at, path = name.partition("@/")
    return f"/{path}" if at else ""
