"""The pure core: values and rules. No clock, SQL, logging, sockets or environment.

Time and the calendar come in as arguments, so any month can be judged again anywhere.
Intervals are half-open, `[start, end)`, everywhere below this package; dates written
`from`/`to` in a book are inclusive.
"""
