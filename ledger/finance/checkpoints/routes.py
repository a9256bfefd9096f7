"""Routes of checkpoints: they are read here, and made by whoever has the key."""

from typing import Any

from ledger import errors
from ledger.accounts.schemas import page_of
from ledger.finance.checkpoints.register import list_checkpoints, require_checkpoint
from ledger.finance.checkpoints.schemas import CheckpointQuery, CheckpointSchema, CheckpointsQuery
from ledger.http.endpoint import Routes
from ledger.http.services import Call

routes = Routes("Checkpoints", "Signed statements of where every chain of the program ends.")


@routes.get("/v1/checkpoints", scope="finance", schema=CheckpointsQuery, answer=page_of(CheckpointSchema))
def list_program_checkpoints(call: Call, **page: Any) -> dict[str, Any]:
    """List the checkpoints, newest first.

    `ledger checkpoint` makes one, and writes the file with the leaves under its root.
    """
    with call.database.read() as connection:
        return list_checkpoints(connection, call.program, **page).shown()


@routes.get(
    "/v1/checkpoints/<checkpoint_id>",
    scope="finance",
    schema=CheckpointQuery,
    answer=CheckpointSchema,
    refusals=(errors.CheckpointUnknown,),
)
def show_checkpoint(call: Call, checkpoint_id: str) -> dict[str, Any]:
    """Show a checkpoint."""
    with call.database.read() as connection:
        return require_checkpoint(connection, call.program, checkpoint_id)
