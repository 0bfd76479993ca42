"""Which way a change goes, per topic: for the person, or in how much is disclosed.

values   the directions, what a passage claims, what a rule found
rules    the rules: each a name, a direction, a sentence and a function
words    words.yaml: hedges, denials and outsiders by language
weighing what the findings come to
kept     as the store keeps them
"""

from policies.direction.kept import pack, quoted, unpack
from policies.direction.rules import RULES, Rule
from policies.direction.values import Case, Claim, Directed, Direction, Finding, Words
from policies.direction.weighing import VERSION, direct
from policies.direction.words import claim

__all__ = [
    "RULES",
    "VERSION",
    "Case",
    "Claim",
    "Directed",
    "Direction",
    "Finding",
    "Rule",
    "Words",
    "claim",
    "direct",
    "pack",
    "quoted",
    "unpack",
]
