"""A whole centre in one file (`--help`): stores every entry once, then acknowledges."""

import argparse
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

KINDS = ("punch", "attendance", "suspicion", "event", "entry", "state")
TABLES = """PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS store (id TEXT);
INSERT INTO store SELECT hex(randomblob(8)) WHERE NOT EXISTS (SELECT 1 FROM store);
CREATE TABLE IF NOT EXISTS entries (site, gateway, epoch, seq INTEGER, kind, body, hash,
  PRIMARY KEY (site, gateway, epoch, seq));
CREATE VIEW IF NOT EXISTS punches AS SELECT json_extract(body, '$.id') AS id,
  max(json_extract(body, '$.rev')), body FROM entries WHERE kind = 'punch' GROUP BY 1"""
STREAM = ("site", "gateway", "epoch")
ENTRY = "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)"
NEWER = """SELECT seq, hash FROM entries
  WHERE site = ? AND gateway = ? AND epoch = ? AND seq > ? ORDER BY seq"""
parser = argparse.ArgumentParser(description=__doc__)
for option, default in {"host": "127.0.0.1", "prefix": "att/v1", "db": "c.db"}.items():
    parser.add_argument(f"--{option}", default=default)
parser.add_argument("--port", type=int, default=1883)
args = parser.parse_args()
db = sqlite3.connect(args.db)
db.executescript(TABLES)
(name,) = db.execute("SELECT id FROM store").fetchone()
generation = time.time_ns() // 1000  # new at every start: we may be an older copy
known: dict[tuple[str, ...], tuple[int, str | None]] = {}  # stream → upto, its hash


def rows(kind: str, text: str, data: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield what to store; the chain is computed over each entry's text as sent."""
    chain, at = data["chain"]["prev"], text.index('"entries":[') + len('"entries":[')
    while text[at] != "]":
        entry, end = json.JSONDecoder().raw_decode(text, at)
        body, at = text[at:end], end + (text[end] == ",")
        chain = hashlib.sha256(bytes.fromhex(chain) + body.encode()).hexdigest()
        yield (*(data[k] for k in STREAM), entry["seq"], kind, body, chain)
    if chain != data["chain"]["head"]:
        raise ValueError("broken chain: nothing of this message is stored")


def take(client: Client, _: object, message: MQTTMessage) -> None:
    """Store a message in one transaction, then say where its stream stands."""
    kind = message.topic.rpartition("/")[2]
    try:
        data = json.loads(message.payload)
        stream = tuple(data[key] for key in STREAM)
        with db:
            if kind != "state":
                db.executemany(ENTRY, rows(kind, message.payload.decode(), data))
    except (ValueError, KeyError, TypeError) as error:
        print(f"put aside, {message.topic}: {error!r}", flush=True)
        return
    upto, head = known.get(stream, (0, None))
    missing, after = [], upto
    for seq, hashed in db.execute(NEWER, (*stream, upto)):
        missing += [[after + 1, seq - 1]] if seq > after + 1 else []
        upto, head, after = (upto, head, seq) if missing else (seq, hashed, seq)
    known[stream] = (upto, head)
    said = {"v": 1, **{key: data[key] for key in STREAM}, "upto": upto, "chain": head}
    said |= {"missing": missing[:100], "store": name, "generation": generation}
    said |= {"sent": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
    topic = f"{args.prefix}/{data['site']}/{data['gateway']}/ack"
    client.publish(topic, json.dumps(said), qos=1, retain=True)


centre = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
topics = [(f"{args.prefix}/+/+/{kind}", 1) for kind in KINDS]
centre.on_connect = lambda client, *_: client.subscribe(topics)
centre.on_message = take
centre.connect(args.host, args.port, keepalive=20)
centre.loop_forever(retry_first_connection=True)
