"""${message}

Before you write: the previous release runs beside this migration. Add, do not rename; a new column is
nullable or has a constant default; a new constraint comes NOT VALID and is validated in a later step;
an index on a large table is built CONCURRENTLY in a migration of its own. Write CHECKs, functions,
triggers and grants by hand: autogenerate does not see them. Then refresh the golden schema
(``make golden``) and read its difference.

Revision: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    raise NotImplementedError("the books only move forward; restore a backup instead")
