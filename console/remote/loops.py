"""The service managers that are not asked through the probe shell, each with its loop."""

from collections.abc import Mapping

from console.remote import docker_loop, pm2, supervisord
from console.remote.surveys import Loop

LOOPS: Mapping[str, Loop] = {"docker": docker_loop.loop, "pm2": pm2.loop, "supervisord": supervisord.loop}
"""By the manager's id. A loop imports what is heavy only when it runs."""
