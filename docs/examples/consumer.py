"""A whole centre in one file (`--help`): stores every entry once, then acknowledges."""

import argparse
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

from paho.mqtt import client, enums, properties

KINDS = ("punch", "attendance", "suspicion", "event", "entry", "state", "cmd/reply")
TABLES = """PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS entries (site, gateway, epoch, seq INTEGER, last INTEGER,
  kind, body, hash, PRIMARY KEY (site, gateway, epoch, seq, kind));
CREATE VIEW IF NOT EXISTS punches AS SELECT json_extract(body, '$.id') AS id,
  max(json_extract(body, '$.rev')), body FROM entries WHERE kind = 'punch' GROUP BY 1"""
STREAM, ISO = ("site", "gateway", "epoch"), "%Y-%m-%dT%H:%M:%S%z"
ENTRY = "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
NEWER = """SELECT seq, last, hash FROM entries
  WHERE site = ? AND gateway = ? AND epoch = ? AND seq > ? ORDER BY seq"""
ASK = {"op": "resend", "id": "holes", "expires": "2999-12-31T00:00:00Z"}
OURS = {"v": 1, "store": "example", "generation": time.time_ns() // 1000}
EXPIRY = properties.Properties(3)  # type: ignore[no-untyped-call]
EXPIRY.MessageExpiryInterval = 60  # of a PUBLISH (3): nobody waits for an old command
parser = argparse.ArgumentParser(description=__doc__)
for option in ("host=127.0.0.1", "port=1883", "prefix=att/v1", "db=c.db"):
    parser.add_argument("--" + option.split("=")[0], default=option.split("=")[1])
args = parser.parse_args()
db = sqlite3.connect(args.db).executescript(TABLES).connection
known: dict[Any, tuple[int, str | None, float]] = {}  # stream: upto, hash, when to ask


def rows(stream: Any, kind: str, text: str, data: Any) -> Iterator[tuple[Any, ...]]:
    """Yield what to store; the chain is computed over each entry's text as sent."""
    if kind in ("state", "reply"):  # what a reply calls gone will not come: no hole
        told = [(r["first"], r["last"], r["fate"]) for r in data.get("ranges", ())]
        return (yield from ((*stream, *r, None, None) for r in told if r[2] != "sent"))
    chain, at = data["chain"]["prev"], text.index('"entries":[') + len('"entries":[')
    while text[at] != "]":
        entry, end = json.JSONDecoder().raw_decode(text, at)
        body, at = text[at:end], end + (text[end] == ",")
        chain = hashlib.sha256(bytes.fromhex(chain) + body.encode()).hexdigest()
        yield (*stream, *[range(2**63)[entry["seq"]]] * 2, kind, body, chain)
    if chain != data["chain"]["head"]:
        raise ValueError("broken chain: nothing of this message is stored")


def take(link: client.Client, _: object, message: client.MQTTMessage) -> None:
    """Store a message in one transaction, then say where its stream stands."""
    base, kind = message.topic.replace("/cmd/", "/").rsplit("/", 1)
    try:
        data = json.loads(message.payload)
        stream = tuple(data[key] + "" for key in STREAM)  # only texts will do
        with db:
            db.executemany(ENTRY, rows(stream, kind, message.payload.decode(), data))
    except (ValueError, LookupError, TypeError) as error:
        print(f"put aside, {message.topic}: {error!r}", flush=True)
        return
    upto, head, due = known.get(stream, (0, None, 0.0))
    after, missing = upto, []
    for seq, last, hashed in db.execute(NEWER, (*stream, upto)):
        missing += [[after + 1, seq - 1]] if seq > after + 1 else []
        after = max(after, last)
        upto, head = (upto, head) if missing or last <= upto else (last, hashed)
    said = OURS | {key: data[key] for key in STREAM} | {"sent": time.strftime(ISO)}
    if missing and time.time() > due:  # it sends what is there, or replies it is gone
        due, ask = time.time() + 10, json.dumps(said | ASK | {"ranges": missing[:100]})
        link.publish(f"{base}/cmd", ask, qos=1, properties=EXPIRY)
    known[stream] = (upto, head, due)
    ack = json.dumps(said | {"upto": upto, "chain": head, "missing": missing[:100]})
    link.publish(f"{base}/ack", ack, qos=1, retain=True)


centre = client.Client(enums.CallbackAPIVersion.VERSION2, protocol=client.MQTTv5)
centre.on_message, topics = take, [(f"{args.prefix}/+/+/{kind}", 1) for kind in KINDS]
centre.on_connect = lambda link, *_: link.subscribe(topics)
centre.connect(args.host, int(args.port), keepalive=20)
centre.loop_forever(retry_first_connection=True)
