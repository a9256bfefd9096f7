"""Requests that cannot be read, and callers who may not ask."""

from ledger.errors.base import LedgerError, Malformed


class InvalidRequest(Malformed):
    code = "invalid_request"  # details: errors [{field, message}]
    title = "The request is malformed"


class IdempotencyKeyMissing(Malformed):
    code = "idempotency_key_missing"
    title = "The Idempotency-Key header is missing"


class BodyTooLarge(Malformed):
    code = "body_too_large"  # details: limit_bytes
    title = "The body is too large"


class UnsupportedMediaType(Malformed):
    code = "unsupported_media_type"
    title = "The media type is not supported"


class MethodNotAllowed(LedgerError):
    code = "method_not_allowed"  # details: allowed
    title = "The address does not know this method"


class Unauthenticated(LedgerError):
    code = "unauthenticated"
    title = "A valid API key is required"


class Forbidden(LedgerError):
    code = "forbidden"  # details: required_scope
    title = "The key does not carry the required scope"


class KeyFrozen(Forbidden):
    """Somebody has frozen the key. It may do nothing until it is set free, and loses nothing of what it has done."""

    code = "key_frozen"
    title = "The key is frozen"


class KeyOutOfReach(Forbidden):
    """A key that approves is made, set free and rotated by the owner of the database alone (`ledger keys`)."""

    code = "key_out_of_reach"  # details: key_id, role
    title = "The key may more than the caller's role may grant"


class SelfApproval(LedgerError):
    """Maker and checker are two keys."""

    code = "self_approval"  # details: proposed_by
    title = "Nobody decides on a proposal of his own"


class SelfReview(LedgerError):
    """Whoever has sent an award does not say whether it stands."""

    code = "self_review"  # details: review_id, opened_by
    title = "Nobody decides on what he has awarded himself"


class OtherRegion(LedgerError):
    code = "other_region"  # details: region of the key
    title = "The key speaks for another region"


class TooManyRequests(LedgerError):
    """The caller has used up what he may send in this minute. Wait as long as `Retry-After` says."""

    code = "rate_limited"  # details: policy, limit, retry_after
    title = "Too many requests in a minute"
    retryable = True
