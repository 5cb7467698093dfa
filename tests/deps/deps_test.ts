/**
 * Every function of a third party that Ferry uses appears here once. So a
 * machine that has the packages from JSR and one that has them from npm both
 * type-check and run all of them; and `tools/setup.ts` loads this file to fill
 * `vendor/`.
 *
 * @module
 */
import {
  configure,
  getLogger,
  jsonLinesFormatter,
  type LogRecord,
  reset,
} from "@logtape/logtape";
import { trace } from "@opentelemetry/api";
import {
  PrometheusExporter,
  PrometheusSerializer,
} from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
// Before @peculiar/x509, which needs it and says so only when it runs.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { promptSecret } from "@std/cli/prompt-secret";
import { format as formatBytes } from "@std/fmt/bytes";
import { bold, dim, green, red, stripAnsiCode, yellow } from "@std/fmt/colors";
import { format as formatDuration } from "@std/fmt/duration";
import { ensureDir, exists, walk } from "@std/fs";
import { walk as walkEntryPoint } from "@std/fs/walk";
import { basename, dirname, fromFileUrl, join, resolve } from "@std/path";
import { join as joinPosix, normalize } from "@std/path/posix";
import { toText } from "@std/streams";
import { TextLineStream } from "@std/streams/text-line-stream";
import { toArrayBuffer } from "@std/streams/to-array-buffer";
import { toBytes } from "@std/streams/to-bytes";
import { toJsonSchema } from "@valibot/to-json-schema";
import { parseTree } from "jsonc-parser";
import { object, safeParse, string } from "valibot";

Deno.test("@std/assert: the comparing functions", () => {
  const value: unknown = "text";
  assert(typeof value === "string");
  assertEquals(value.length, 4);
  assertFalse(equal([1], [2]));
  assertNotEquals([1], [2]);
  assertStrictEquals(value, "text");
  assertNotStrictEquals([1], [1]);
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess(1, 2);
  assertLessOrEqual(2, 2);
  assertMatch("text", /^t/);
  assertNotMatch("text", /^x/);
  assertStringIncludes("text", "ex");
  assertArrayIncludes([1, 2, 3], [2]);
  assertObjectMatch({ a: 1, b: 2 }, { b: 2 });
});

Deno.test("@std/assert: the narrowing and throwing functions", async () => {
  const maybe: string | undefined = ["text"].at(0);
  assertExists(maybe);
  assertEquals(maybe.length, 4);
  const thrown: RangeError = assertThrows(
    () => new Uint8Array(-1),
    RangeError,
    "length",
  );
  assertIsError(thrown, RangeError);
  const rejection: TypeError = await assertRejects(
    () => Promise.reject(new TypeError("no")),
    TypeError,
    "no",
  );
  assertInstanceOf(rejection, Error);
  assertThrows(() => fail("no"), AssertionError);
  assertThrows(() => unreachable(), AssertionError);
});

Deno.test("@std/cli parses arguments", () => {
  const flags = parseArgs(["-v", "--out=x", "--no-color", "a", "1"], {
    alias: { verbose: "v" },
    boolean: ["verbose", "color"],
    default: { color: true },
    negatable: ["color"],
    string: ["out", "_"],
  });
  const verbose: unknown = flags["verbose"];
  const out: unknown = flags["out"];
  const color: unknown = flags["color"];
  assert(typeof verbose === "boolean" && verbose);
  assert(typeof out === "string" && out === "x");
  assert(typeof color === "boolean" && !color);
  assertEquals(flags._.map(String), ["a", "1"]);
});

Deno.test("@std/cli has a prompt for secrets", () => {
  const prompt: (
    message?: string,
    options?: { mask?: string; clear?: boolean },
  ) => string | null = promptSecret;
  assertEquals(typeof prompt, "function");
});

Deno.test("@std/fmt formats sizes, durations and colors", () => {
  assertEquals(
    formatBytes(1536, { binary: true, maximumFractionDigits: 1 }),
    "1.5 kiB",
  );
  assertEquals(
    formatDuration(99_674, { ignoreZero: true }),
    "1m 39s 674ms",
  );
  const colored: string = [bold, dim, green, red, yellow]
    .reduce((text, color) => color(text), "text");
  assertEquals(stripAnsiCode(colored), "text");
});

Deno.test("@std/path joins and splits", () => {
  assertEquals(joinPosix("a", "../b"), "b");
  assertEquals(normalize("a/./b"), "a/b");
  const path = resolve(join("a", "b"));
  assertEquals(basename(path), "b");
  assertEquals(basename(dirname(path)), "a");
});

Deno.test("@std/fs finds files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await ensureDir(join(folder, "a", "b"));
    await Deno.writeTextFile(join(folder, "a", "b", "c.ts"), "");
    assert(await exists(join(folder, "a")));
    const found: string[] = [];
    for await (const entry of walk(folder, { exts: [".ts"] })) {
      found.push(entry.name);
    }
    assertEquals(found, ["c.ts"]);
    assertStrictEquals(walkEntryPoint, walk);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assert(await exists(fromFileUrl(import.meta.url)));
});

Deno.test("@std/streams reads whole streams and lines", async () => {
  const bytes = new TextEncoder().encode("a\nb\r\nc");
  const stream = (): ReadableStream<Uint8Array<ArrayBuffer>> =>
    new Blob([bytes]).stream();
  assertEquals(await toText(stream()), "a\nb\r\nc");
  assertEquals(await toBytes(stream()), bytes);
  assertEquals((await toArrayBuffer(stream())).byteLength, bytes.length);
  const lines: string[] = [];
  const lineStream: ReadableStream<string> = stream()
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lineStream) lines.push(line);
  assertEquals(lines, ["a", "b", "c"]);
});

Deno.test("LogTape hands structured records to a sink", async () => {
  const records: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => void records.push(record) },
    loggers: [
      { category: ["ferry"], lowestLevel: "info", sinks: ["memory"] },
      // Without this LogTape prints a notice about itself.
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  try {
    const logger = getLogger(["ferry", "server"]);
    logger.info("Session {id} opened", { id: 7 });
    logger.debug("Not wanted");
  } finally {
    await reset();
  }
  const [record] = records;
  assertExists(record);
  assertEquals(records.length, 1);
  assertEquals(record.category, ["ferry", "server"]);
  assertEquals(record.properties, { id: 7 });
  assertObjectMatch(JSON.parse(jsonLinesFormatter(record)), { level: "INFO" });
});

Deno.test("@peculiar/x509 makes a certificate that signs itself", async () => {
  const keys = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=ferry.invalid",
    keys,
    notBefore: new Date(0),
    notAfter: new Date(1000),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        { type: "dns", value: "ferry.invalid" },
      ]),
    ],
  });
  assert(await certificate.isSelfSigned());
  assertMatch(certificate.toString("pem"), /^-----BEGIN CERTIFICATE-----/);
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  assertMatch(PemConverter.encode(key, "PRIVATE KEY"), /BEGIN PRIVATE KEY/);
});

Deno.test("valibot checks values and tells the JSON schema of them", () => {
  const schema = object({ name: string() });
  assert(safeParse(schema, { name: "x" }).success);
  assertFalse(safeParse(schema, { name: 1 }).success);
  assertEquals(toJsonSchema(schema).required, ["name"]);
});

Deno.test("jsonc-parser knows where a key stands", () => {
  const root = parseTree('{\n  // why\n  "a": 1 }');
  assertEquals(root?.children?.[0]?.offset, 13);
});

Deno.test("OpenTelemetry writes the text that Prometheus reads", async () => {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meter = new MeterProvider({ readers: [reader] }).getMeter("ferry");
  meter.createCounter("n_total", { description: "N." }).add(1);
  const { resourceMetrics } = await reader.collect();
  assertEquals(
    new PrometheusSerializer("", false, undefined, true, true)
      .serialize(resourceMetrics),
    "# HELP n_total N.\n# TYPE n_total counter\nn_total 1\n",
  );
});

Deno.test("@opentelemetry/api gives a tracer, whoever listens or not", () => {
  trace.getTracer("ferry").startSpan("a").end();
});
