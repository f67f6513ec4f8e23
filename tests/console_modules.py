"""All that commands without a screen import, for the process that tests fork consoles from."""

import importlib
import pkgutil

import console.cli
import console.remote

for package in (console.cli, console.remote):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)
