"""Strings the steps together: decides with values, acts in one transaction a capture.

- `state`: where a page's history stands, and the numbers that decisions turn on
- `decide`: what a text that was read means (pure)
- `due`: which pages to look at now (pure)
- `reading`: reads a capture against what its page held before, like with like
- `comparing`: holds a version beside its base: which, and what differs
- `publishing`: writes what a decision means
- `disclose`: which passages of a text say something; work is done once, by content
- `tracker`: keeps a capture as evidence, then has it judged
- `importing`: brings histories from elsewhere in
- `reread`: judges stored texts again after an upgrade
- `verify`: re-checks what the store says against the evidence
"""

from policies.tracking.due import Due
from policies.tracking.job import Judgement
from policies.tracking.tracker import Tracker, open_tracker

__all__ = ["Due", "Judgement", "Tracker", "open_tracker"]
