"""Who listens on a port, read out of /proc."""

from __future__ import annotations

import os
import socket

import pytest

from ansible_collections.kong_masking.recovery.plugins.module_utils.engine import sockets
from ansible_collections.kong_masking.recovery.plugins.module_utils.engine.sockets import Listener

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0
   2: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("0100007F:1F90", ("127.0.0.1", 8080)),
        ("00000000:0050", ("0.0.0.0", 80)),
        ("00000000000000000000000000000000:0050", ("::", 80)),
        ("0000000000000000FFFF00000100007F:0050", ("127.0.0.1", 80)),
    ],
    ids=["loopback", "anywhere", "anywhere-6", "mapped"],
)
def test_address_of(text, place):
    assert sockets.address_of(text) == place


def test_only_listening_sockets_of_the_wanted_ports():
    assert sockets.listening([TABLE], [8080]) == {"111": ("127.0.0.1", 8080)}


def test_listeners_of_every_port():
    assert sockets.listening([TABLE]) == {"111": ("127.0.0.1", 8080), "222": ("0.0.0.0", 8081)}


def test_inside_a_container_the_engines_name_server_does_not_count(tmp_path):
    folder = tmp_path / "42" / "net"
    folder.mkdir(parents=True)
    own = TABLE.splitlines()[1].replace("0100007F:1F90", "0B00007F:9C40").replace(" 111 ", " 444 ")
    (folder / "tcp").write_text(f"{TABLE}{own}\n")
    assert sockets.inside(42, str(tmp_path)) == {("127.0.0.1", 8080), ("0.0.0.0", 8081)}
    assert sockets.inside(43, str(tmp_path)) == set()


def test_a_program_that_is_no_container_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        (owner,) = [item for item in sockets.owners([port]) if item.pid == os.getpid()]
        assert (owner.address, owner.port, owner.carrier) == ("127.0.0.1", port, False)
        assert sockets.stranger(("127.0.0.1", port), [owner], {"net": "172.18.0.4"}).startswith(
            f"process {owner.pid} ("
        )


def proxy(container_ip, port=8080, address="127.0.0.1"):
    args = (
        "docker-proxy",
        "-proto",
        "tcp",
        "-host-ip",
        address,
        "-container-ip",
        container_ip,
        "-container-port",
        "80",
    )
    return Listener(address, port, 7, "docker-proxy", args)


@pytest.mark.parametrize(
    ("listeners", "who"),
    [
        ([], ""),
        ([proxy("172.18.0.4")], ""),
        ([proxy("172.18.0.4", address="0.0.0.0")], ""),
        ([proxy("172.18.0.9")], "another container (at 172.18.0.9:80)"),
        ([Listener("127.0.0.1", 8080, 9, "python3")], "process 9 (python3)"),
        ([Listener("10.0.0.1", 8080, 9, "python3")], ""),
        ([proxy("172.18.0.4"), Listener("0.0.0.0", 8080, 9, "python3")], ""),
        ([Listener("0.0.0.0", 8080, 9, "rootlesskit")], ""),
        ([Listener("0.0.0.0", 8080, 5, "nginx")], ""),
    ],
    ids=["unseen", "ours", "ours-anywhere", "another-container", "a-program", "another-address", "beside-ours",
         "rootless", "the-container-itself"],
)  # fmt: skip
def test_stranger(listeners, who):
    assert sockets.stranger(("127.0.0.1", 8080), listeners, {"net": "172.18.0.4"}, own=[5]) == who


@pytest.mark.parametrize(
    ("listeners", "who"),
    [
        ([], ""),
        ([proxy("172.18.0.4")], ""),
        ([proxy("172.18.0.9")], f"the engine for a container that is gone (at 172.18.0.9:80): {sockets.RESTART}"),
        ([Listener("127.0.0.1", 8080, 9, "python3")], "process 9 (python3)"),
    ],
    ids=["unseen", "ours", "a-container-that-is-gone", "a-program"],
)  # fmt: skip
def test_stranger_where_the_engine_knows_no_container_that_publishes_the_port(listeners, who):
    assert sockets.stranger(("127.0.0.1", 8080), listeners, {"net": "172.18.0.4"}, free=True) == who
