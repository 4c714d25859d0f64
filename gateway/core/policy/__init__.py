"""The written rules as typed, dated values: what is charged, by which clause, read how.

A policy is passed into the judge; nothing in it is evaluated. Every number stands under
its clause, every place where the text can be read in two ways is a setting.
"""

from gateway.core.policy.clauses import Limit, Price
from gateway.core.policy.kinds import KIND_WORDS, FindingKind, Words
from gateway.core.policy.page import Ambiguity, open_ambiguities, page
from gateway.core.policy.reading import Policy, PolicyFile, read_policy

__all__ = [
    "KIND_WORDS",
    "Ambiguity",
    "FindingKind",
    "Limit",
    "Policy",
    "PolicyFile",
    "Price",
    "Words",
    "open_ambiguities",
    "page",
    "read_policy",
]
