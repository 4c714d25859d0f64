"""Delivery: moves messages between gateways and centres, knows nothing of attendance.

`messages` and `topics` are the public contract, `uplink` the gateway's half, `ledger`
the bookkeeping of whoever receives, `mqtt` the only import of the MQTT library.
"""
