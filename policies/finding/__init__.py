"""What search and provenance answer: found passages and edits with their words, places and dates.

hits     passages and edits that hold what was asked for
tracing  where a pasted sentence comes from, and what became of it
"""
