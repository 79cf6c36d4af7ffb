"""The stand-ins for every run of pytest, where no Docker engine answers.

They take their place when pytest imports this module, before any conftest: a container may be started at module level
or in `pytest_configure`. The entry point has the module's own name, so `-p course.stand_in.plugin` loads it once, also
where `PYTEST_DISABLE_PLUGIN_AUTOLOAD` is set.
"""

from __future__ import annotations

from course import stand_in

if not stand_in.installed():
    stand_in.install()
