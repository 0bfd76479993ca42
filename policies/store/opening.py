"""Opens a store: SQLite (WAL) or PostgreSQL, brought to this version's schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from policies.errors import BadStore
from policies.store import log
from policies.store.watching import Watch

_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Store:
    """An open store. `engine.begin()` is a transaction, `engine.connect()` reads."""

    engine: sa.Engine
    watch: Watch

    def close(self) -> None:
        """Give the connections back."""
        self.watch.close()
        self.engine.dispose()

    def snapshot(self) -> sa.Connection:
        """A connection that sees one moment, whatever others write meanwhile."""
        if self.engine.dialect.name == "postgresql":
            return self.engine.execution_options(isolation_level="REPEATABLE READ").connect()
        return self.engine.connect()  # SQLite's readers do anyway


def open_store(url: str, *, create: bool = True) -> Store:
    """The store at a SQLAlchemy URL, migrated to this version's schema.

    With `create=False` a store that is missing or of an older schema is refused, as is in
    any case one of a newer schema or one that cannot be reached. Raises BadStore.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            _prepare_file(Path(parsed.database), create)
        engine = sa.create_engine(parsed, **_options(parsed))
    except sa.exc.ArgumentError as error:
        raise BadStore(
            "the database address cannot be read; expected for example sqlite:///data/x.sqlite3"
            " or postgresql+psycopg://user@host/name"
        ) from error
    except ModuleNotFoundError as error:
        raise BadStore(
            f"this database needs the Python module {error.name}:"
            " install earwitness[postgres] for PostgreSQL"
        ) from error
    try:
        _listen(engine)
        log.install(engine)
        _migrate(engine, create)
    except sa.exc.DBAPIError as error:
        engine.dispose()
        raise BadStore(f"the store at {_shown(parsed)} cannot be used: {error.orig}") from error
    except BadStore:
        engine.dispose()
        raise
    return Store(engine, Watch(engine))


def _options(url: sa.URL) -> dict[str, object]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": 60}}
    return {"pool_pre_ping": True}


def _shown(url: sa.URL) -> str:
    return url.render_as_string(hide_password=True)


def _prepare_file(path: Path, create: bool) -> None:
    if not path.exists() and not create:
        raise BadStore(
            f"there is no store at {path}: `earwitness crawl` or `earwitness import` makes one"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadStore(f"the folder {path.parent} cannot be made: {error.strerror}") from error


def _listen(engine: sa.Engine) -> None:
    if engine.dialect.name != "sqlite":
        return

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection, _record):  # type: ignore[no-untyped-def]  # DBAPI connection
        # SQLAlchemy, not the driver, begins transactions: a writer takes its lock at once,
        # so two writers wait for each other instead of failing at commit.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: sa.Engine, create: bool) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
    head = scripts.get_current_head()
    if at == head:
        return
    if at is not None and at not in {script.revision for script in scripts.walk_revisions()}:
        raise BadStore(
            f"the store is of a newer schema ({at}) than this Earwitness knows ({head}):"
            " install the version that wrote it, or a later one"
        )
    if not create:
        raise BadStore(
            "the store is empty or of an older schema: `earwitness crawl` or"
            " `earwitness import` brings it up to date"
        )
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            # Two processes may start together; the second waits and finds nothing to do.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7205759403792793600)")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
