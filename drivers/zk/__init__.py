"""The ZK wire as values: frames, commands, records. No socket, no clock, no state.

Shared by the drivers (client side) and the virtual terminal (server side). The layouts
follow `docs/protocol.md`.
"""
