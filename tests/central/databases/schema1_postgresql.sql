CREATE TABLE ledger (
	site TEXT NOT NULL, 
	gateway TEXT NOT NULL, 
	epoch TEXT NOT NULL, 
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	head TEXT, 
	PRIMARY KEY (site, gateway, epoch, first)
);
CREATE TABLE meta (
	key TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (key)
);
CREATE TABLE punch_rows (
	id TEXT NOT NULL, 
	serial TEXT NOT NULL, 
	badge TEXT NOT NULL, 
	at TEXT NOT NULL, 
	rev BIGINT NOT NULL, 
	terminal TEXT NOT NULL, 
	person TEXT, 
	reason TEXT, 
	zone TEXT NOT NULL, 
	verify TEXT NOT NULL, 
	state BIGINT NOT NULL, 
	work BIGINT, 
	received_at TEXT NOT NULL, 
	offset_seconds FLOAT, 
	source TEXT NOT NULL, 
	raw TEXT, 
	verify_code BIGINT NOT NULL, 
	site TEXT NOT NULL, 
	gateway TEXT NOT NULL, 
	epoch TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	stored_at TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX punch_rows_person ON punch_rows (person, at);
CREATE TABLE quarantine (
	id SERIAL NOT NULL, 
	topic TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	payload BYTEA NOT NULL, 
	at TEXT NOT NULL, 
	last_at TEXT NOT NULL, 
	times BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (topic, digest)
);
CREATE TABLE records (
	site TEXT NOT NULL, 
	gateway TEXT NOT NULL, 
	epoch TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	id TEXT, 
	body TEXT NOT NULL, 
	stored_at TEXT NOT NULL, 
	PRIMARY KEY (site, gateway, epoch, seq)
);
CREATE VIEW punches AS SELECT id, serial, badge, person, at, gateway, epoch, seq, received_at FROM punch_rows;
INSERT INTO ledger VALUES ('s1', 'g1', 'epoch-1', 1, 6, 'e28138159ce92c35efca3321df8016fa3c294d282bc333051e7775d92808f6b6');
INSERT INTO ledger VALUES ('s1', 'g1', 'epoch-1', 10, 11, '1c6ddd0374271974011db3f76aaacedda9104d5e7a6e29945cf9b349443e8c1e');
INSERT INTO meta VALUES ('schema', '1');
INSERT INTO meta VALUES ('store', 'st_fc9a45018a987a65');
INSERT INTO meta VALUES ('generation', '1793577600000000');
INSERT INTO punch_rows VALUES ('p1_5feceb66ffc86f38d952786c6d', 'VT00000001', '0000', '2026-11-01T00:00:00', 1, 'lobby', 'p0000', NULL, 'Asia/Shanghai', 'finger', 0, 0, '2026-11-02T08:00:01+08:00', -1.5, 'poll', '5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e95feceb66ffc86f38', 1, 's1', 'g1', 'epoch-1', 1, '2026-11-02T08:00:00+08:00');
INSERT INTO punch_rows VALUES ('p1_6b86b273ff34fce19d6b804eff', 'VT00000001', '0001', '2026-11-01T00:00:01', 1, 'lobby', 'p0001', NULL, 'Asia/Shanghai', 'finger', 0, 0, '2026-11-02T08:00:01+08:00', -1.5, 'poll', '6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b6b86b273ff34fce1', 1, 's1', 'g1', 'epoch-1', 2, '2026-11-02T08:00:00+08:00');
INSERT INTO punch_rows VALUES ('p1_d4735e3a265e16eee03f59718b', 'VT00000001', '0002', '2026-11-01T00:00:02', 1, 'lobby', 'p0002', NULL, 'Asia/Shanghai', 'finger', 0, 0, '2026-11-02T08:00:01+08:00', -1.5, 'poll', 'd4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35d4735e3a265e16ee', 1, 's1', 'g1', 'epoch-1', 3, '2026-11-02T08:00:00+08:00');
INSERT INTO punch_rows VALUES ('p1_4a44dc15364204a80fe80e9039', 'VT00000001', '0010', '2026-11-01T00:00:10', 1, 'lobby', 'p0010', NULL, 'Asia/Shanghai', 'finger', 0, 0, '2026-11-02T08:00:01+08:00', -1.5, 'poll', '4a44dc15364204a80fe80e9039455cc1608281820fe2b24f1e5233ade6af1dd54a44dc15364204a8', 1, 's1', 'g1', 'epoch-1', 10, '2026-11-02T09:00:00+08:00');
INSERT INTO punch_rows VALUES ('p1_4fc82b26aecb47d2868c4efbe3', 'VT00000001', '0011', '2026-11-01T00:00:11', 1, 'lobby', 'p0011', NULL, 'Asia/Shanghai', 'finger', 0, 0, '2026-11-02T08:00:01+08:00', -1.5, 'poll', '4fc82b26aecb47d2868c4efbe3581732a3e7cbcc6c2efb32062c08170a05eeb84fc82b26aecb47d2', 1, 's1', 'g1', 'epoch-1', 11, '2026-11-02T09:00:00+08:00');
INSERT INTO quarantine VALUES (1, 'att/v1/s1/g1/punch', 'fd3b5bfc03848d81a92aed6b5d04d2476460aeae9f852ac29e4fe33146bef388', 'entry', 'Invalid enum value ''nose'' - at `$.verify`', '\x7b22736571223a362c226964223a2270315f6537663663303131373736653864623763643333306235343137222c22726576223a312c2273657269616c223a2256543030303030303031222c227465726d696e616c223a226c6f626279222c226261646765223a2230303036222c22706572736f6e223a227030303036222c22726561736f6e223a6e756c6c2c226174223a22323032362d31312d30315430303a30303a3036222c227a6f6e65223a22417369612f5368616e67686169222c22766572696679223a226e6f7365222c227374617465223a302c22776f726b223a302c2272656365697665645f6174223a22323032362d31312d30325430383a30303a30312b30383a3030222c226f66667365745f7365636f6e6473223a2d312e352c22736f75726365223a22706f6c6c222c22726177223a226537663663303131373736653864623763643333306235343137346664373666376430323136623631323338376135666663666238316536663039313936383365376636633031313737366538646237222c227665726966795f636f6465223a317d', '2026-11-02T09:00:00+08:00', '2026-11-02T09:00:00+08:00', 1);
INSERT INTO records VALUES ('s1', 'g1', 'epoch-1', 4, 'attendance', 'f-1', '{"seq": 4, "id": "f-1", "rev": 2, "kind": "late", "person": "p01", "date": "2026-11-02", "terminal": 7, "at": "2026-11-02T08:31:07"}', '2026-11-02T08:00:00+08:00');
INSERT INTO records VALUES ('s1', 'g1', 'epoch-1', 5, 'event', 'e-0', '{"seq":5,"id":"e-0","kind":"log_cleared","terminal":"lobby","serial":"VT00000001","at":"2026-11-02T08:00:01+08:00","reason":null,"detail":{"before":10,"after":0},"raw":null}', '2026-11-02T08:00:00+08:00');
SELECT setval(pg_get_serial_sequence('quarantine', 'id'), 1);
