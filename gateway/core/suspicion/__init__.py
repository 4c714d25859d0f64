"""Suspicion of proxy punching (替代打卡): claims a stranger can derive again.

Standing beside somebody is evidence of acquaintance, never of fraud. A pair becomes a
case only against the hypothesis that both are friends who really are there; hard
signals stand on physics, leave and counters. Nothing here charges money, knows a name
or gives a probability of guilt: two named humans confirm a case.

Source: proxy-detection.md; how to read results: docs/suspicion.md.
"""
