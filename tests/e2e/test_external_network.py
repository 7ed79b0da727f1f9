"""A stack whose network was made by hand, as one that shares it with others: none is the project's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from lab import Lab, standing
from outside import run

OWN = "networks:\n  masking:\n    driver: bridge\n"
EXTERNAL = "networks:\n  masking:\n    external: true\n    name: {}\n"

pytestmark = pytest.mark.slow


class SharedLab(Lab):
    """The reference stack on a network that somebody else made."""

    @property
    def network(self) -> str:
        """The network's name."""
        return f"{self.project}-shared"

    def deploy(self) -> None:
        """Make the network, then bring everything up on it."""
        run(["docker", "network", "create", self.network])
        path = self.stack.directory / "docker-compose.yml"
        text = path.read_text(encoding="utf-8")
        assert text.count(OWN) == 1
        path.write_text(text.replace(OWN, EXTERNAL.format(self.network)), encoding="utf-8")
        super().deploy()

    def down(self) -> None:
        """Take the network away too."""
        super().down()
        run(["docker", "network", "rm", self.network], check=False)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    """One such stack, with a backup of its good state."""
    with standing(SharedLab(tmp_path_factory.mktemp("shared"), f"kmr-shared-{uuid.uuid4().hex[:8]}")) as lab:
        yield lab


@pytest.mark.parametrize("playbook", ["rollback", "force_rollback"])
def test_what_is_as_in_the_backup_is_left_alone(shared: SharedLab, playbook: str) -> None:
    """Force makes the project's own network anew where it is broken: this one is not, and is not the project's."""
    shared.golden()
    before = shared.state()

    done = shared.play(playbook)

    assert (done.rc, done.changed) == (0, 0), done.output
    assert shared.state().identities() == before.identities()
