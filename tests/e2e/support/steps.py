"""The steps at which dbbackup can be held: src/logical/backup.h and restore.h."""

# In the order in which they come, for a database "app".
OF_BACKUP = ["globals-saved", "snapshot-taken:app", "schema-dumped:app", "tables-locked:app", "rows-begun:app",
             "rows-done:app", "before-commit"]  # fmt: skip
OF_RESTORE = ["globals-done", "staging-created:app", "schema-entry-done:app", "pre-data-done:app", "table-loaded:app",
              "rows-done:app", "index-done:app", "post-data-done:app", "before-proof:app", "proof-done:app",
              "before-swap:app", "swap-open:app", "swap-committed:app", "swapped:app", "old-dropped:app"]  # fmt: skip
# Of other restores: into a system database, of one table; when locks run out; of a backup of a standby.
OF_OTHERS = ["filling-begun", "unfinished-removed", "table-built", "before-move", "moved", "locks-exhausted", "replay-paused"]
# From here on the new database is in place, and nothing leads back.
AFTER_SWAP = ["swap-committed:app", "swapped:app", "old-dropped:app"]
