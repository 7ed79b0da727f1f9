"""A role's defaults, its argument specification and its README are one interface told three times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).resolve().parent.parent.parent / "roles").iterdir() if path.is_dir())


def options(role: Path) -> dict[str, Any]:
    """The variables that the specification names."""
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = specs["argument_specs"]["main"]["options"]
    return found


def defaults(role: Path) -> dict[str, Any]:
    """The variables that have a default."""
    return yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8")) or {}


def literal(value: Any) -> bool:
    """Whether a default is a value, and not an expression that is worked out from other variables."""
    return "{{" not in str(value)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
class TestEveryRole:
    def test_a_variable_with_a_default_is_specified(self, role: Path) -> None:
        assert sorted(set(defaults(role)) - set(options(role))) == []

    def test_a_specified_variable_has_a_default_or_is_required(self, role: Path) -> None:
        without = set(options(role)) - set(defaults(role))
        assert sorted(name for name in without if not options(role)[name].get("required")) == []

    def test_a_required_variable_has_no_default(self, role: Path) -> None:
        assert [name for name, about in options(role).items() if about.get("required") and name in defaults(role)] == []

    def test_both_say_the_same_default(self, role: Path) -> None:
        specified = {name: about["default"] for name, about in options(role).items() if "default" in about}
        given = defaults(role)
        differing = {
            name: (given[name], wanted)
            for name, wanted in specified.items()
            if literal(given[name]) and literal(wanted) and given[name] != wanted
        }
        assert differing == {}

    def test_a_literal_default_is_specified(self, role: Path) -> None:
        silent = [
            name for name, value in defaults(role).items() if literal(value) and "default" not in options(role)[name]
        ]
        assert silent == []

    def test_a_specified_default_is_one_of_the_choices(self, role: Path) -> None:
        for name, about in options(role).items():
            if "choices" in about and "default" in about:
                given = about["default"] if about["type"] == "list" else [about["default"]]
                assert set(given) <= set(about["choices"]), name

    def test_a_specified_default_is_a_value_of_its_type(self, role: Path) -> None:
        # An expression would end the documentation's build, for all types but text.
        kinds = {"bool": bool, "int": int, "float": (int, float), "list": list, "dict": dict}
        wrong = [
            name
            for name, about in options(role).items()
            if "default" in about and not isinstance(about["default"], kinds.get(about["type"], object))
        ]
        assert wrong == []

    def test_the_variables_are_the_roles_own_or_the_inventorys(self, role: Path) -> None:
        allowed = (f"{role.name}_",)
        assert [name for name in options(role) if not name.startswith(allowed)] == []

    def test_secrets_are_not_logged(self, role: Path) -> None:
        words = ("signing_key", "verification_keys", "probe_headers", "password", "token")
        bare = [name for name, about in options(role).items() if name.endswith(words) and not about.get("no_log")]
        assert bare == []

    def test_the_readme_names_every_variable(self, role: Path) -> None:
        text = (role / "README.md").read_text(encoding="utf-8")
        assert [name for name in options(role) if f"| `{name}` |" not in text] == []
