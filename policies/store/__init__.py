"""The only SQL: opens a store, writes what tracking decided, answers what the doors ask."""

from sqlalchemy.exc import DBAPIError as DatabaseTrouble

from policies.store.opening import Store, open_store

__all__ = ["DatabaseTrouble", "Store", "open_store"]
