"""What a connector may raise, sorted by what the hub does next.

* ConnectorError
  x Retry               wait and run the same job again
    + RateLimited         ... not before `retry_after_s`
    + RemoteUnavailable
        - AnswerLost        the call went out, and what became of it is not known
  x NeedsAttention      stop this installation, show it to the shop owner
    + CredentialsRejected
        - InstallAgain      an application's tokens are used up
    + PayloadInvalid      the remote sends what our schema does not know; the delivery is kept
    + RemoteMisconfigured the remote answers, but not as the vendor's documents say
        - AnswerUnclear     ... so that what became of the call is not known
    + OutOfMoney          the account at the vendor is empty
  x Drop                mark the delivery as not for us, do not try again
    + NotOurs             a kind of message that the connector does not handle
    + Gone                the document does not exist at the remote any more
    + CodeTaken           the remote has something of this code that is not the hub's
    + NotPossible         the remote cannot have it as it is asked for
  x Refused             answer 4xx at the door, store nothing
    + SignatureInvalid
    + Unreadable          not JSON, or no delivery key in it
  x Acknowledged        answer 200 at the door, store nothing (a vendor's ping)

`str(error)` is for the owner's eyes and holds no secret and nothing personal.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Base of all that a connector raises on purpose; `code` is stable."""

    code = "connector_error"


class Retry(ConnectorError):
    code = "retry"


class RateLimited(Retry):
    """The remote asks for a pause of `retry_after_s` seconds."""

    code = "rate_limited"

    def __init__(self, message: str = "", *, retry_after_s: float = 60.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RemoteUnavailable(Retry):
    code = "remote_unavailable"


class AnswerLost(RemoteUnavailable):
    """The call went out and no whole answer came back: the remote may have done what it was
    asked.  What costs something each time is not repeated for ever."""


class NeedsAttention(ConnectorError):
    code = "needs_attention"


class CredentialsRejected(NeedsAttention):
    code = "credentials_rejected"


class InstallAgain(CredentialsRejected):
    """What an application was given when it was installed is used up: the owner installs it
    again in the vendor's system, and types nothing."""

    code = "install_again"


class PayloadInvalid(NeedsAttention):
    code = "payload_invalid"


class RemoteMisconfigured(NeedsAttention):
    code = "remote_misconfigured"


class AnswerUnclear(RemoteMisconfigured):
    """The remote answers, and does not say whether it did what it was asked: it may have."""


class OutOfMoney(NeedsAttention):
    code = "out_of_money"


class Drop(ConnectorError):
    code = "drop"


class NotOurs(Drop):
    code = "not_ours"


class Gone(Drop):
    code = "gone"


class CodeTaken(Drop):
    code = "code_taken"


class NotPossible(Drop):
    code = "not_possible"


class Refused(ConnectorError):
    code = "refused"


class SignatureInvalid(Refused):
    code = "signature_invalid"


class Unreadable(Refused):
    code = "unreadable"


class Acknowledged(ConnectorError):
    code = "acknowledged"
