"""The postman speaks to a real mail server: a message comes at least once under one id, and no doubt is a failure."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtplib import SMTPAuthenticationError, SMTPException

from interfaces.mail import letters
from interfaces.mail.postman import Tls
from interfaces.postgres.vault import open_vault
from tests.interfaces.mail.desk import ANA, BOB, MINUTE, SENDER, Desk
from tests.interfaces.mail.mail_server import Fault, MailServer, self_signed, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[MailServer]:
    with serving(MailServer()) as running:
        yield running


async def test_a_message_of_any_tenant_is_handed_in_once_and_says_what_it_is(desk: Desk, server: MailServer) -> None:
    await desk.say()
    await desk.say("second_factor_on", "other", BOB)
    postman = desk.postman(server)
    assert [await postman.round(), await postman.round()] == [2, 0]
    proof, told = sorted(server.letters, key=lambda letter: letter["To"])
    assert (proof["To"], told["To"]) == ("a@example.org", "b@example.org")
    assert proof["From"] == SENDER
    (posted,) = await desk.outbox.list_messages("acme", limit=9)
    assert proof["Message-ID"] == f"<{posted.id}.acme@lastro.example>"
    assert "planted-token" in proof.get_content()
    assert "planted-token" not in told.get_content()
    assert posted.sent_at == desk.clock.now()


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_it_logs_in_over_tls_with_a_certificate_that_is_checked(desk: Desk, tls: Tls, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    await desk.say()
    with serving(MailServer(), tls=tls, certificate=certificate) as server:
        with pytest.raises((SMTPException, OSError)):
            await desk.postman(server, tls=tls).round()
        with pytest.raises(SMTPAuthenticationError):
            await desk.postman(server, password="wrong", ca=certificate, tls=tls).round()
        assert server.letters == []
        assert await desk.postman(server, ca=certificate, tls=tls).round() == 1
    assert server.logins == [False] * (len(server.logins) - 1) + [True]
    assert (server.secured, len(server.letters)) == ([True], 1)


async def test_starttls_is_demanded_of_a_server_that_has_none(desk: Desk, server: MailServer) -> None:
    await desk.say()
    with pytest.raises(SMTPException):
        await desk.postman(server, tls="starttls").round()
    assert server.letters == []


async def test_a_server_that_is_down_costs_no_message_and_no_attempt(desk: Desk) -> None:
    await desk.say()
    with serving(MailServer()) as server:
        pass
    with pytest.raises((SMTPException, OSError)):
        await desk.postman(server).round()
    with serving(server):
        assert await desk.postman(server).round() == 1
    assert len(server.letters) == 1


async def test_an_answer_that_never_came_is_no_failure_and_the_letter_comes_again_under_its_id(
    desk: Desk, server: MailServer
) -> None:
    await desk.say()
    postman = desk.postman(server)
    server.fault = "silent"
    with pytest.raises((SMTPException, OSError)):
        await postman.round()
    server.fault = "none"
    assert await postman.round() == 0, "it is taken for a minute"
    desk.clock.moment += MINUTE
    assert [await postman.round(), await postman.round()] == [1, 0]
    first, second = server.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()


@pytest.mark.parametrize(("fault", "refusal"), [("busy", None), ("refuse", "554")])
async def test_a_no_for_now_is_tried_again_and_a_no_for_ever_is_not(
    *, desk: Desk, server: MailServer, fault: Fault, refusal: str | None
) -> None:
    await desk.say()
    postman = desk.postman(server)
    server.fault = fault
    assert await postman.round() == 1
    server.fault = "none"
    (posted,) = await desk.outbox.list_messages("acme", limit=9)
    assert (posted.refusal, posted.sent_at) == (refusal, None)
    desk.clock.moment += MINUTE
    assert await postman.round() == (refusal is None)
    assert len(server.letters) == (refusal is None)


async def test_one_address_that_is_refused_keeps_nobody_waiting(desk: Desk, server: MailServer) -> None:
    server.unknown = {"a@example.org"}
    await desk.say()
    await desk.say("verify_email", "other", BOB)
    assert await desk.postman(server).round() == 2
    assert [letter["To"] for letter in server.letters] == ["b@example.org"]
    (posted,) = await desk.outbox.list_messages("acme", limit=9)
    assert posted.refusal == "550"


async def test_two_postmen_do_not_send_the_same(desk: Desk) -> None:
    await desk.say()
    (due,) = await desk.post.list_due(limit=9)
    first, second = await desk.post.take(*due), await desk.post.take(*due)
    assert first is not None
    assert second is None
    assert "planted-token" not in repr(first)
    assert "example.org" not in repr(first)


async def test_pauses_double_to_an_hour_and_patience_ends(desk: Desk) -> None:
    await desk.say()
    waited = []
    for _ in range(70):
        start = desk.clock.moment
        while not (due := await desk.post.list_due(limit=9)):
            desk.clock.moment += MINUTE
        assert await desk.post.take(*due[0]) is not None
        waited.append((desk.clock.moment - start) // MINUTE)
    assert waited[:9] == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert set(waited[9:]) == {60}
    desk.clock.moment += timedelta(days=3)
    assert await desk.post.list_due(limit=9) == []
    assert len(await desk.outbox.list_messages("acme", limit=9)) == 1, "an operator still reads it"


async def test_the_messages_of_an_erased_person_are_gone(desk: Desk) -> None:
    await desk.say()
    vault = await open_vault(desk.source, desk.keys, desk.clock)
    await vault.erase_subject("acme", ANA)
    assert await desk.post.list_due(limit=9) == []


def test_every_kind_of_message_has_a_text() -> None:
    from interfaces.api.routes import people, second_factor

    kinds = {people.VERIFY, people.RESET, people.IN_USE, second_factor.ON, second_factor.OFF, second_factor.RESET}
    assert kinds <= letters.KINDS
