// One action of one foreign client against one terminal; JSON on standard output.
//
//   node act.mjs FOLDER CLIENT TRANSPORT PORT ACTION
//
// FOLDER is where npm put its node_modules. What the libraries print goes to standard
// error. Every wait is bounded; the process ends with the answer.
import dgram from "node:dgram";
import { createRequire } from "node:module";
import path from "node:path";

const [folder, name, transport, portText, action] = process.argv.slice(2);
const HOST = "127.0.0.1";
const PORT = Number(portText);
const TIMEOUT_MS = 10_000;
const LIMIT_MS = 40_000;

console.log = console.error;
const load = createRequire(path.join(folder, "node_modules", "x.js"));

function end(code, found) {
  process.stdout.write(JSON.stringify(found), () => process.exit(code));
}

function fail(error) {
  const inner = error?.err?.err ?? error?.err ?? error;
  end(1, { failed: String(inner?.message ?? inner) });
}

process.on("unhandledRejection", fail);
process.on("uncaughtException", fail);
setTimeout(() => fail(new Error("nothing came in time")), LIMIT_MS).unref();

// A device's time has no zone: the local numbers of a Date are what was on the wire.
function wall(value) {
  const date = new Date(value);
  const pad = (number, width = 2) => String(number).padStart(width, "0");
  const day = `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

function withWall(rows, key) {
  return rows.map((row) => ({ ...row, [key]: wall(row[key]) }));
}

function checked(answer) {
  if (answer.err) throw answer.err;
  return answer.data;
}

async function family(Client, keys) {
  const client = new Client(HOST, PORT, TIMEOUT_MS, 0);
  if (transport === "udp" && keys.datagrams) {
    await client[keys.datagrams].createSocket();
    await client[keys.datagrams].connect();
    client.connectionType = "udp";
  } else {
    await client.createSocket();
  }
  if (client.connectionType !== transport) throw new Error(`over ${client.connectionType}`);
  const live = () =>
    new Promise((resolve) => {
      client.getRealTimeLogs((event) => resolve({ ...event, attTime: wall(event.attTime) }));
    });
  const actions = {
    log: async () => withWall(checked(await client.getAttendances()), keys.time),
    users: async () => checked(await client.getUsers()),
    counts: () => client.getInfo(),
    live,
    time: async () => wall(await client.getTime()),
    serial: () => client.getSerialNumber(),
    plate: async () => ({
      size: await client.getAttendanceSize(),
      version: await client.getDeviceVersion(),
      firmware: await client.getFirmware(),
      name: await client.getDeviceName(),
      platform: await client.getPlatform(),
      os: await client.getOS(),
      mac: await client.getMacAddress(),
      pin: await client.getPIN(),
      work: await client.getWorkCode(),
      face: await client.getFaceOn(),
      ssr: await client.getSSR(),
      vendor: await client.getVendor(),
      made: wall(await client.getProductTime()),
    }),
  };
  const found = await actions[action]();
  await client.disconnect();
  return found;
}

// The library wants a port of its own by number.
async function freePort() {
  const socket = dgram.createSocket("udp4");
  await new Promise((resolve) => socket.bind(0, resolve));
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

async function callbacks(Client) {
  const client = new Client({
    ip: HOST,
    port: PORT,
    inport: await freePort(),
    timeout: TIMEOUT_MS,
    attendanceParser: "v6.60",
  });
  const call = (method, ...rest) =>
    new Promise((resolve, reject) => {
      client[method](...rest, (error, data) => (error ? reject(error) : resolve(data)));
    });
  await call("connect");
  const actions = {
    log: async () => withWall(await call("getAttendance"), "timestamp"),
    users: () => call("getUser"),
    time: async () => wall(await call("getTime")),
    serial: () => call("serialNumber"),
    plate: async () => ({ version: await call("version") }),
    live: () =>
      new Promise((resolve) => {
        client.startMon({
          start: () => {},
          onatt: (_, event) => resolve({ ...event, timestamp: wall(event.timestamp) }),
        });
      }),
  };
  const found = await actions[action]();
  await call("disconnect");
  return found;
}

const CLIENTS = {
  "zkteco-js": () => family(load("zkteco-js"), { time: "record_time", datagrams: "zudp" }),
  "node-zklib": () => family(load("node-zklib"), { time: "recordTime" }),
  zklib: () => callbacks(load("zklib")),
};

CLIENTS[name]().then((found) => end(0, found), fail);
