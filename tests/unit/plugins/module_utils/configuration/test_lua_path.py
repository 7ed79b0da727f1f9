"""Where Kong looks for plugins, and which mounts lie there."""

from __future__ import annotations

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.configuration import lua_path
from ansible_collections.kong_masking.recovery.tests.unit import samples


@pytest.mark.parametrize(
    ("destination", "holds"),
    [
        ("/usr/local/share/lua/5.1/kong/plugins/aws-masker", True),
        ("/usr/local/share/lua/5.1", True),
        ("/usr/local/share/lua/5.1/kong", True),
        ("/opt/own", True),
        ("/opt/own/", True),
        ("/opt", True),
        ("/opt/own/other", False),
        ("/opt/owner", False),
        ("/etc/kong", False),
    ],
)
def test_holds_code(destination, holds):
    kong = samples.container("kong", env={"KONG_LUA_PACKAGE_PATH": "/opt/own/?.lua;;"})
    assert lua_path.holds_code(destination, kong) is holds
