"""The journal: the only place of the edge with SQL, written by exactly one process."""
