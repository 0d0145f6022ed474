"""One-time codes (RFC 6238: SHA-1, six digits, thirty seconds), their QR code, and backup codes. It keeps nothing."""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

import pyotp

ISSUER = "Lastro"
BACKUP_CODES = 10
_STEP_S = 30
_SLACK_STEPS = 1
"""A code is good a step before and after its own: clocks differ, and typing takes time (RFC 6238, 5.2)."""
_CODE = re.compile(r"[0-9]{6}")
_BACKUP_BYTES = 10
_PNG_SCALE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A new secret, as a person brings it into an authenticator. Shown once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    qr_svg: str = field(repr=False)
    qr_png: str = field(repr=False)


def enrol(account: str) -> Enrolment:
    """Return a new secret of 160 bits with its otpauth URI, and this as a QR code in two data URIs."""
    import segno  # noqa: PLC0415 - only an enrolment draws

    secret = pyotp.random_base32()
    uri = pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)
    drawn = segno.make(uri, error="m")
    return Enrolment(
        secret=secret, uri=uri, qr_svg=drawn.svg_data_uri(scale=_PNG_SCALE), qr_png=drawn.png_data_uri(scale=_PNG_SCALE)
    )


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the step that a code is right for, None where it is right for none of now."""
    if _CODE.fullmatch(code) is None:
        return None
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // _STEP_S
    near = range(present - _SLACK_STEPS, present + _SLACK_STEPS + 1)
    found = [step for step in near if hmac.compare_digest(totp.at(step * _STEP_S), code)]
    return found[-1] if found else None


def new_backup_codes() -> list[str]:
    """Return codes of 80 random bits, in groups of four signs that are not mistaken for others."""
    return [_grouped(secrets.token_bytes(_BACKUP_BYTES)) for _ in range(BACKUP_CODES)]


def _grouped(random: bytes) -> str:
    signs = base64.b32encode(random).decode().lower()
    return "-".join(signs[at : at + 4] for at in range(0, len(signs), 4))
