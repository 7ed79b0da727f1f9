"""What the masking plugin recognises, and the names it gives: as recorded, oddities included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pattern:
    """A kind of identifier; several may share a counter."""

    counter: str
    alias: str
    regex: re.Pattern[str]
    setting: str | None = None


def _pattern(counter: str, alias: str, regex: str, setting: str | None = None) -> Pattern:
    return Pattern(counter, alias, re.compile(regex), setting)


# In the order in which numbers are given out. The first eight digits of a longer vpc- or sg- id are taken for the whole
# (the rest goes out behind the alias), an i- id has seventeen, and a bucket with "logs" in its name gets two aliases.
PATTERNS = (
    _pattern("iam", "AWS_IAM_ROLE", r"arn:aws:iam::\d{12}:role/[\w+=,.@-]+"),
    _pattern("ec2", "AWS_EC2", r"(?<![\w-])i-[0-9a-f]{17}", "mask_ec2_instances"),
    _pattern("vpc", "AWS_VPC", r"(?<![\w-])vpc-[0-9a-f]{8}"),
    _pattern("vpc", "AWS_SUBNET", r"(?<![\w-])subnet-[0-9a-f]{17}"),
    _pattern("vpc", "AWS_SECURITY_GROUP", r"(?<![\w-])sg-[0-9a-f]{8}"),
    _pattern("ebs", "AWS_EBS_VOL", r"(?<![\w-])vol-[0-9a-f]{17}"),
    _pattern("s3", "AWS_S3_BUCKET", r"(?<![\w.-])[a-z0-9][a-z0-9-]*bucket[a-z0-9-]*", "mask_s3_buckets"),
    _pattern("s3", "AWS_S3_LOGS_BUCKET", r"(?<![\w.-])[a-z0-9][a-z0-9-]*logs[a-z0-9-]*", "mask_s3_buckets"),
    _pattern(
        "rds",
        "AWS_RDS",
        r"(?<![\w.-])[a-z][a-z0-9-]*(?=\.[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com)",
        "mask_rds_instances",
    ),
    _pattern("access_key", "AWS_ACCESS_KEY", r"(?<!\w)AKIA[0-9A-Z]{16}(?!\w)"),
    _pattern("account", "AWS_ACCOUNT", r"(?<![\w:-])\d{12}(?!\w)"),
    _pattern("ip", "AWS_PUBLIC_IP", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"),
)
PRIVATE_ADDRESS = re.compile(r"10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.")


def find(text: str, config: Mapping[str, Any]) -> list[tuple[Pattern, str]]:
    """Every distinct identifier per pattern, in the order in which aliases are given out."""
    found: list[tuple[Pattern, str]] = []
    for pattern in PATTERNS:
        if pattern.setting is None or config.get(pattern.setting, True):
            found += [(pattern, original) for original in dict.fromkeys(pattern.regex.findall(text))]
    return found


def goes_out_unmasked(original: str) -> bool:
    """Private addresses get their keys in Redis, and leave as they are all the same."""
    return PRIVATE_ADDRESS.match(original) is not None
