"""What makes other entries than punches: one who owes a duty, one impossible date."""

from tests.book_rows import ACME, contract
from tests.end_to_end.processes import BADGES

OWING = f'id = "p{BADGES[0]}"\n'
"""The line of a book that says whose duty it is."""

IMPOSSIBLE = f"{BADGES[0]:>9}\t2026-02-31 06:00:00\t1\t0\t1\t0\n"
DUTY = ACME + contract("2026-11-01", "2026-12-31")
DUTY += f"""
[[shifts]]
id = "early"
sessions = [{{ start = "06:02", end = "06:20" }}, {{ start = "06:40", end = "12:00" }}]
days = "workdays"

[[roster]]
person = "p{BADGES[0]}"
shift = "early"
from = 2026-11-02
to = 2026-11-30
"""
