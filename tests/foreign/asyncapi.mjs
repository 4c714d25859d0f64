// Reads AsyncAPI documents as their own tools do: node asyncapi.mjs PACKAGES FILE…
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/any.js`);
const { Parser, fromFile } = require("@asyncapi/parser");
const parser = new Parser();

function told(operation) {
  return {
    action: operation.action(),
    address: operation.channels().all()[0].address(),
    mqtt: operation.bindings().get("mqtt")?.value(),
    reply: operation.reply()?.channel()?.address() ?? null,
    fields: operation.messages().all().map((m) => Object.keys(m.payload().properties() ?? {})),
  };
}

const found = [];
for (const file of process.argv.slice(3)) {
  const { document, diagnostics } = await fromFile(parser, file).parse();
  const operations = document?.allOperations().all() ?? [];
  found.push({ diagnostics, operations: operations.map(told) });
}
console.log(JSON.stringify(found));
