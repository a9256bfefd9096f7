"""Experiments: which arm a member falls into. The same arm for ever, and apart from every other experiment."""

from hashlib import blake2b

from ledger.rules.definitions import Experiment


def arm_of(experiment: Experiment, member_id: str) -> str:
    """The member's arm, by a hash over experiment, salt and member; each arm in proportion to its weight."""
    named = f"{experiment.code}\0{experiment.salt}\0{member_id}".encode()
    drawn = int.from_bytes(blake2b(named, digest_size=8).digest())
    # 64 bits against weights of 20 at most: no arm is favoured by more than one member in 2^44.
    place = drawn * sum([arm.weight for arm in experiment.arms]) >> 64
    for arm in experiment.arms:
        place -= arm.weight
        if place < 0:
            return arm.code
    raise AssertionError("the place is below the sum of the weights")
