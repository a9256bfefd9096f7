"""Routes of rates and of the band: read, propose, switch; approvals have routes of their own."""

from typing import Any

from ledger import errors
from ledger.access.schemas import ApprovalSchema
from ledger.accounts.schemas import PageQuery, page_of
from ledger.fx.band_switches import propose_auto, switch_band
from ledger.fx.rate_schemas import (
    AutoProposalSchema,
    BandSwitchedSchema,
    BandSwitchSchema,
    CurrentRateSchema,
    RateProposalSchema,
    RateVersionSchema,
    RecommendationSchema,
)
from ledger.fx.recommendation import show_recommendation
from ledger.fx.register import list_rates, propose_rate, show_current
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.rules.register import present_rules

routes = Routes(
    "Rates", "What a point is worth: versions that are proposed, approved and dated, and the band."
)

_WRITES = (errors.OtherRegion, errors.OutcomeUnknown)


@routes.get("/v1/rates", scope="read", schema=PageQuery, answer=page_of(RateVersionSchema))
def list_rate_versions(call: Call, **page: Any) -> dict[str, Any]:
    """List the versions of the rate, newest first."""
    with call.database.read() as connection:
        return list_rates(connection, call.program, call.now, **page).shown()


@routes.get("/v1/rates/current", scope="read", answer=CurrentRateSchema, refusals=(errors.RateUnknown,))
def show_rate_in_force(call: Call) -> dict[str, Any]:
    """Show the rate in force.

    `rate` is the money of one point when it is spent, in major units of the currency: the bid.
    """
    with call.database.read() as connection:
        rules = present_rules(connection, call.program)
    return show_current(rules, call.program, call.now)


@routes.post(
    "/v1/rates",
    scope="propose",
    schema=RateProposalSchema,
    answer=ApprovalSchema,
    statuses=(202,),
    refusals=(
        errors.RateUnknown,
        errors.ActiveFromPast,
        errors.RateOutOfBounds,
        errors.RateStepExceeded,
        errors.RateAskBelowBid,
        *_WRITES,
    ),
)
def propose_rate_version(call: Call, **wanted: Any) -> dict[str, Any]:
    """Propose a rate.

    Another key approves it at `/v1/approvals/{approval_id}/approve`. It is in force from `valid_from` on, and never
    from before its approval. The proposal shows the whole of it: what was left out is filled in. A rate may differ
    from the one before it, and from one that is scheduled after it, by no more than that one's `max_step`.
    """
    made = call.database.run(
        lambda connection: propose_rate(connection, call.program, wanted, by=call.principal, now=call.now)
    )
    return made.shown()


@routes.get(
    "/v1/rates/recommendation", scope="read", answer=RecommendationSchema, refusals=(errors.RateUnknown,)
)
def recommend_rate(call: Call) -> dict[str, Any]:
    """Show what the band controller recommends.

    It follows from the books, the terms and the rate in force alone, and changes nothing. Each step is told in words.
    Whatever is in `blocked_by` makes it recommend the rate in force.
    """
    with call.database.read() as connection:
        rules = present_rules(connection, call.program)
        return show_recommendation(connection, call.program, rules, call.now)


@routes.put(
    "/v1/rates/band/switch",
    scope="switch",
    schema=BandSwitchSchema,
    answer=BandSwitchedSchema,
    refusals=_WRITES,
)
def switch_rate_band(call: Call, **turn: Any) -> dict[str, Any]:
    """Switch the band controller, freeze the rate, or end automatic changes.

    `controller` off is the kill switch: nothing is recommended any more, and automatic changes end until they are
    approved again. `changes` off freezes the rate. `auto` goes off here, and on by two approvals only.
    """
    return call.database.run(
        lambda connection: switch_band(connection, call.program, by=call.principal, now=call.now, **turn)
    )


@routes.post(
    "/v1/rates/band/auto",
    scope="propose",
    schema=AutoProposalSchema,
    answer=ApprovalSchema,
    statuses=(202,),
    refusals=(errors.BandSwitchedOff, *_WRITES),
)
def propose_automatic_changes(call: Call, reason: str) -> dict[str, Any]:
    """Propose to let the band controller record rates by itself.

    Two other keys approve it, one after the other: carrying out the first approval makes the proposal that the second
    is on, `second_approval` in its result. It takes effect where the terms say `auto` as well.
    """
    made = call.database.run(
        lambda connection: propose_auto(connection, call.program, reason, by=call.principal, now=call.now)
    )
    return made.shown()
