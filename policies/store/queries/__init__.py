"""What the doors ask the store: each function reads by index, in a bounded number of queries.

catalog      vendors and pages as declared
tracks       where each page's history stands; which version is the current one; health
captures     a page's captures, readable or not
versions     a page's versions, a version's text, passages and disclosures
changes      published changes: lists by filter, one with all that its edits need
log          all that was recorded, in order
stamps       timestamps of the log
statements   what was stated when: disclosures with their lifetimes
texts        verbatim slices of stored texts
"""
