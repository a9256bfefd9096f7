"""What a request is to the audit log: the name of its route, its address, and the denial that it may end in."""

import re

from flask import g, request

from ledger.access import Principal
from ledger.access.audit_log import Asked, Denial, is_denial
from ledger.errors import KeyFrozen, LedgerError, TooManyRequests
from ledger.http.problems import status_of
from ledger.http.services import services


def asked() -> Asked:
    """What the present request asks for."""
    return Asked(_action(), request.path, g.request_id)


def note_denial(error: LedgerError) -> None:
    """Write down that the present request is denied, if that is what the refusal means.

    Of whoever has not said who he is, only the form of the address is kept: he may write into it what he likes.
    """
    principal: Principal | None = g.get("principal")
    if request.url_rule is None or not is_denial(error, principal):
        return
    status = status_of(type(error))
    if principal is not None:
        # Neither has an end of its own: a till goes on selling, whatever it is answered.
        is_endless = isinstance(error, TooManyRequests | KeyFrozen)
        denial = Denial(asked(), status, error.code, principal, is_repeatable=is_endless)
    else:
        nobodys = asked()._replace(subject=form_of(request.url_rule.rule))
        denial = Denial(nobodys, status, error.code, None, request.remote_addr or "", is_repeatable=True)
    services().denials.note(denial)


def form_of(path: str) -> str:
    """The path of a route as the document writes it."""
    return re.sub("<(.*?)>", r"{\1}", path)


def _action() -> str:
    assert request.endpoint is not None
    return request.endpoint.rpartition(".")[2]
