"""Evidence packs: all that one change, version or capture rests on, in one file.

- `gathering`: what belongs into a pack, each file with its bytes
- `showing`: the diff as a page that needs nothing else, and as text
- `guide`: the README, which tells how to check it all offline
- `zipping`: the same files give the same bytes
"""

from policies.packs.gathering import Pack, gather, mark
from policies.packs.zipping import write

__all__ = ["Pack", "gather", "mark", "write"]
