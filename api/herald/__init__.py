"""The herald: tells others, and asks them to witness.

- `stamping`: asks an authority to timestamp the log (RFC 3161; extra `timestamps`)
- `rules`: who is to be told of what: one YAML file (extra `notify`)
- `messages`: what they are told
- `outbox`: what is to be sent, kept until it is
- `sending`: webhooks, and whatever Apprise knows
- `cli`: `earwitness stamp`, `earwitness notify`
"""
