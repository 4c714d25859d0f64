"""The rules, one clause or step in each module, as pure functions of plain values.

Windows (2.0.1), repeats (2.0.2) and slots (2.0.3) decide which punch is a sign; owed
time (2.0.4) and the verdict (2.0.5) what is missing; one module for each kind of
finding names its clause. Numbers in brackets are those of rules.md.
"""
