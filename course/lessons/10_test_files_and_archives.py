# %% set_up tags=["setup"]
import course

course.begin("10_test_files_and_archives")

# %% [markdown]
# ## Yesterday's file
#
# A script writes all users to a file, each night to the same one. Yesterday it worked. Tonight the database goes away after the first user:

# %% half_written tags=["nbval-check-output"]
from pathlib import Path
from tempfile import TemporaryDirectory

folder = TemporaryDirectory()
path = Path(folder.name) / "users.txt"
path.write_text("yesterday: 300 users")
try:
    with path.open("w") as file:
        file.write("Ada\n")
        raise ConnectionError("the database has gone away")
except ConnectionError as error:
    print(error)
print("The file holds", repr(path.read_text()))
# OUTPUT:
# the database has gone away
# The file holds 'Ada\n'

# %% [markdown]
# One user of three hundred, and yesterday's file is gone: `open(path, "w")` empties a file at once. Whoever reads it in the morning finds a file that
# looks complete. And no test of a good night sees that.
#
# The cure is an **atomic replace**, one that happens completely or not at all. Write to a *new* file in the same folder, close it, and only then give it
# the old one's name: `new.replace(path)`. The file system changes the name in one step. Whenever somebody looks, a whole file is there.
#
# ## A full disk, without filling one
#
# The classic reason to break off is a full disk. How do you test that? You can't fill the disk of everybody who runs your tests. But the operating system
# can be told that **no file of this process may grow beyond so many bytes**. That needs no special rights, and holds for root as well,
# the user who may do everything. (It is the module `resource`, on Linux and macOS.)
#
# The next cell runs in a process of its own. **Predict.** Which line of it is told that there is no room: the one that writes, or the one that closes?

# %% full_disk
# %%pytest --tb=short
# import resource
#
#
# def test_who_is_told_of_a_full_disk(tmp_path):
#     file = (tmp_path / "users.csv").open("wb")
#     hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
#     resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
#     file.write(b"Ada")
#     file.close()

# %% [markdown]
# `write` only puts the bytes into a **buffer** in memory. The disk is asked at `close`, or when the buffer is full. So a program that gives the new file
# its name *before* it closes it puts an empty file in the old one's place.
#
# `tmp_path` you know from lesson 03: a `Path`, a fresh folder for each test, which pytest cleans up.
#
# ## Exercise 10.1: an export on a full disk
#
# `write_users(path, users)` writes an export. From the contract:
#
# 1. On a full disk it raises an `OSError`. What was at the path is there as before, and **no other file is left** in the folder.
# 2. An export holds addresses of people: only its owner may read and write it. That is the **mode** `0o600`.
#
# Why ask for the mode, and not try to read the file as somebody else? Because your tests may run as root, in a container for example, and root may read
# everything: such a test would be red there, or skipped. The mode is the same for all. (`stat.S_IMODE(path.stat().st_mode)` picks it out of what the
# system knows of a file.)
#
# The conftest gives you `users`, and `with full_disk():`. Run it; there is nothing to write in it.

# %% disk tags=["conftest"]
import resource
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from users_api.models import User


@pytest.fixture
def users():
    """Two users, as they come from a database."""
    since = {"role": "user", "created_at": datetime(2030, 1, 1, tzinfo=UTC)}
    ada = User(id=1, name="Ada", email="ada@example.org", **since)
    return [ada, User(id=2, name="Grace", email="grace@example.org", **since)]


@pytest.fixture
def full_disk():
    """`with full_disk():` no file of this process can grow."""

    @contextmanager
    def limit():
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit

# %% all_or_nothing tags=["exercise"] exercise="10.1"
import stat

import pytest
from users_api.export import write_users


def test_an_export_on_a_full_disk_leaves_all_as_it_was(tmp_path, users, full_disk):
    path = tmp_path / "users.csv"
    path.write_text("an older export")
    # BEGIN SOLUTION: expect an OSError on a full_disk(), look at path and at tmp_path; then line 2
    with full_disk(), pytest.raises(OSError):
        write_users(path, users)
    assert path.read_text() == "an older export"
    assert list(tmp_path.iterdir()) == [path]


def test_only_its_owner_may_read_an_export(tmp_path, users):
    write_users(tmp_path / "users.csv", users)
    assert stat.S_IMODE((tmp_path / "users.csv").stat().st_mode) == 0o600
    # END SOLUTION

# %% [markdown]
# ## A file from somewhere else
#
# Now the other direction. `import_users(session, path)` adds the users of a CSV file to the database. Who made that file? A spreadsheet, a script, a Mac,
# an attacker. Text becomes bytes by an **encoding**, and a file does not say by which one. Here is one name in four of them, and what two careless
# programs read:

# %% encodings tags=["nbval-check-output"]
for encoding in ("utf-8", "utf-8-sig", "latin-1", "utf-16"):
    content = "Zoë".encode(encoding)
    as_latin_1, as_utf_8 = content.decode("latin-1"), content.decode("utf-8", errors="replace")
    print(f"{encoding:<10}{content!r:<32}{as_latin_1!r:<21}{as_utf_8!r}")
# OUTPUT:
# utf-8     b'Zo\xc3\xab'                   'ZoÃ«'               'Zoë'
# utf-8-sig b'\xef\xbb\xbfZo\xc3\xab'       'ï»¿ZoÃ«'            '\ufeffZoë'
# latin-1   b'Zo\xeb'                       'Zoë'                'Zo�'
# utf-16    b'\xff\xfeZ\x00o\x00\xeb\x00'   'ÿþZ\x00o\x00ë\x00'  '��Z\x00o\x00�\x00'

# %% [markdown]
# The first program takes everything for Latin-1. It never fails, and it is nearly always wrong. The second reads UTF-8, and puts `�` where it doesn't
# understand. Both of them *import* something. An honest program refuses.
#
# `utf-8-sig` is UTF-8 behind a **byte order mark**: three bytes with which spreadsheets begin a file. Read as plain UTF-8, they become an invisible sign
# in the name of the first column.
#
# ## Exercise 10.2: read it right, or not at all
#
# From the contract: *CSV in UTF-8, with a byte order mark or without, lines that end in LF (`\n`) or CRLF (`\r\n`), the columns `name` and `email` in any
# order. Anything else is refused with `UnreadableFileError`, and nobody is added.* A name is any text of 1 to 100 characters. In quotes it may hold a
# line break.
#
# `add(content)` imports these bytes. `names()` tells who is there, as **another session** sees it: what is in the database, and not what this session
# believes.
#
# (The next cell has the fixtures for all that follows. Run it now, and read it when you need it.)
#
# **Predict.** Four bugs are in play. How many of them does `add(b"name,email\nAda,ada@example.org\n")` catch?

# %% database tags=["conftest"]
import io
import shutil
import subprocess
import tarfile
import tracemalloc
import zipfile
from base64 import b64decode

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from users_api.database import create_tables, engine
from users_api.imports import import_users
from users_api.models import Base, User


@pytest.fixture
def session():
    create_tables(engine)
    with Session(engine) as session:
        yield session
    Base.metadata.drop_all(engine)


@pytest.fixture
def names(session):
    """`names()` returns the names of all users, as another session sees them."""

    def read():
        with Session(engine) as another:
            return list(another.scalars(select(User.name).order_by(User.id)))

    return read


@pytest.fixture
def add(session, tmp_path):
    """`add(content)` imports a file of these bytes; `add(content, "users.zip")` one of that name."""

    def write_and_import(content, name="users.csv"):
        (tmp_path / name).write_bytes(content)
        import_users(session, tmp_path / name)

    return write_and_import


@pytest.fixture
def pack():
    """`pack("users.zip", {"name": b"content"})` returns an archive of Python's, with any names."""

    def make(name, members):
        made = io.BytesIO()
        if name.endswith(".zip"):
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, content in members.items():
                    archive.writestr(member, content)
        else:
            with tarfile.open(fileobj=made, mode="w:gz") as archive:
                for member, content in members.items():
                    info = tarfile.TarInfo(member)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
        return made.getvalue()

    return make


@pytest.fixture
def made_by(tmp_path, pack):
    """`made_by("zip")` returns the path of an archive that zip makes, or has made if it is missing."""

    def make(tool):
        path = tmp_path / ("team.tar.gz" if tool in ("tar", "mac") else "team.zip")
        if tool == "python":
            path.write_bytes(pack("team.zip", {"users.csv": b"name,email\nGrace,grace@example.org\n"}))
        elif not (shutil.which(tool) and makes_now(tool, path)):
            path.write_bytes(b64decode(MADE_EARLIER[tool]))
        return path

    def makes_now(tool, path):
        (tmp_path / "team").mkdir()
        (tmp_path / "team" / "2030.csv").write_bytes(b"name,email\nGrace,grace@example.org\n")
        command = [tool, {"zip": "-r", "7z": "a", "tar": "-czf"}[tool], path, "team"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0

    return make


@pytest.fixture
def memory():
    """`memory.start()`, and later `memory.get_traced_memory()[1]`: the most bytes in use in between."""
    yield tracemalloc
    tracemalloc.stop()


MADE_EARLIER = {  # by the programs themselves, and on a Mac
    "zip": """
        UEsDBAoAAAAAAABgIWQAAAAAAAAAAAAAAAAFAAAAdGVhbS9QSwMEFAAAAAgAAGAhZHH2p7QiAAAAIwAAAA0AAAB0ZWFtLzIwMz
        AuY3N2y0vMTdVJzU3MzOFyL0pMTtVJB5EOqRWJuQU5qXr5RelcAFBLAQIeAwoAAAAAAABgIWQAAAAAAAAAAAAAAAAFAAAAAAAA
        AAAAEADtQQAAAAB0ZWFtL1BLAQIeAxQAAAAIAABgIWRx9qe0IgAAACMAAAANAAAAAAAAAAEAAACkgSMAAAB0ZWFtLzIwMzAuY3
        N2UEsFBgAAAAACAAIAbgAAAHAAAAAAAA==""",
    "7z": """
        UEsDBAoAAAAAAAAAIQBx9qe0IwAAACMAAAAIAAAAMjAzMC5jc3ZuYW1lLGVtYWlsCkdyYWNlLGdyYWNlQGV4YW1wbGUub3JnCl
        BLAQI/AwoAAAAAAAAAIQBx9qe0IwAAACMAAAAIAAAAAAAAAAAAIICkgQAAAAAyMDMwLmNzdlBLBQYAAAAAAQABADYAAABJAAAA
        AAA=""",
    "tar": """
        H4sIAAAAAAACA+3RMQ6CMBSA4c6cogcg+CqUrm6eoyENMaFiajUeX2AkUSeMJv839L203f4cfNypbcnEWbvMyXouu2mldUbEzv
        dGGmeVtuoLbtfsk9YqjWN+9+/T+5/Kc/+91FJ11/uG/dumed2/qVf9jXW10kL/zZ19DGWI/jQUx+S7UPbzeQgPHy9DqMbUFwoA
        AAAAAAAAAAAAAADAb3oCK6EzNgAoAAA=""",
    "mac": """
        H4sIAAAAAAACA+3TMQvCQAyG4SiI6A9wvslJas7Wuro5iYOLmxzlEMFaqVX8+V7FyUEnReV9IAkkWb/Ku3wYrUcaa5Qdz/IOGq
        RJcpvB41SrqdhU04lVHdd7Owo7MSofcDpWrjRGyqKonv29uv+qVq8tTZG5y8xiaVbmThrh1gnVD2UEf6qq8//W9L/OvybxQ/7t
        eBKT/0/Yu9wPfO62u+6sdJkfbOo+9ReXH3Y+KspNl5AAAAAAAAAAAAAAAAB8sStD7TT0ACgAAA==""",
}

# %% encodings_read tags=["exercise"] exercise="10.2"
import pytest
from users_api.imports import UnreadableFileError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_name_comes_in_as_it_was_written(add, names, encoding, line_end):
    # BEGIN SOLUTION: join lines with line_end, encode, add, assert names(); then a file in latin-1
    lines = ["name,email", '"Łukasz', 'Żak",l@example.org', ""]
    add(line_end.join(lines).encode(encoding))
    assert names() == [f"Łukasz{line_end}Żak"]


def test_a_file_in_another_encoding_is_refused(add, names):
    with pytest.raises(UnreadableFileError):
        add("name,email\nZoë,zoe@example.org\n".encode("latin-1"))
    assert names() == []
    # END SOLUTION

# %% [markdown]
# ## Who made the archive?
#
# An archive puts files into one, and mostly makes them smaller. `import_users` takes `.zip` and `.tar.gz` with one CSV file in it. Your first idea for a
# test may be to make an archive with Python's `zipfile`, and import that. But this is a round trip: Python writes, Python reads. What do other programs
# put in? Let those that are on this machine pack one folder with one file:

# %% other_programs
import shutil
import subprocess
import tarfile
import zipfile

folder = TemporaryDirectory()
team = Path(folder.name) / "team"
team.mkdir()
(team / "2030.csv").write_text("name,email\nGrace,grace@example.org\n")
for command in ("zip -r team.zip team", "7z a team7.zip team", "tar -czf team.tar.gz team"):
    program, _, archive, _ = command.split()
    if not shutil.which(program):
        print(program, "is not here")
    elif not subprocess.run(command.split(), cwd=team.parent, capture_output=True).returncode:
        made = team.parent / archive
        is_zip = made.suffix == ".zip"
        print(program, zipfile.ZipFile(made).namelist() if is_zip else tarfile.open(made).getnames())

# %% [markdown]
# The folder is an entry of its own, and comes first. Python's `zipfile` writes none unless somebody asks for it. And a Mac adds more: to each file
# another one, hidden, with what the Finder knows of it (`team/._2030.csv`, or the same below `__MACOSX`).
#
# ## Exercise 10.3: whoever made it
#
# `made_by(tool)` returns the **path** of such an archive: made right now where the program is installed, and otherwise one that it made earlier. (Real
# projects keep such files beside the tests, a few hundred bytes each.) Grace is in each of them.
#
# First be naive: import what `made_by("python")` returns, and run it. **Predict.** How many of the three bugs does an archive of Python's own catch? Then
# write `made_by(tool)`.

# %% reads_archives tags=["exercise"] exercise="10.3"
import pytest
from users_api.imports import import_users


@pytest.mark.parametrize("tool", ["zip", "7z", "tar", "mac"])
def test_an_archive_is_read_whoever_made_it(session, names, made_by, tool):
    # BEGIN SOLUTION: import the archive that made_by(tool) returns, and assert whose names are there
    import_users(session, made_by(tool))
    assert names() == ["Grace"]
    # END SOLUTION

# %% [markdown]
# ## Half a file
#
# A download breaks off, and the end is missing. Let us export twenty users in each of the three formats, cut each file at sixty places, and read what is
# left. (`read_users` is the first half of an import: it reads, and saves nothing.)
#
# **Predict.** Which of the formats notices each cut, and which takes half a file for a whole one?

# %% cuts
from datetime import UTC, datetime

from users_api.export import write_users
from users_api.imports import UNREADABLE, read_users
from users_api.models import User

since = {"role": "user", "created_at": datetime(2030, 1, 1, tzinfo=UTC)}
twenty = [User(id=n, name=f"User {n}", email=f"{n}@example.org", **since) for n in range(20)]
read = {"cut.tar.gz": [], "cut.zip": [], "cut.csv": []}
for name, numbers in read.items():
    path = Path(folder.name) / name
    write_users(path, twenty)
    whole = path.read_bytes()
    for cut in range(1, 60):
        path.write_bytes(whole[: len(whole) * cut // 60])
        try:
            numbers.append(len(read_users(path)))
        except UNREADABLE:
            numbers.append(0)

# %% picture
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(8, 2), layout="constrained")
for row, numbers in enumerate(read.values()):
    for cut, number in enumerate(numbers, start=1):
        color, fill = ("#c8553d", "full") if number else ("#2e8fbd", "none")
        axes.plot(cut / 60 * 100, row, "o", color=color, fillstyle=fill)
axes.set(yticks=range(3), yticklabels=read, ylim=(-0.6, 2.6), xlabel="% of the file that is left")
axes.set_title("open: refused; full: half a file is taken for a whole one")
plt.show()

# %% [markdown]
# Archives carry a **check sum**, and know where they end. CSV has neither: where it is cut behind a whole line, nobody in the world can tell. That is no
# bug of the program, it is the format. So send an archive, even for a single file.
#
# ## Exercise 10.4: all, or none
#
# From the contract: *All users are added, or none. `import_users` raises `UnreadableFileError` where the file is damaged or a line is wrong, and
# `EmailTakenError` where an address belongs to somebody already, or stands in the file twice.*
#
# 1. Damage an archive that `tar` made in two ways: cut it off, and change a byte. The import is refused, with the error of the contract.
# 2. A CSV file whose **last** line is wrong: no address, or Ada's address once more (in capitals). Afterwards nobody is there, not even Ada.
#
# **Predict.** Why the last line? What would you see with a wrong first one?

# %% all_or_none tags=["exercise"] exercise="10.4"
import pytest
from users_api.imports import UnreadableFileError
from users_api.users import EmailTakenError


def cut_off(content):
    return content[:100]


def with_another_byte(content):
    return content[:100] + bytes([content[100] ^ 255]) + content[101:]  # ^ 255 changes it, whatever it is


@pytest.mark.parametrize("damage", [cut_off, with_another_byte])
def test_a_damaged_archive_adds_nobody(add, names, made_by, damage):
    content = made_by("tar").read_bytes()
    # BEGIN SOLUTION: add(damage(content), "damaged.tar.gz") is refused; look at names(); then line 2
    with pytest.raises(UnreadableFileError):
        add(damage(content), "damaged.tar.gz")
    assert names() == []


@pytest.mark.parametrize(
    ("last", "error"),
    [(b"Eve,nowhere\n", UnreadableFileError), (b"Eve,ADA@EXAMPLE.ORG\n", EmailTakenError)],
)
def test_a_wrong_last_line_adds_nobody(add, names, last, error):
    with pytest.raises(error):
        add(b"name,email\nAda,ada@example.org\n" + last)
    assert names() == []
    # END SOLUTION

# %% [markdown]
# With a wrong *first* line there is nothing to be seen: a program that saves as it reads has saved nobody by then. Put the fault where as much as
# possible has happened already.
#
# ## Archives that attack
#
# A name in an archive is text, and whoever makes the archive chooses it. Many programs unpack into a folder and join the two. **Predict.** Where do these
# three files end up?

# %% zip_slip tags=["nbval-check-output"]
import os

for name in ("users.csv", "../../home/ada/.bashrc", "/home/ada/.bashrc"):
    print(os.path.normpath(Path("/srv/uploads") / name))
# OUTPUT:
# /srv/uploads/users.csv
# /home/ada/.bashrc
# /home/ada/.bashrc

# %% [markdown]
# That is a **zip slip**: an import replaces a file of the server, as far as its rights go. The best cure is not to unpack to the disk at all.
#
# The other attack is a **decompression bomb**. What repeats itself becomes a thousand times smaller, so a small file can hold more than your memory or
# your disk. Here are ten gigabytes of zeros. Our program reads a million bytes and no more, whatever the archive says of itself:

# %% bomb
import gzip
import tracemalloc

entry = tarfile.TarInfo("users.csv")
entry.size = 10_000_000_000
bomb = Path(folder.name) / "bomb.tar.gz"
bomb.write_bytes(gzip.compress(entry.tobuf(tarfile.GNU_FORMAT)) + 1000 * gzip.compress(bytes(10_000_000)))
tracemalloc.start()
try:
    read_users(bomb)
except UNREADABLE as error:
    print(f"{bomb.stat().st_size:,} bytes on the disk, refused: {error}")
print(f"{tracemalloc.get_traced_memory()[1]:,} bytes of memory")
tracemalloc.stop()

# %% [markdown]
# Don't throw such a bomb at a program that may be wrong: it would take your machine down, or that of your colleagues. Twenty megabytes show the same bug.
#
# ## Exercise 10.5: refuse it, at no cost
#
# From the contract: *An import writes nothing to the disk. What is more than a million bytes unpacked is refused, and that costs no more than a few
# megabytes of memory.* Left open: whether an archive with a name that leads out of it is refused, or read without harm (so `suppress`).
#
# 1. Pack `users.csv` together with a file whose **name** is `str(planted)`, an absolute path. After the import there is no such file.
# 2. `BOMB` holds 200 users, each with a note of a hundred thousand spaces. Pack it, `memory.start()`, and `add` it: refused. At most 10,000,000 bytes were needed.
#
# **Predict.** One program refuses the bomb with the right error. Which of your assertions catches it all the same?

# %% hostile tags=["exercise"] exercise="10.5"
from contextlib import suppress

import pytest
from users_api.imports import UnreadableFileError

GRACE = b"name,email\nGrace,grace@example.org\n"
NOTE = b" " * 100_000
BOMB = b"name,email,note\n" + b"".join(b"User,%d@example.org,%s\n" % (n, NOTE) for n in range(200))


@pytest.mark.parametrize("name", ["users.zip", "users.tar.gz"])
def test_nothing_is_written_where_a_name_leads(add, pack, tmp_path, name):
    planted = tmp_path / "planted.txt"
    # BEGIN SOLUTION: add an archive with both files, suppress the refusal, assert on planted; then line 2
    archive = pack(name, {str(planted): b"planted", "users.csv": GRACE})
    with suppress(UnreadableFileError):
        add(archive, name)
    assert not planted.exists()


@pytest.mark.parametrize("name", ["users.zip", "users.tar.gz"])
def test_a_bomb_is_refused_at_no_cost(add, pack, memory, name):
    bomb = pack(name, {"users.csv": BOMB})
    memory.start()
    with pytest.raises(UnreadableFileError):
        add(bomb, name)
    assert memory.get_traced_memory()[1] < 10_000_000
    # END SOLUTION

# %% [markdown]
# ## What these bugs have in common
#
# On a good day all these programs are right: with room on the disk, a file of our own making, whole and well-meant. The bugs live on the bad days, and
# your tests **made the bad day**: a limit instead of a full disk, a cut, a changed byte, a name with a slash. Then they looked at what was left: in the
# folder, in the database, in memory.
#
# Some bad days cannot be made in a test:
#
# | what | why no test shows it | instead |
# |---|---|---|
# | a power cut | the file system writes later than `close`: only pulling the plug would tell | `os.fsync` before the name is changed, and a review |
# | *permission denied* | root may do everything | ask for the mode, as you did |
# | a cut behind a whole line of CSV | it is a whole file | send archives |
# | a disk that is really full | its error is *No space left on device*, and ours *File too large* | both are an `OSError`, and the program must not look closer. (Linux has one file that is always full: `/dev/full`) |
#
# ## Further reading
#
# - pytest, *How to use temporary directories and files in tests*: <https://docs.pytest.org/en/stable/how-to/tmp_path.html>
# - Python, *zipfile*, with *decompression pitfalls*: <https://docs.python.org/3/library/zipfile.html#decompression-pitfalls>
# - Python, *tarfile: extraction filters*: <https://docs.python.org/3/library/tarfile.html#extraction-filters>
# - Python, *resource: resource usage information*: <https://docs.python.org/3/library/resource.html>
# - RFC 4180, *Common Format and MIME Type for CSV Files*: <https://www.rfc-editor.org/rfc/rfc4180>
#
# **Next:** all programs so far were in Python. The same tests, in another language.

# %% quiz
course.quiz("10")

# %% next
course.next()
