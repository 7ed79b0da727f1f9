"""A small schema language: enough to check a declarative file and to complete it with the recorded defaults."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Errors = dict[Any, Any]
ARTICLES = {"integer": "an integer", "array": "an array", "any": "a value"}


@dataclass(frozen=True)
class Field:
    """One field: what it must be, and what it is when it is left out."""

    kind: str
    default: Any = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    elements: Field | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    check: Callable[[Any], str | None] | None = None


def _fits(value: Any, kind: str) -> bool:
    if kind == "any":
        return True
    if kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    expected: dict[str, Any] = {
        "number": (int, float), "string": str, "array": list, "record": dict, "map": dict, "reference": (str, dict),
    }  # fmt: skip
    return isinstance(value, expected[kind])


def check_value(value: Any, rule: Field) -> Any:
    """None when the value fits, else a message, or a table of messages for what lies inside."""
    if not _fits(value, rule.kind):
        return "expected " + ARTICLES.get(rule.kind, f"a {'string' if rule.kind == 'reference' else rule.kind}")
    if rule.choices and value not in rule.choices:
        return "expected one of: " + ", ".join(rule.choices)
    if rule.low is not None and rule.high is not None and not rule.low <= value <= rule.high:
        return f"value should be between {rule.low} and {rule.high}"
    if rule.check and (message := rule.check(value)):
        return message
    if rule.kind == "array" and rule.elements:
        return {n: e for n, item in enumerate(value, 1) if (e := check_value(item, rule.elements)) is not None} or None
    if rule.kind == "record":
        return check_record(value, rule.fields) or None
    return None


def check_record(record: Mapping[str, Any], fields: Mapping[str, Field]) -> Errors:
    """The errors of one record, by field."""
    errors: Errors = {}
    for name, value in record.items():
        rule = fields.get(name)
        if rule is None:
            errors[name] = "unknown field"
        elif value is not None and (error := check_value(value, rule)) is not None:
            errors[name] = error
    for name, rule in fields.items():
        if rule.required and record.get(name) is None:
            errors[name] = "required field missing"
    return errors


def complete(record: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """The record with every field present, as the Admin API shows it."""
    result: dict[str, Any] = {}
    for name, rule in fields.items():
        value = record.get(name)
        if rule.kind == "record":
            result[name] = complete(value if isinstance(value, dict) else {}, rule.fields)
        else:
            result[name] = copy.deepcopy(rule.default if value is None else value)
    return result
