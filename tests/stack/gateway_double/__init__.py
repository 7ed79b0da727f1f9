"""The gateway double: it stands where a Kong 3.9.1 in DB-less mode with an ``aws-masker`` plugin stands.

No registry that the tests can reach offers Kong, so its place in the reference stack is taken by this program. Its
answers follow raw recordings of a real one (``tests/stack/contract/fixtures``); the contract tests replay them.
It answers with the headers and version of the gateway it doubles, because the collection must not know the difference,
but it is called a double everywhere.

Not reproduced, because nothing in the collection or its tests rests on it:

* plugins other than aws-masker, correlation-id, request-transformer and response-transformer (``add.headers`` only) are
  accepted by name and do nothing; their ``config`` is neither checked nor completed;
* identifiers of plugins and targets (stable here too, but other values), the order of keys inside JSON objects;
* TLS listeners, streaming of replies (a reply is read whole first), passive and active health checks;
* masking of kinds that were not recorded, and unmasking of aliases that the same request did not create or reuse.
"""

from __future__ import annotations

import os

VERSION = "3.9.1"

# The parser in C refuses unknown methods by itself (400), where the recordings have 405 from the Admin API.
os.environ.setdefault("AIOHTTP_NO_EXTENSIONS", "1")
