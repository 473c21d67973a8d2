// Registering, encoding and decoding through @kafkajs/confluent-schema-registry; what came of it goes out as JSON.
const { SchemaRegistry, SchemaType } = require("@kafkajs/confluent-schema-registry");
const { credentials, order, refusal, told } = require("./scenario.js");

async function main(host, kind, token) {
  const [username, password] = credentials(token);
  const bearer = () => ({
    request: (request) => request.enhance({ headers: { Authorization: `Bearer ${token}` } }),
  });
  const registry = new SchemaRegistry(
    { host, retry: { retries: 0 }, ...(kind === "basic" ? { auth: { username, password } } : { middlewares: [bearer] }) },
    { [SchemaType.JSON]: { strict: false } });
  const subject = "kafkajs orders-value";
  const schema = (value, references) => ({ type: SchemaType.JSON, schema: JSON.stringify(value), references });
  const said = {};

  said.first = (await registry.register(schema(order), { subject })).id;
  said.again = (await registry.register(schema(order), { subject })).id;
  said.latest = await registry.getLatestSchemaId(subject);
  said.byVersion = await registry.getRegistryId(subject, 1);
  said.bySchema = await registry.getRegistryIdBySchema(subject, schema(order));
  const framed = await registry.encode(said.first, { id: 7 });
  said.framed = [framed[0], framed.readUInt32BE(1), await registry.decode(framed)];
  said.invalid = await registry.encode(said.first, { id: "seven" }).then(() => "sent", () => "refused");
  said.refused = await refusal(() => registry.register(schema({ ...order, required: ["id", "note"] }), { subject }));

  await registry.register(schema({ $id: "https://example.com/id.json", type: "integer" }), { subject: "kafkajs.id" });
  const referring = {
    ...order, $id: "https://example.com/order.json",
    properties: { ...order.properties, id: { $ref: "https://example.com/id.json" } },
  };
  const references = [{ name: "https://example.com/id.json", subject: "kafkajs.id", version: 1 }];
  const user = (await registry.register(schema(referring, references), { subject: "kafkajs.user" })).id;
  said.referring = await registry.decode(await registry.encode(user, { id: 8 }));
  return said;
}

told(main);
