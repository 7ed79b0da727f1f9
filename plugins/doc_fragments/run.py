# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the option that names the run."""

from __future__ import annotations


class ModuleDocFragment:
    """The run option, shared by the modules that are phases of a run."""

    DOCUMENTATION = r"""
options:
  run:
    description:
      - The run that this task is a part of. The task then renews the run's lock, writes nothing once that was taken
        over, notes its beginning and end in the run's journal, and returns C(progress), lines for a person.
    type: dict
    default: {}
    suboptions:
      id:
        description: The run, as M(kong_masking.recovery.recovery_journal) returned it.
        type: str
      fence:
        description: The fencing number of its lock.
        type: int
      phase:
        description: Which phase of the run the task is.
        type: str
"""
