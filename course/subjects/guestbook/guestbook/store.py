"""The entries, in a database."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, select

from guestbook.text import pages, tidy

metadata = MetaData()
entries = Table(
    "entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("words", Text, nullable=False),
)


class Guestbook:
    """The guestbook in the database at `url`."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        metadata.create_all(self.engine)

    def sign(self, name: str, words: str) -> None:
        """Write an entry."""
        with self.engine.connect() as connection:
            connection.execute(entries.insert().values(name=tidy(name), words=tidy(words)))
            connection.commit()

    def read(self) -> list[tuple[str, str]]:
        """All entries as (name, words), the newest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(entries.c.name, entries.c.words).order_by(entries.c.id.desc()))
            return [(row.name, row.words) for row in rows]

    def page(self, number: int, size: int = 10) -> list[tuple[str, str]]:
        """The entries of a page, counted from 1."""
        every = self.read()
        return [every[place] for place in pages(len(every), size)[number - 1]]
