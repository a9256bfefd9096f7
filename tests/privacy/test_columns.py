"""Where words may lie: every column that could hold any is known here, and an erasure covers those that do."""

from typing import Any, Final

import psycopg

ERASED: Final = {
    "alerts": "note",
    "approvals": "content reason",
    "entry_texts": "texts",
    "holders": "region store",
    "member_attributes": "attributes",
    "member_lock_events": "reason",
}
"""What callers say or know of members. Everything here has to be gone after an erasure (``test_erasing``)."""

OF_THE_HOUSE: Final = {
    "api_keys": "name frozen_reason",
    "deferral_policies": "reason",
    "estimates": "inputs reason",
    "key_events": "reason",
    "period_events": "reason pack",
    "program_terms": "terms",
    "programs": "name currency timezone",
    "rates": "reason",
    "reconciliations": "ageing",
    "rule_activations": "reason",
    "rule_sets": "content",
    "rule_switches": "reason",
}
"""What keys of the house say about rules, rates, months and keys, none of which is about a member."""

IDS_AND_CODES: Final = {
    "alerts": "code subject details acknowledged_by",
    "api_keys": "key_id role region",
    "approvals": "kind subject proposed_by status decided_by",
    "audit_events": "principal role member_id address action subject code request_id",
    "business_references": "kind reference",
    "chart": "name side normal_side unit",
    "contract_totals": "measure",
    "daily_totals": "dimension key",
    "deferral_policies": "method proposed_by approved_by",
    "entitlements": "code period tier",
    # What a purchase was of, and where: articles and stores, not people.
    "entries": "kind reference channel store region operator terminal details",
    "erasures": "erased_by reason",
    "estimates": "method proposed_by approved_by",
    "flagged_entries": "flag",
    "holders": "member_id tier",
    "holds": "status",
    "key_events": "key_id change changed_by",
    "key_uses": "key_id",
    "member_lock_events": "lock changed_by",
    # An answer repeats no words of the request.
    "outcomes": "key request_id code answer caller action",
    "period_events": "status changed_by approved_by",
    "quotes": "store sku",
    "rate_counts": "subject",
    "rates": "proposed_by approved_by",
    "reconciliation_exceptions": "outcome type reference details",
    "reconciliations": "kind uploaded_by",
    "referrals": "referrer_id",
    "reviews": "opened_by decision decided_by",
    "rule_activations": "owner activated_by",
    "rule_sets": "owner made_by",
    "rule_switches": "kind code switched_by",
    "tier_events": "from_tier to_tier reason",
    "till_batches": "device_id",
    "usages": "subject period",
}
"""Opaque ids, codes of closed lists, and figures."""

DIGESTS: Final = {
    "api_keys": "digest",
    "approvals": "content_hash",
    "audit_events": "before_hash after_hash",
    "checkpoints": "root previous public_key signature",
    "entries": "hash",
    "entry_texts": "salt",
    "holders": "head_hash",
    "outcomes": "fingerprint",
    "period_events": "pack_hash",
    "reconciliations": "digest",
    "rule_sets": "content_hash",
    "till_batches": "digest",
}
"""From which nothing can be read."""


def test_every_column_that_could_hold_words_is_known(owner_url: Any) -> None:
    query = """
        SELECT c.table_name, c.column_name FROM information_schema.columns c
          JOIN pg_tables t ON t.tablename = c.table_name AND t.schemaname = c.table_schema
         WHERE c.table_schema = 'public' AND c.data_type IN ('text', 'json', 'jsonb', 'bytea')"""
    with psycopg.connect(owner_url) as owner:
        there = set(owner.execute(query).fetchall())
    known = [
        (table, column)
        for kind in (ERASED, OF_THE_HOUSE, IDS_AND_CODES, DIGESTS)
        for table, columns in kind.items()
        for column in columns.split()
    ]
    assert len(known) == len(set(known))
    # Whoever adds one says what it holds. What callers say of members must lie where it can be erased.
    assert there - set(known) == set()
    assert set(known) - there == set()
