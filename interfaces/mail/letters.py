"""What a message to a person says, as mail: plain text, one id for ever, nothing that another system is asked for."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from interfaces.postgres.vault_post import Letter

_PROOF = """

    tenant  {tenant}
    token   {token}

It is good once, for an hour from when it was asked for. Show it to nobody. If it was not you, there is nothing to do.
"""
_NOT_YOU = "\n\nIf this was not you, change your password, and tell whoever runs this installation.\n"

_SUBJECTS = {
    "verify_email": "Prove your address",
    "reset_password": "A new password",
    "address_in_use": "You are registered already",
    "second_factor_on": "Your second factor is on",
    "second_factor_off": "Your second factor is off",
    "second_factor_reset": "Your second factor was reset",
    "identity_linked": "Another way to log in",
}
_TEXTS = {
    "verify_email": f"Somebody registered with this address. To prove that it is yours, give this token:{_PROOF}",
    "reset_password": f"Somebody asked for a new password. To set one, give this token:{_PROOF}",
    "address_in_use": """Somebody tried to register with this address, which is yours already.

If it was you, log in, or ask for a new password. If it was not you, there is nothing to do.
""",
    "second_factor_on": f"From now on your logins need a one-time code.{_NOT_YOU}",
    "second_factor_off": f"Your logins need no one-time code any more.{_NOT_YOU}",
    "second_factor_reset": f"An administrator has taken your second factor off, and ended your sessions.{_NOT_YOU}",
    "identity_linked": f"From now on your account at another provider logs you in here.{_NOT_YOU}",
}
_OTHER = "Something about your account"
KINDS = frozenset(_TEXTS)


def as_mail(letter: Letter, *, sender: str) -> EmailMessage:
    """Return a message as mail from `sender` (`Name <address>`). The same letter gives the same mail, byte by byte.

    Raises ValueError for an address that no mail can have.
    """
    name, address = parseaddr(sender)
    mail = EmailMessage()
    mail["From"] = Address(display_name=name, addr_spec=address)
    mail["To"] = Address(addr_spec=letter.email)
    mail["Subject"] = _SUBJECTS.get(letter.kind, _OTHER)
    mail["Date"] = format_datetime(letter.created_at)
    mail["Message-ID"] = f"<{letter.id}.{letter.tenant}@{address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    text = _TEXTS.get(letter.kind, f"{_OTHER}: {letter.kind}.{_NOT_YOU}")
    mail.set_content(text.format(tenant=letter.tenant, token=letter.token))
    return mail
