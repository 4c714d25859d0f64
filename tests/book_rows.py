"""Rows that many books of tests have: a vendor, its contract, two shifts."""

ACME = """
[[vendors]]
id = "acme"
name = "甲运维服务公司"
"""
DAY_SHIFT = """
[[shifts]]
id = "day"
sessions = [{ start = "08:30", end = "12:00" }, { start = "14:30", end = "17:30" }]
days = "workdays"
"""
NIGHT_SHIFT = """
[[shifts]]
id = "night"
sessions = [{ start = "20:00", end = "32:00" }]
days = "every"
"""


def contract(
    first: str,
    last: str = "2027-12-31",
    *,
    policy: str = "client-contract",
    name: str = "c1",
) -> str:
    """Return a contract with the vendor from one day to another."""
    return (
        f'\n[[contracts]]\nid = "{name}"\nvendor = "acme"\npolicy = "{policy}"\n'
        f"from = {first}\nto = {last}\n"
    )
