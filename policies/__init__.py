"""The core: reads policy pages for what they say about people listening to you.

The steps, in order, each a module that knows only `model`:

    catalog      what is watched (one YAML file a vendor)
    text         a body becomes a document: blocks of text
    judge        is this the page, and is it believable?
    passages     a document becomes passages: sentences in their place
    disclosures  passages become verdicts: topics and stance
    changes      two versions become edits
    direction    which way a change goes, per topic
    ledger       disclosures over time become answers
    summary      answers become sentences for people
    evidence     captures on disk, as WARC
    store        the only SQL
    finding      what search and provenance answer
    importers    histories from elsewhere
    knowledge    what the store holds, put together as answers with their quotes
    tracking     strings the steps together: decides with values, acts in one transaction
    packs        all that a finding rests on, in one file
    cli          `earwitness`
"""

__version__ = "0.1.0"
