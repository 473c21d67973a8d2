// What both clients do with the registry has in common: a schema, a login, and how refusals are told.
const order = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Order",
  type: "object",
  properties: { id: { type: "integer" }, note: { type: "string" } },
  required: ["id"],
};

const credentials = (token) => ["anyone", token];

async function refusal(call) {
  try {
    return { accepted: await call() };
  } catch (error) {
    return { status: error.status, code: error.errorCode, message: error.message };
  }
}

function told(main) {
  main(...process.argv.slice(2)).then(
    (said) => console.log(JSON.stringify(said)),
    (error) => {
      console.error(error);
      process.exitCode = 1;
    });
}

module.exports = { credentials, order, refusal, told };
