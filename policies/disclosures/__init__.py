"""Passages → disclosures: what a passage tells about people listening.

Rules over a data lexicon (`policies/lexicon`): `fold` makes the copy to compare on,
`grammar` is the notation of patterns, `loading` reads the files, `lexicon` annotates,
`reading` judges, `stance` and `slots` say on what terms.
"""

from policies.disclosures.reading import Detector
from policies.disclosures.slots import Retention

LANGUAGES: frozenset[str] = frozenset({"de", "en", "es", "fr", "it", "nl", "pt"})

__all__ = ["LANGUAGES", "Detector", "Retention"]
