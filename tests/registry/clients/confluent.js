// The whole life of a subject through @confluentinc/schemaregistry; what came of each step goes out as JSON.
const {
  JsonDeserializer, JsonSerializer, SchemaRegistryClient, SerdeType,
} = require("@confluentinc/schemaregistry");
const { credentials, order, refusal, told } = require("./scenario.js");

async function main(baseURL, kind, token) {
  const auth = kind === "basic"
    ? { basicAuthCredentials: { credentialsSource: "USER_INFO", userInfo: credentials(token).join(":") } }
    : { bearerAuthCredentials: { credentialsSource: "STATIC_TOKEN", token, logicalCluster: "lsrc-1", identityPoolId: "pool-1" } };
  const client = new SchemaRegistryClient({ baseURLs: [baseURL], maxRetries: 0, ...auth });
  const subject = "js/größe:orders-value";
  const schema = (value, more) => ({ schema: JSON.stringify(value), schemaType: "JSON", ...more });
  const said = {};

  said.first = await client.registerFullResponse(subject, schema(order), false);
  said.again = await client.register(subject, schema(order), true);
  said.byId = (await client.getBySubjectAndId(subject, said.first.id)).schema;
  said.byGuid = (await client.getByGuid((await client.getLatestSchemaMetadata(subject)).guid)).schema;
  said.found = await client.getId(subject, schema(order), false);
  said.compatible = await client.testSubjectCompatibility(subject, schema({ ...order, required: ["id", "note"] }));
  said.refused = await refusal(() => client.register(subject, schema({ ...order, required: ["id", "note"] }), false));
  said.owned = await client.registerFullResponse(
    subject, schema(order, { metadata: { properties: { owner: "shop" } } }), false);
  said.withMetadata = (await client.getLatestWithMetadata(subject, { owner: "shop" }, false)).version;
  said.versions = await client.getAllVersions(subject);
  said.level = [await client.getDefaultCompatibility(), await client.updateCompatibility(subject, "FULL"),
    await client.getCompatibility(subject)];
  said.config = await client.updateConfig(subject, { compatibilityGroup: "major", normalize: true });

  await client.register("js.id", schema({ type: "integer" }), false);
  const referring = schema(
    { ...order, properties: { ...order.properties, id: { $ref: "id.json" } } },
    { references: [{ name: "id.json", subject: "js.id", version: 1 }] });
  await client.register("topic-value", referring, false);
  const serializer = new JsonSerializer(client, SerdeType.VALUE, { useLatestVersion: true, validate: true });
  const deserializer = new JsonDeserializer(client, SerdeType.VALUE, { validate: true });
  const framed = await serializer.serialize("topic", { id: 7 });
  said.framed = [framed[0], await deserializer.deserialize("topic", framed)];
  said.invalid = await serializer.serialize("topic", { id: "seven" }).then(() => "sent", () => "refused");

  said.deleted = [await client.deleteSubjectVersion(subject, 2, false), await client.deleteSubject(subject, false),
    await client.deleteSubject(subject, true)];
  said.gone = await refusal(() => client.getAllVersions(subject));
  said.subjects = await client.getAllSubjects();
  return said;
}

told(main);
