"""What is in a database before a suite comes to it, for the proof `depends_on_no_seed`."""

from sqlalchemy.orm import Session
from users_api.database import build_engine, create_tables
from users_api.users import create_user


def start(database_url):
    """Leave the tables, as whoever deploys the program does."""
    engine = build_engine(database_url)
    create_tables(engine)
    engine.dispose()


def fill(database_url):
    """Leave users of somebody else, one of them an admin, with addresses that no learner's test would take."""
    engine = build_engine(database_url)
    with Session(engine) as session:
        for name, role in (("Stranger One", "user"), ("Stranger Two", "admin")):
            email = name.lower().replace(" ", ".") + "@left-here.example.net"
            create_user(session, name=name, email=email, password="correct horse battery", role=role)
    engine.dispose()
