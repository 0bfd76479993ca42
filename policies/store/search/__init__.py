"""Full-text search: FTS5 or tsvector behind one function, the same answers from both.

Both hold the words that `policies.words` makes, find rows that hold all that is asked for, and
give them newest first: neither engine's own ranking is used, because no two are alike.

filling      the words of what is stored, kept with each version and change
checking     whether these words are those of what is stored, and making them so
asking       passages and edits by their words
sightings    where a passage stood, and when
trails       what became of a passage, by the stored edits
"""
