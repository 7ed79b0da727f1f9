# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a Compose file as YAML. Pure."""

from __future__ import annotations

from typing import Any

from ..libraries import yaml


def parse(content: bytes) -> Any:
    """Return the document; raise yaml.YAMLError where it is none.

    Compose's own tags (``!override``, ``!reset``) stand before plain values and say how files are merged.
    """

    class Loader(yaml.SafeLoader):  # type: ignore[misc,name-defined,unused-ignore]
        """Takes what follows a tag that YAML does not know."""

    def tagged(loader: Any, _tag: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        # Read as if no tag stood there: null and numbers are no text.
        tag = loader.resolve(yaml.ScalarNode, node.value, (not node.style, bool(node.style)))
        return loader.construct_object(yaml.ScalarNode(tag, node.value, node.start_mark, node.end_mark, node.style))

    Loader.add_multi_constructor("!", tagged)
    return yaml.load(content, Loader=Loader)
