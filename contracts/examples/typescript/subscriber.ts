/**
 * Who leaves, from asyncapi.yaml alone: no code of billing is used. Prints a line for each subscription that ends.
 *
 *   npm ci && npm run build && KAFKA_BOOTSTRAP_SERVERS=localhost:9092 npm start
 *
 * ASYNCAPI names the description, ../../asyncapi.yaml unless set. The topic crm.goodbyes.dlq must exist: one partition,
 * retention.ms=-1.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import kafkajs, { type EachMessagePayload } from "kafkajs";
import { parse } from "yaml";

interface Event {
  id: string;
  type: string;
  customerid?: string;
  data: { effective_at: string; feedback?: string };
}

const GROUP = "crm.goodbyes";
const TOPIC = "billing.subscriptions";
const DEAD_LETTERS = "crm.goodbyes.dlq";
const CANCELLED = "billing.subscriptions.SubscriptionCancelled.v1";
const FILE = "goodbyes.jsonl";
const PAUSE_MS = 1000;

/** A validator for each type on the topic's channel, as the description has them. */
function validators(path: string): Map<string, ValidateFunction<Event>> {
  const description = parse(readFileSync(path, "utf8"));
  const ajv = new Ajv2020({ strict: false });
  formats.default(ajv);
  ajv.addSchema(description, "asyncapi.yaml");
  const found = new Map<string, ValidateFunction<Event>>();
  for (const name of Object.keys(description.channels[TOPIC].messages)) {
    const { name: type } = description.components.messages[name];
    found.set(type, ajv.compile<Event>({ $ref: `asyncapi.yaml#/components/messages/${name}/payload` }));
  }
  return found;
}

/**
 * One line is both the effect and the note that the event was handled: one write, so never one without the other. A service
 * with a database does the same with two rows in one transaction; a file serves one process only.
 */
class Goodbyes {
  private readonly handled = new Set<string>();

  constructor() {
    const text = existsSync(FILE) ? readFileSync(FILE, "utf8") : "";
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole !== text) truncateSync(FILE, Buffer.byteLength(whole)); // a write that a crash cut off
    for (const line of whole.split("\n").filter(Boolean)) this.handled.add(JSON.parse(line).id);
  }

  add({ id, customerid, data }: Event): void {
    if (this.handled.has(id)) return;
    const file = openSync(FILE, "a");
    try {
      writeSync(file, `${JSON.stringify({ id, customer: customerid, day: data.effective_at.slice(0, 10) })}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    this.handled.add(id);
    console.log(`${customerid} left on ${data.effective_at.slice(0, 10)}: ${data.feedback}`);
  }
}

/** The event, undefined for a type that the description does not have. Throws a SyntaxError for what is not valid. */
function read(value: Buffer | null, known: Map<string, ValidateFunction<Event>>): Event | undefined {
  const event = JSON.parse(value?.toString() ?? "");
  if (typeof event?.type !== "string") throw new SyntaxError("no type");
  const valid = known.get(event.type);
  if (valid && !valid(event)) throw new SyntaxError(valid.errors?.map((it) => `${it.instancePath} ${it.message}`).join("; "));
  return valid ? event : undefined;
}

const known = validators(process.env.ASYNCAPI ?? "../../asyncapi.yaml");
const goodbyes = new Goodbyes();
const brokers = (process.env.KAFKA_BOOTSTRAP_SERVERS ?? "localhost:9092").split(",");
const kafka = new kafkajs.Kafka({ brokers, clientId: GROUP, logLevel: kafkajs.logLevel.ERROR });
const producer = kafka.producer();
const consumer = kafka.consumer({ groupId: GROUP, sessionTimeout: 10_000, heartbeatInterval: 1000 });
const counts = { skipped: 0, unknown: 0 };

async function handle({ topic, partition, message, heartbeat }: EachMessagePayload): Promise<void> {
  for (;;) {
    try {
      const event = read(message.value, known);
      if (event?.type === CANCELLED) goodbyes.add(event);
      else if (event) counts.skipped += 1;
      else counts.unknown += 1;
      return;
    } catch (error) {
      if (error instanceof SyntaxError) {
        const origin = { topic, partition: `${partition}`, offset: message.offset, reason: error.message };
        const ours = Object.entries(origin).map(([name, value]) => [`dead_letter_${name}`, value]);
        const headers = { ...message.headers, ...Object.fromEntries(ours) };
        await producer.send({ topic: DEAD_LETTERS, messages: [{ key: message.key, value: message.value ?? "", headers }] });
        return;
      }
      console.error(`failed offset=${message.offset} ${error}`); // the disk is full, for example: try again until it works
    }
    await sleep(PAUSE_MS);
    await heartbeat(); // throws when the group rebalances: the message then comes again
  }
}

for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.once(signal, async () => {
    await consumer.disconnect();
    await producer.disconnect();
  });
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
await consumer.run({ eachMessage: handle });
