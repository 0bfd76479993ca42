"""How well passages are read, against labelled ones: `python -m tests.benchmark` prints it."""
