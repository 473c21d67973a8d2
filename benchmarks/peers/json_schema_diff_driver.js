// Pairs as JSON lines in, answers of json-schema-diff out. A pair gets five seconds: some would take for ever.
const readline = require("node:readline");
const { Worker, isMainThread, parentPort } = require("node:worker_threads");

const LIMIT_MS = 5000;

async function answer({ old, new: newer }) {
  const { diffSchemas } = require("json-schema-diff");
  try {
    const found = await diffSchemas({ sourceSchema: old, destinationSchema: newer });
    return found.removalsFound ? "no" : "yes";
  } catch {
    return "error"; // Whatever it cannot read is one kind of answer here.
  }
}

function asked(worker, pair) {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(null), LIMIT_MS);
    worker.once("message", (said) => {
      clearTimeout(late);
      resolve(said);
    });
    worker.postMessage(pair);
  });
}

async function main() {
  let worker = new Worker(__filename);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const began = performance.now();
    const said = await asked(worker, JSON.parse(line));
    if (said === null) {
      await worker.terminate();
      worker = new Worker(__filename);
    }
    console.log(JSON.stringify(said ?? { answer: "error", ms: performance.now() - began }));
  }
  await worker.terminate();
}

if (isMainThread) {
  main();
} else {
  parentPort.on("message", async (pair) => {
    const began = performance.now();
    parentPort.postMessage({ answer: await answer(pair), ms: performance.now() - began });
  });
}
