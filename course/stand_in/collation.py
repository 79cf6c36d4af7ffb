"""How text is sorted, where that differs from the official image: a test that sorts is green here and red there."""

from __future__ import annotations

import functools
import logging

from course.services.embedded import cluster

_log = logging.getLogger(__name__)


def notice() -> str:
    """How the stand-in sorts, and what makes it sort as the image does; empty where it does already."""
    if cluster.sorts_as_the_image():
        return ""
    name = cluster.IMAGE_LOCALE
    language, _, encoding = name.partition(".")
    return (
        "PostgreSQL sorts text by code here (Banana before apple), the image as people do (apple before Banana): "
        f"this machine has no locale {name} that sorts so. On Debian and Ubuntu "
        f"`sudo apt install locales && sudo localedef -i {language} -f {encoding} {name}` brings it."
    )


@functools.cache
def tell() -> None:
    """Log the notice, once in a process."""
    if words := notice():
        _log.warning("%s", words)
