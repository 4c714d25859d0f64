"""Card, QR and Wiegand readers at a serial port: which card was presented, no more.

`frames` reads bytes without touching a port, `debounce` makes one presentation of a
card left lying, `reader` keeps a port open. Whose a card is nobody knows here.
"""
