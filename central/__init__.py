"""The centre: takes in what gateways send, keeps it, and says so.

Knows the core and `sync`, never a terminal and never the inside of a gateway.
"""
