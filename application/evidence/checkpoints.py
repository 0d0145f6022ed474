"""Checkpoints: what is signed of the log at a moment, in the text form of transparency logs (C2SP tlog-checkpoint).

lastro-1f2e3d4c5b6a7980              who signs which log
1217                                 events
b2pXb…=                              root of the tree of events, base64
receipts 402 Hk0…=                   the same of receipts
chain 7Ys…= Qpw…=                    ends of the hash chains of both
time 2026-11-20T22:33:13.000000Z     when it was signed
liabilities 7Qe…=                    of some: root of the trees of what is owed to users, at the last of the events
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from application.evidence.trees import Head

_FORM = re.compile(
    r"(?P<origin>[^\s+]{1,200})\n(?P<events>0|[1-9][0-9]{0,18})\n(?P<events_root>\S{44})\n"
    r"receipts (?P<receipts>0|[1-9][0-9]{0,18}) (?P<receipts_root>\S{44})\n"
    r"chain (?P<events_chain>\S{44}) (?P<receipts_chain>\S{44})\ntime (?P<time>\S{27})\n"
    r"(?:liabilities (?P<liabilities>\S{44})\n)?"
)
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class NoCheckpoint(ValueError):
    """The text is not a checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state of the log that a signature stands for."""

    origin: str
    events: Head
    receipts: Head
    signed_at: datetime
    liabilities: bytes | None = None

    @property
    def text(self) -> str:
        """The text that is signed."""
        return (
            f"{self.origin}\n{self.events.size}\n{_shown(self.events.root)}\n"
            f"receipts {self.receipts.size} {_shown(self.receipts.root)}\n"
            f"chain {_shown(self.events.chain)} {_shown(self.receipts.chain)}\n"
            f"time {self.signed_at.astimezone(UTC).strftime(_TIME)}\n"
        ) + (f"liabilities {_shown(self.liabilities)}\n" if self.liabilities else "")

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a checkpoint's text. Raises `NoCheckpoint`."""
        said = _FORM.fullmatch(text)
        if said is None:
            raise NoCheckpoint("the text has not the form of a checkpoint")
        try:
            return cls(
                origin=said["origin"],
                events=_head(said["events"], said["events_root"], said["events_chain"]),
                receipts=_head(said["receipts"], said["receipts_root"], said["receipts_chain"]),
                signed_at=datetime.strptime(said["time"], _TIME).replace(tzinfo=UTC),
                liabilities=_digest(said["liabilities"]) if said["liabilities"] else None,
            )
        except (ValueError, binascii.Error) as error:
            raise NoCheckpoint(str(error)) from error


def _head(size: str, root: str, chain: str) -> Head:
    return Head(size=int(size), root=_digest(root), chain=_digest(chain))


def _digest(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _shown(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
