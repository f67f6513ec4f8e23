"""The service managers that need more than one question of the probe shell, each with its loop."""

from collections.abc import Mapping

from console.remote import docker_loop, kubernetes, pm2, supervisord
from console.remote.survey_loop import Loop

LOOPS: Mapping[str, Loop] = {
    "docker": docker_loop.loop,
    "kubernetes": kubernetes.loop,
    "pm2": pm2.loop,
    "supervisord": supervisord.loop,
}
"""By the manager's id. A loop imports what is heavy only when it runs."""
