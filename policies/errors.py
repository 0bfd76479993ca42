"""The few kinds of trouble, each telling the caller what to do about it.

Expected trouble with a page (a bot wall, a 404) is not an error but an
`Outcome`; these are for what the reader of the message has to mend.
"""


class EarwitnessError(Exception):
    """Something that a person has to mend; its text is one sentence that says what to do."""


class BadDeclaration(EarwitnessError):
    """The catalog says something that cannot be meant: mend the named file, line and key."""


class BadInput(EarwitnessError):
    """What was given (a file, an id, a date, an option) cannot be used: call again, corrected."""


class UnknownId(BadInput):
    """Nothing in the store bears this id."""


class BadStore(EarwitnessError):
    """The store is of another schema, damaged or out of reach: no run may go on with it."""


class BadEvidence(EarwitnessError):
    """A WARC record is missing or not what its capture says: `earwitness verify` tells which."""


class OutOfReach(EarwitnessError):
    """Somebody else's server did not do what it was asked: try again later, or name another."""
