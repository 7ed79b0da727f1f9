"""What each module accepts is what its documentation says, name by name."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml

PACKAGE = "ansible_collections.kong_masking.recovery.plugins"
FOLDER = Path(__file__).resolve().parents[4] / "plugins" / "modules"
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def documented(name):
    """Return (options, attributes) of a module's documentation, the fragments merged in."""
    text = yaml.safe_load(importlib.import_module(f"{PACKAGE}.modules.{name}").DOCUMENTATION)
    options = {}
    for fragment in text.get("extends_documentation_fragment") or []:
        module = importlib.import_module(f"{PACKAGE}.doc_fragments.{fragment.rsplit('.', 1)[-1]}")
        options.update(yaml.safe_load(module.ModuleDocFragment.DOCUMENTATION)["options"])
    return {**options, **(text.get("options") or {})}, text.get("attributes") or {}


def plain(options, below):
    """Return options in one form: type, elements, required, default, choices, and those below."""
    return {
        name: {
            "type": about.get("type", "str"),
            "elements": about.get("elements"),
            "required": bool(about.get("required", False)),
            "default": about.get("default"),
            "choices": about.get("choices"),
            "below": plain(about.get(below) or {}, below),
        }
        for name, about in options.items()
    }


def undescribed(returned, above=""):
    """Return the values, those inside of others included, whose description lacks something.

    A value with others inside it is shown by theirs.
    """
    found = []
    for key, about in returned.items():
        wanted = {"description", "returned", "type", *([] if "contains" in about else ["sample"])}
        found += [f"{above}{key}: {name}" for name in sorted(wanted - set(about))]
        found += undescribed(about.get("contains") or {}, f"{above}{key}.")
    return found


@pytest.mark.parametrize("name", MODULES)
class TestEveryModule:
    def test_options_are_as_documented(self, name):
        module = importlib.import_module(f"{PACKAGE}.modules.{name}")
        options, _attributes = documented(name)
        assert plain(module.SPEC, "options") == plain(options, "suboptions")

    def test_every_option_is_described(self, name):
        options, _attributes = documented(name)
        assert [key for key, about in options.items() if not about.get("description")] == []

    def test_check_mode_and_diff_mode_are_told(self, name):
        _options, attributes = documented(name)
        assert set(attributes) >= {"check_mode", "diff_mode", "idempotent"}
        assert attributes["check_mode"]["support"] == "full"

    def test_examples_use_options_that_exist(self, name):
        module = importlib.import_module(f"{PACKAGE}.modules.{name}")
        for task in yaml.safe_load(module.EXAMPLES):
            given = task[f"kong_masking.recovery.{name}"]
            assert set(given) <= set(module.SPEC)
            assert set(given.get("stack", {})) <= set(module.SPEC["stack"]["options"])
            missing = {key for key, about in module.SPEC.items() if about.get("required")} - set(given)
            assert missing == set()

    def test_returned_values_are_described(self, name):
        module = importlib.import_module(f"{PACKAGE}.modules.{name}")
        assert undescribed(yaml.safe_load(module.RETURN)) == []

    def test_what_every_module_returns_is_described(self, name):
        module = importlib.import_module(f"{PACKAGE}.modules.{name}")
        described = yaml.safe_load(module.RETURN)
        assert {"hint", "details", "seconds"} <= set(described)
        assert ("progress" in described) == ("run" in module.SPEC)

    def test_secret_options_are_not_logged(self, name):
        module = importlib.import_module(f"{PACKAGE}.modules.{name}")
        for option in ("signing_key", "verification_keys", "probe_headers"):
            if option in module.SPEC:
                assert module.SPEC[option].get("no_log") is True


def test_there_are_modules():
    assert {"backup_create", "backup_discover", "recovery_plan", "stack_apply", "kong_verify"} <= set(MODULES)
