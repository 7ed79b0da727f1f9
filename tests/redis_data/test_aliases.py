"""No alias is ever given to a second resource, and no client is ever answered with another's identifier."""

from __future__ import annotations

import base64
import threading
import time

import pytest
from redis_lab import reverse

from ansible_collections.kong_masking.recovery.plugins.module_utils.redis import redis_families as families


class Plugin:
    """Numbers aliases as the masking plugin does, and remembers every one that it gave out."""

    def __init__(self, lab) -> None:
        self.live = lab.client()
        self.given: dict[str, str] = {}
        self.wrong: list[str] = []

    def mask(self, original: str) -> str:
        alias = self.live.get(reverse(original))
        if alias is None:
            alias = f"AWS_EC2_{self.live.incr('aws_masker:cnt:ec2'):03d}".encode()
            pipe = self.live.pipeline()
            pipe.set(f"aws_masker:map:{alias.decode()}", original, ex=86400)
            pipe.set(reverse(original), alias, ex=86400)
            pipe.execute()
            if self.given.setdefault(alias.decode(), original) != original:
                self.wrong.append(alias.decode())
        return alias.decode()


@pytest.mark.parametrize("mode", ["restore", "merge", "empty"])
@pytest.mark.parametrize("method", ["delta", "file"])
def test_no_alias_is_given_to_a_second_resource(lab, tmp_path, mode, method):
    lab.empty()
    plugin = Plugin(lab)
    for number in range(50):
        plugin.mask(f"i-before-{number}")
    dump = lab.dump(tmp_path / "numbered.rdb")
    for number in range(30):
        plugin.mask(f"i-later-{number}")
    lab.job(mode, "" if mode == "empty" else dump, method).run()
    lab.wait()
    plugin.live = lab.client()
    for number in range(40):
        plugin.mask(f"i-after-{number}")
        plugin.mask(f"i-before-{number}")
    assert plugin.wrong == []


@pytest.mark.parametrize("mode", ["restore", "merge"])
def test_what_is_given_out_while_keys_are_compared_is_none_that_the_backup_brings(lab, tmp_path, monkeypatch, mode):
    """As after a Redis that came back empty: the counters lie below those of the backup until they are raised."""
    lab.empty()
    before = Plugin(lab)
    for number in range(10):
        before.mask(f"i-before-{number}")
    dump = lab.dump(tmp_path / "numbered.rdb")
    lab.empty()
    job, plugin, batches = lab.job(mode, dump, "delta"), Plugin(lab), []
    compare = job._compare

    def compared(*arguments):
        """Between this and the transaction other clients come."""
        found = compare(*arguments)
        batches.append([plugin.mask(f"i-meanwhile-{len(batches)}-{number}") for number in range(5)])
        return found

    monkeypatch.setattr(job, "_compare", compared)
    result = job.run()
    first, later = batches
    # What a restore replaces is told; whoever came after the counters were raised has a number of his own.
    assert any("aliases mean another resource" in text for text in result["warnings"]) is (mode == "restore")
    for alias in [*later, *(first if mode == "merge" else [])]:
        assert lab.client().get(f"aws_masker:map:{alias}") == plugin.given[alias].encode(), alias
    assert (plugin.wrong, result["wrong_pairs"]) == ([], [])


def test_counters_start_above_every_known_one_when_they_cannot_be_read(lab, tmp_path):
    lab.empty()
    plugin = Plugin(lab)
    for number in range(10):
        plugin.mask(f"i-{number}")
    dump = lab.dump(tmp_path / "old.rdb")
    for again in range(2):
        for number in range(20):
            plugin.mask(f"i-lost-{again}-{number}")
        lab.break_down("stopped")
        lab.job("restore", dump, "file").run()
        lab.wait()
        plugin.live = lab.client()
    for number in range(20):
        plugin.mask(f"i-new-{number}")
    assert plugin.wrong == []


@pytest.mark.parametrize("keys", [25_000])
def test_a_delta_under_load_brings_no_error_and_no_wrong_unmasking(lab, tmp_path, keys):
    lab.empty()
    lab.fill(1, keys + 1)
    dump = lab.dump(tmp_path / "load.rdb")
    # Renumbered: the same resources have other aliases by now, so that a half applied delta would mix them up.
    lab.empty()
    shifted = lab.client().pipeline(transaction=False)
    for number in range(1, keys + 1):
        original, alias = f"i-{number:017x}", f"AWS_EC2_{(number % keys) + 1:03d}"
        shifted.set(f"aws_masker:map:{alias}", original, ex=86400)
        shifted.set(reverse(original), alias, ex=86400)
    shifted.execute()
    lab.client().set("aws_masker:cnt:ec2", keys)
    end, found = threading.Event(), {"reads": 0, "wrong": 0, "errors": 0, "gap": 0.0}
    writer = Plugin(lab)
    script = "local a=redis.call('get',KEYS[1]); if not a then return false end; return redis.call('get',ARGV[1]..a)"
    ask = lab.client().register_script(script)

    def read() -> None:
        number, last = 0, time.monotonic()
        while not end.is_set():
            number = number % keys + 1
            original = f"i-{number:017x}"
            try:
                back = ask(keys=[reverse(original)], args=["aws_masker:map:"])
                found["reads"] += 1
                found["wrong"] += back is not None and back != original.encode()
                writer.mask(f"i-new-{found['reads']}")
            except Exception:  # noqa: BLE001  # whatever it is, a client saw an error
                found["errors"] += 1
            now = time.monotonic()
            found["gap"], last = max(found["gap"], now - last), now

    thread = threading.Thread(target=read)
    thread.start()
    began = time.monotonic()
    status = lab.job_apart("restore", dump, "delta").wait()
    seconds = time.monotonic() - began
    end.set()
    thread.join()
    load = 2 * found["reads"]  # each turn reads a pair and makes a new one
    print(f"\n{load / seconds:.0f} reads and new mappings a second, longest gap {found['gap'] * 1000:.0f} ms")
    assert (status, found["errors"], found["wrong"], writer.wrong) == (0, 0, 0, [])
    assert load >= 200
    live = lab.client()
    for number in (1, keys // 2, keys):
        alias = live.get(reverse(f"i-{number:017x}"))
        assert live.get(b"aws_masker:map:" + alias) == f"i-{number:017x}".encode()
    kept = [
        alias for alias, original in writer.given.items() if live.get(f"aws_masker:map:{alias}") == original.encode()
    ]
    assert kept


def test_pairs_that_disagree_are_found():
    entries = {
        b"aws_masker:map:A1": b"i-1",
        b"aws_masker:rev:" + base64.b64encode(b"i-1"): b"A1",
        b"aws_masker:rev:" + base64.b64encode(b"i-2"): b"A1",
    }
    assert families.disagreements(entries, [b"aws_masker:"]) == [b"aws_masker:rev:" + base64.b64encode(b"i-2")]
