/**
 * Shows for each house rule what it accepts and what it refuses.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import plugin from "../../tools/lint_plugin.ts";

/** Some source, in some file, and what one rule says of it. */
interface Case {
  /** The file it is said to stand in. */
  readonly file: string;
  readonly source: string;
  /** A part of each message, in order; none if the rule accepts it. */
  readonly refused?: readonly string[];
}

/** Runs one rule over all cases. */
function testRule(rule: string, cases: readonly Case[]): void {
  for (const { file, source, refused = [] } of cases) {
    const verb = refused.length === 0 ? "accepts" : "refuses";
    const excerpt = source.split("\n", 1)[0]?.slice(0, 60);
    Deno.test(`ferry/${rule} ${verb} in ${file}: ${excerpt}`, () => {
      const messages = Deno.lint.runPlugin(plugin, file, source)
        .filter((diagnostic) => diagnostic.id === `ferry/${rule}`)
        .map((diagnostic) => `${diagnostic.message} (${diagnostic.hint})`);
      assertEquals(messages.length, refused.length, messages.join("\n"));
      refused.forEach((part, index) =>
        assertStringIncludes(messages[index] ?? "", part)
      );
    });
  }
}

/** The case of a module that imports another. */
function importing(
  file: string,
  module: string,
  ...refused: readonly string[]
): Case {
  return { file, source: `import { x } from "${module}";`, refused };
}

testRule("layers", [
  // Within a room everything goes.
  importing("lib/protocol/frame.ts", "./limits.ts"),
  importing("lib/classic/one/codec.ts", "../errors.ts"),
  // Between rooms: one way, and through the door.
  importing("lib/storage/engine.ts", "../platform/mod.ts"),
  importing("lib/transport/channel.ts", "../protocol/mod.ts"),
  importing("lib/server/session.ts", "../storage/mod.ts"),
  importing("lib/client/transfer.ts", "../transport/mod.ts"),
  importing("lib/cli/run_server.ts", "../server/mod.ts"),
  importing("lib/cli/run_client.ts", "../storage/mod.ts"),
  importing("lib/cli/version.ts", "../mod.ts"),
  importing("lib/cli/version.ts", "../../deno.json"),
  importing("lib/platform/version.ts", "../../deno.json"),
  importing("lib/server/x.ts", "../../deno.json", "may not import deno.json"),
  importing(
    "lib/server/session.ts",
    "../protocol/frame.ts",
    "reaches inside lib/protocol (Import it from lib/protocol/mod.ts",
  ),
  importing("lib/mod.ts", "./client/client.ts", "reaches inside lib/client"),
  importing(
    "lib/cli/run.ts",
    "../server/limits.ts",
    "reaches inside lib/server",
  ),
  importing(
    "lib/protocol/frame.ts",
    "../platform/mod.ts",
    "lib/protocol may not import lib/platform/mod.ts (Besides its own files lib/protocol may import node:crypto, node:zlib",
  ),
  importing(
    "lib/platform/clock.ts",
    "../protocol/mod.ts",
    "lib/platform may import nothing else",
  ),
  importing("lib/storage/engine.ts", "../protocol/mod.ts", "may not import"),
  importing("lib/storage/engine.ts", "../transport/mod.ts", "may not import"),
  importing("lib/transport/tcp.ts", "../storage/mod.ts", "may not import"),
  importing("lib/server/server.ts", "../client/mod.ts", "may not import"),
  importing("lib/client/client.ts", "../server/mod.ts", "may not import"),
  importing("lib/client/client.ts", "../cli/mod.ts", "may not import"),
  importing("lib/server/server.ts", "../mod.ts", "may not import lib/mod.ts"),
  importing("lib/attic/x.ts", "../server/mod.ts", "is not a known room"),
  // Packages.
  importing("lib/protocol/digest.ts", "node:crypto"),
  importing("lib/storage/safe_path.ts", "@std/path/posix"),
  importing("lib/storage/deno_disk.ts", "node:fs"),
  importing("lib/server/server.ts", "@logtape/logtape"),
  importing("lib/cli/args.ts", "@std/cli/parse-args"),
  importing("lib/protocol/digest.ts", "@std/assert", "may not import"),
  importing("lib/protocol/digest.ts", "node:fs", "may not import"),
  importing("lib/protocol/digest.ts", "node:cryptography", "may not import"),
  importing("lib/client/client.ts", "@logtape/logtape", "may not import"),
  importing("lib/transport/tcp.ts", "@std/path", "may not import"),
  importing("lib/mod.ts", "@std/path", "and no packages"),
  // The programs and the front door of the library.
  importing("main_server.ts", "./lib/cli/run_server.ts"),
  importing("main_client.ts", "./lib/mod.ts", "may import lib/cli only"),
  importing("main_client.ts", "@std/cli/parse-args", "may import lib/cli only"),
  importing("lib/mod.ts", "./server/mod.ts"),
  importing("lib/mod.ts", "./cli/mod.ts"),
  importing("lib/mod.ts", "./version.ts"),
  // Nothing depends on what is not part of the product.
  importing("lib/server/server.ts", "../../tests/helpers/x.ts", "may not"),
  importing("lib/mod.ts", "../tools/setup.ts", "may not import tools/setup.ts"),
  importing("lib/cli/run.ts", "../../bench/main.ts", "may not import"),
  importing("lib/cli/run.ts", "../../main_server.ts", "may not import"),
  importing("main_server.ts", "./tools/setup.ts", "may not import"),
  importing("tests/server/server_test.ts", "../../lib/server/session.ts"),
  importing("tools/demo.ts", "../tests/helpers/spawn.ts"),
  // Outside of the repository.
  importing("lib/server/x.ts", "/etc/x.ts", "outside the repository"),
  importing("lib/server/x.ts", "../../../other/x.ts", "may not import"),
  importing("lib/server/x.ts", "https://a.example/x.ts", "outside"),
  // All ways to import are seen.
  {
    file: "lib/protocol/x.ts",
    source: [
      `import type { A } from "../server/mod.ts";`,
      `export * from "../client/mod.ts";`,
      `export { b } from "../storage/mod.ts";`,
      `type C = import("../transport/mod.ts").C;`,
      `const d = await import("../cli/mod.ts");`,
      "const e = await import(`../${d}/mod.ts`);",
      `import "../platform/mod.ts";`,
    ].join("\n"),
    refused: [
      "lib/server",
      "lib/client",
      "lib/storage",
      "lib/transport",
      "lib/cli",
      "Cannot tell what this imports",
      "lib/platform",
    ],
  },
]);

testRule("pure-protocol", [
  {
    file: "lib/protocol/x.ts",
    source: `
      import { crc32 } from "node:zlib";
      import { createHash, type Hash } from "node:crypto";
      import type { KeyObject } from "node:crypto";
      export class Decoder { Date = 1; performance(): number { return this.Date; } }
      interface Clock { setTimeout(callback: () => void, Date: number): void; }
      export const max = (clock: Clock) => [Math.max(1, 2), clock.setTimeout, { Deno: 1 }];
    `,
  },
  {
    file: "lib/protocol/x.ts",
    source: "const now = Date.now();",
    refused: [`"Date" comes from the surroundings (lib/protocol turns`],
  },
  ...[
    "Deno.errors.NotFound",
    "new Date(0)",
    "performance.now()",
    "setTimeout(() => {}, 1)",
    "queueMicrotask(() => {})",
    "Math.random()",
    `Math["random"]()`,
    "crypto.getRandomValues(bytes)",
    "crypto.subtle",
    "globalThis.Deno",
    "{ Deno }",
    "Promise.resolve()",
    "fetch(url)",
    "process.env",
  ].map((expression) => ({
    file: "lib/protocol/x.ts",
    source: `const value = (${expression});`,
    refused: ["comes from the surroundings"],
  })),
  {
    file: "lib/protocol/x.ts",
    source: "let a: Deno.Conn; let b: Promise<void>; let c: Date;",
    refused: [`"Deno"`, `"Promise"`, `"Date"`],
  },
  {
    file: "lib/protocol/x.ts",
    source: `
      async function a() { await b; }
      const c = async () => {};
      class D { async e() { for await (const f of g) f(); } }
      await import("./x.ts");
    `,
    refused: [
      "an async function",
      "await",
      "an async function",
      "an async function",
      "for await",
      "await",
      "import()",
    ],
  },
  {
    file: "lib/protocol/x.ts",
    source: `
      import { randomBytes, createHash } from "node:crypto";
      import * as zlib from "node:zlib";
    `,
    refused: [
      "only createHash, createHmac, hash, timingSafeEqual from node:crypto",
      "only crc32 from node:zlib",
    ],
  },
  {
    file: "lib/transport/x.ts",
    source: "async function a() { await Promise.resolve(); }",
  },
]);

const NO_AMBIENT_REFUSED = [
  ["Deno.readFile(path)", "a file deno_*.ts"],
  ["error instanceof Deno.errors.NotFound", "a file deno_*.ts"],
  ["globalThis.Deno", "adapter"],
  ["fetch(url)", "adapter"],
  ["Date.now()", `"Date.now" comes from the surroundings (Take a Clock`],
  ["new Date()", `"new Date()" comes from`],
  ["Date()", `"Date" comes from`],
  ["[Date].map((x) => x.now())", `"Date" comes from`],
  ["performance.now()", "Take a Clock"],
  ["setTimeout(callback, 1)", "Take a Clock"],
  ["setInterval(callback, 1)", "Take a Clock"],
  ["AbortSignal.timeout(1)", "Take a Clock"],
  ["Math.random()", "Take a Random"],
  ["crypto.getRandomValues(bytes)", "Take a Random"],
  ["crypto.randomUUID()", "Take a Random"],
] as const;

testRule("no-ambient", [
  ...["client", "server", "storage", "transport"].flatMap((room) =>
    NO_AMBIENT_REFUSED.map(([expression, part]) => ({
      file: `lib/${room}/x.ts`,
      source: `const value = (${expression});`,
      refused: [part],
    }))
  ),
  // Adapters stand for the outside world, and each room has its own.
  ...[
    "lib/client/deno_disk.ts",
    "lib/server/deno_signals.ts",
    "lib/storage/deno_disk.ts",
    "lib/transport/tcp_network.ts",
    "lib/transport/deno_tls.ts",
    "lib/platform/clock.ts",
    "lib/cli/run_server.ts",
    "tests/server/x_test.ts",
    "tools/x.ts",
  ].map((file) => ({ file, source: "Deno.open(String(Date.now()));" })),
  {
    file: "lib/storage/tcp_disk.ts",
    source: "Deno.open(path);",
    refused: [`"Deno"`],
  },
  {
    file: "lib/server/x.ts",
    source: `
      const time = new Date(clock.now()).toISOString();
      const day = Date.UTC(2026, 0, 1) + Date.parse(text);
      const max = Math.max(1, 2);
      const both = AbortSignal.any([a, b]);
      const is = value instanceof Date || value instanceof AbortSignal;
      const digest = await crypto.subtle.digest("SHA-256", bytes);
      function wait(signal: AbortSignal, since: Date): void {}
      clock.setTimeout(wait, 1);
      import { createHash } from "node:crypto";
      import type { Stats } from "node:fs";
    `,
  },
  {
    file: "lib/storage/x.ts",
    source: `
      import { statSync } from "node:fs";
      import { walk } from "@std/fs/walk";
      import { setTimeout as sleep } from "node:timers/promises";
      import { createHash, randomBytes, randomUUID } from "node:crypto";
      import { join } from "@std/path";
    `,
    refused: [
      `"node:fs" reaches outside`,
      `"@std/fs/walk" reaches outside`,
      `"node:timers/promises" reaches outside`,
      "cannot be repeated",
      "cannot be repeated",
    ],
  },
]);

testRule("no-console", [
  {
    file: "lib/cli/x.ts",
    source: "console.log(1);",
    refused: ["Write to the stream that the caller gave"],
  },
  { file: "lib/protocol/x.ts", source: "console.error(1);", refused: [""] },
  { file: "lib/x.ts", source: "const { log } = console;", refused: [""] },
  { file: "main_server.ts", source: "console.log(1);", refused: [""] },
  { file: "lib/cli/x.ts", source: "streams.console.write(1);" },
  { file: "tools/x.ts", source: "console.log(1);" },
]);

/** A function of so many lines. */
function functionOf(lines: number, head = "function f() {"): string {
  return [head, ...Array(lines - 2).fill("  x();"), "}"].join("\n");
}

testRule("function-length", [
  { file: "lib/server/x.ts", source: functionOf(70) },
  {
    file: "lib/server/x.ts",
    source: functionOf(71),
    refused: ["This function has 71 lines, of 70 at most"],
  },
  {
    file: "main_server.ts",
    source: `export const f = ${functionOf(71, "() => {")};`,
    refused: ["71 lines"],
  },
  {
    file: "tools/x.ts",
    source: `class A {\n${functionOf(71, "f() {")}\n}`,
    refused: ["71 lines"],
  },
  { file: "tests/x_test.ts", source: functionOf(200) },
  {
    file: "lib/server/x.ts",
    source: `class A {\n${functionOf(60, "f() {")}\n${
      functionOf(60, "g() {")
    }\n}`,
  },
]);

testRule("file-length", [
  { file: "lib/server/x.ts", source: "x();\n".repeat(500) },
  {
    file: "lib/server/x.ts",
    source: "x();\n".repeat(501),
    refused: ["This file has 501 lines, of 500 at most"],
  },
  { file: "tools/x.ts", source: "x();\n".repeat(501), refused: [""] },
  { file: "tests/x_test.ts", source: "x();\n".repeat(501) },
]);

testRule("ignore-reason", [
  {
    file: "lib/x.ts",
    source: "// deno-lint-ignore no-explicit-any -- the type of the platform",
  },
  {
    file: "lib/x.ts",
    source: "// deno-lint-ignore no-explicit-any",
    refused: ["ignored without a reason"],
  },
  {
    file: "tools/x.ts",
    source: "/* deno-lint-ignore-file no-console -- */",
    refused: ["ignored without a reason"],
  },
  { file: "lib/x.ts", source: "// deno-lint-ignores nothing -- x" },
  { file: "tests/x_test.ts", source: "// deno-lint-ignore no-explicit-any" },
]);

Deno.test("the rules find their place by absolute file names, too", () => {
  const root = new URL("../../", import.meta.url);
  const path = decodeURIComponent(new URL("lib/cli/x.ts", root).pathname);
  for (const name of [path, path.replaceAll("/", "\\")]) {
    const found = Deno.lint.runPlugin(plugin, name, "console.log(1);");
    assertEquals(found.map((diagnostic) => diagnostic.id), [
      "ferry/no-console",
    ]);
  }
});
