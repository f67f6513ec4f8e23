"""Names of what a further daemon of one manager runs."""


def named_at(name: str, at: str) -> str:
    """With where its daemon is, unless that is the usual place: two daemons may each have one of that name."""
    return f"{name}@{at}" if at else name
