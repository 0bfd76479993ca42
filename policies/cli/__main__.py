"""`python -m policies.cli` is `earwitness`."""

from policies.cli import main

main()
