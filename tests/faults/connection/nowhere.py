"""A connection that cannot be made: what a host that is switched off looks like."""

from __future__ import annotations

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = r"""
name: nowhere
short_description: Cannot be made
description: For tests of unreachable hosts.
author: kong_masking.recovery contributors
version_added: 0.1.0
options: {}
"""


class Connection(ConnectionBase):
    """Fails at once."""

    transport = "nowhere"

    def _connect(self):
        raise AnsibleConnectionFailure("no route to host")

    def exec_command(self, cmd, in_data=None, sudoable=True):
        self._connect()

    def put_file(self, in_path, out_path):
        self._connect()

    def fetch_file(self, in_path, out_path):
        self._connect()

    def close(self):
        pass
