"""The only SQL: opens a store, writes what tracking decided, answers what the doors ask."""

from policies.store.opening import Store, open_store

__all__ = ["Store", "open_store"]
