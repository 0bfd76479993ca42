"""Summaries: answers and changes as plain sentences, in English and French.

names    of topics, stances, directions; dates and numbers
answers  for a badge, a popup, and a journalist; each sentence bears its statements
changes  what a change did, and which way it goes
reasons  why a page cannot be read
"""

from policies.summary.answers import Told, answer, as_of, badge, contradiction, paragraph, popup
from policies.summary.changes import change
from policies.summary.names import day, direction, number, period, rule, stance, topic, verdict
from policies.summary.reasons import reason

__all__ = [
    "Told",
    "answer",
    "as_of",
    "badge",
    "change",
    "contradiction",
    "day",
    "direction",
    "number",
    "paragraph",
    "period",
    "popup",
    "reason",
    "rule",
    "stance",
    "topic",
    "verdict",
]
