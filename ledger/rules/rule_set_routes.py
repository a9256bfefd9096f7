"""Routes of rule sets: draft, propose, activate, switch, promote; approvals have routes of their own."""

from datetime import datetime
from typing import Any

from ledger import errors
from ledger.access.schemas import ApprovalSchema
from ledger.accounts.schemas import page_of
from ledger.http.endpoint import Routes
from ledger.http.services import Call
from ledger.rules.conditions import VARIABLES
from ledger.rules.ownership import owner_of
from ledger.rules.register import (
    RuleSetVersion,
    activate_again,
    present_rules,
    promote,
    propose_activation,
    save,
)
from ledger.rules.rule_set_queries import list_rule_sets, rules_in_force, show_rule_set
from ledger.rules.rule_set_schemas import (
    ActivationSchema,
    ConditionsSchema,
    DraftSchema,
    InForceSchema,
    PromotionSchema,
    ProposalSchema,
    RuleSetQuery,
    RuleSetSchema,
    RuleSetsQuery,
    RulesQuery,
    RulesSchema,
    SwitchedSchema,
    SwitchSchema,
    WholeRuleSetSchema,
)
from ledger.rules.switches import CAMPAIGN, RULE, switch

routes = Routes(
    "Rules", "What earns points and growth: versions that are drafted, proposed, approved and put in force."
)

_WRITES = (errors.OtherRegion, errors.OutcomeUnknown)


@routes.get("/v1/rules", scope="read", schema=RulesQuery, answer=RulesSchema)
def read_rules_in_force(call: Call, region: str | None = None) -> dict[str, Any]:
    """Show the rules in force.

    Now, for purchases of a region or of none. Where headquarters has activated nothing, the rates of the
    program's terms are in force, as the rules `base`.
    """
    with call.database.read() as connection:
        rules = present_rules(connection, call.program)
    return rules_in_force(call.program, rules, region, call.now)


@routes.get("/v1/rules/schema", scope="read", answer=ConditionsSchema)
def read_conditions_schema(_call: Call) -> dict[str, Any]:
    """Show what conditions may speak of.

    Conditions are expressions in CEL over these variables. They are typed when a rule set is saved.
    """
    names = ("name", "type", "scope", "en", "zh")
    return {"variables": [{name: getattr(each, name) for name in names} for each in VARIABLES]}


@routes.get("/v1/rule-sets", scope="read", schema=RuleSetsQuery, answer=page_of(RuleSetSchema))
def list_rule_set_versions(call: Call, owner: str | None = None, **page: Any) -> dict[str, Any]:
    """List the versions of an owner's rules, newest first."""
    with call.database.read() as connection:
        return list_rule_sets(connection, call.program, owner_of(owner), call.now, **page).shown()


@routes.get(
    "/v1/rule-sets/<version>",
    scope="read",
    schema=RuleSetQuery,
    answer=WholeRuleSetSchema,
    refusals=(errors.RuleSetUnknown,),
)
def show_rule_set_version(call: Call, version: int, owner: str | None = None) -> dict[str, Any]:
    """Show a version of an owner's rules."""
    with call.database.read() as connection:
        return show_rule_set(connection, call.program, owner_of(owner), version, call.now)


@routes.post(
    "/v1/rule-sets",
    scope="propose",
    schema=DraftSchema,
    answer=WholeRuleSetSchema,
    statuses=(200, 201),
    refusals=(errors.RuleNotOverridable, *_WRITES),
)
def save_rule_set(call: Call, content: dict[str, Any], owner: str | None) -> tuple[dict[str, Any], int]:
    """Save a draft of rules.

    Every fault is named by its place, faults in conditions with their position. Answers 201 for a new version,
    and 200 with the version that is there for a content that was saved before. A version never changes.
    """
    saved, is_new = call.database.run(
        lambda connection: save(
            connection, call.program, owner_of(owner), content, by=call.principal, now=call.now
        )
    )
    return _shown(call, saved), 201 if is_new else 200


@routes.post(
    "/v1/rule-sets/<version>/proposals",
    scope="propose",
    schema=ProposalSchema,
    answer=ApprovalSchema,
    statuses=(202,),
    refusals=(errors.RuleSetUnknown, errors.ActiveFromPast, errors.RuleNotOverridable, *_WRITES),
    is_body_optional=True,
)
def propose_rule_set(
    call: Call, version: int, owner: str | None, active_from: datetime | None = None
) -> dict[str, Any]:
    """Propose to put a version in force.

    Another key approves it at `/v1/approvals/{approval_id}/approve`. It is in force from `active_from` on, and
    never from before its approval. The same proposal again, while it waits, is the same one.
    """
    made = call.database.run(
        lambda connection: propose_activation(
            connection,
            call.program,
            owner_of(owner),
            version,
            active_from,
            by=call.principal,
            now=call.now,
        )
    )
    return made.shown()


@routes.post(
    "/v1/rule-sets/<version>/activations",
    scope="approve",
    schema=ActivationSchema,
    answer=InForceSchema,
    statuses=(201,),
    refusals=(
        errors.RuleSetUnknown,
        errors.RuleSetNotApproved,
        errors.ActiveFromPast,
        errors.RuleNotOverridable,
        *_WRITES,
    ),
)
def activate_rule_set(
    call: Call, version: int, owner: str | None, reason: str, active_from: datetime | None = None
) -> dict[str, Any]:
    """Put a version in force again.

    The way back to an older version: only for one that was approved before, and so without another approval.
    """
    return call.database.run(
        lambda connection: activate_again(
            connection,
            call.program,
            owner_of(owner),
            version,
            active_from,
            reason,
            by=call.principal,
            now=call.now,
        )
    )


@routes.post(
    "/v1/rule-sets/<version>/promotions",
    scope="propose",
    schema=PromotionSchema,
    answer=WholeRuleSetSchema,
    statuses=(200, 201),
    refusals=(errors.RuleSetUnknown, *_WRITES),
)
def promote_rule_set(call: Call, version: int, owner: str) -> tuple[dict[str, Any], int]:
    """Make a region's version everybody's.

    Answers a draft of headquarters': what it has in force, with the region's rules, campaigns and experiments
    put in. A rule of the region takes the place of those that it overrides. Look at it, and propose it.
    """
    saved, is_new = call.database.run(
        lambda connection: promote(connection, call.program, owner, version, by=call.principal, now=call.now)
    )
    return _shown(call, saved), 201 if is_new else 200


@routes.put(
    "/v1/rules/<code>/switch",
    scope="switch",
    schema=SwitchSchema,
    answer=SwitchedSchema,
    refusals=(errors.RuleUnknown, *_WRITES),
)
def switch_rule(call: Call, **turn: Any) -> dict[str, Any]:
    """Switch a rule off, or on again.

    From the next posting on, wherever the rule is in force, until it is switched back: in every version and
    for every owner that has the code.
    """
    return _switched(call, RULE, turn)


@routes.put(
    "/v1/campaigns/<code>/switch",
    scope="switch",
    schema=SwitchSchema,
    answer=SwitchedSchema,
    refusals=(errors.CampaignUnknown, *_WRITES),
)
def switch_campaign(call: Call, **turn: Any) -> dict[str, Any]:
    """Switch a campaign off with all its rules, or on again. From the next posting on."""
    return _switched(call, CAMPAIGN, turn)


def _switched(call: Call, kind: str, turn: dict[str, Any]) -> dict[str, Any]:
    return call.database.run(
        lambda connection: switch(connection, call.program, kind, by=call.principal, now=call.now, **turn)
    )


def _shown(call: Call, saved: RuleSetVersion) -> dict[str, Any]:
    with call.database.read() as connection:
        return show_rule_set(connection, call.program, saved.owner, saved.version, call.now)
