"""The words that ask for the ``.env`` files of a service."""

from console.core.service import Service
from console.core.work_folders import work_folders


def beside_words(service: Service) -> tuple[str, ...]:
    """``beside FOLDER`` of each folder in which its program may find one."""
    return tuple(word for folder in work_folders(service) for word in ("beside", folder))
