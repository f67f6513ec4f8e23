"""Accepting the key of a host that was never seen before: only by an explicit act, with its fingerprint shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.ui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from console.ui.screens.deck_screen import DeckScreen


def ask(screen: DeckScreen, host: str) -> None:
    """Show the fingerprint that was offered and ask; add the key when the answer is yes."""
    fleet = screen.deck.fleet
    offered = fleet.offered_key(host)
    if offered is None:
        screen.say(f"{host} offers no key now: it is asked again")
        screen.deck_app.ask_again((host,))
        return
    fingerprint = offered.fingerprint
    lines = (
        f"{host} was never connected to from here. It shows this key ({offered.kind}):",
        "",
        f"  {fingerprint}",
        "",
        "Compare it with one that you trust, for example on the host's own console:",
        "  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        "Accepting adds it to known_hosts.",
    )

    def answered(yes: bool | None) -> None:
        if yes:
            screen.deck_app.accept_key(host, fingerprint)

    screen.app.push_screen(ConfirmScreen(f"Accept the host key of {host}?", lines, yes="Accept this key"), answered)
