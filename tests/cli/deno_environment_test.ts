import { assertEquals, assertRejects } from "@std/assert";
import { denoEnvironment, denoOutput } from "../../lib/cli/deno_environment.ts";
import { OutputClosedError } from "../../lib/cli/mod.ts";

Deno.test("denoOutput() writes everything, in order, however little goes at once", async () => {
  const written: number[] = [];
  const output = denoOutput({
    isTerminal: () => true,
    write: (bytes) => {
      const part = bytes.subarray(0, 2);
      written.push(...part);
      return Promise.resolve(part.length);
    },
  });
  const first = output.write("abcde");
  await output.write(new Uint8Array([1, 2, 3]));
  await first;
  assertEquals(written, [97, 98, 99, 100, 101, 1, 2, 3]);
  assertEquals(output.isTerminal, true);
  assertEquals(output.columns() > 0, true);
});

Deno.test("denoOutput() tells apart that nobody reads, and stays closed", async () => {
  const output = denoOutput({
    isTerminal: () => false,
    write: () => Promise.reject(new Deno.errors.BrokenPipe("x")),
  });
  await assertRejects(() => output.write("a"), OutputClosedError);
  await assertRejects(() => output.write("b"), OutputClosedError);
  const broken = denoOutput({
    isTerminal: () => false,
    write: () => Promise.reject(new RangeError("x")),
  });
  await assertRejects(() => broken.write("a"), RangeError);
});

Deno.test({
  name: "denoEnvironment() asks for nothing that it may not have",
  permissions: "none",
  async fn() {
    const environment = denoEnvironment();
    assertEquals(environment.variable("TERM"), undefined);
    const missing = { kind: "missing" as const, size: 0 };
    assertEquals(await environment.look("deno.json"), missing);
  },
});

Deno.test("denoEnvironment() looks at local paths", async () => {
  const environment = denoEnvironment();
  const { dirname, filename = "" } = import.meta;
  assertEquals((await environment.look(dirname ?? "")).kind, "directory");
  const file = await environment.look(filename);
  assertEquals([file.kind, file.size > 0], ["file", true]);
  assertEquals((await environment.look(`${dirname}/none`)).kind, "missing");
  assertEquals(environment.platform.deno, Deno.version.deno);
});

Deno.test("denoEnvironment() listens, and takes back that it does", () => {
  const environment = denoEnvironment();
  const stopTermination = environment.onTermination(() => {});
  const reasons: unknown[] = [];
  const stopRejection = environment.onUnhandledRejection((reason) =>
    reasons.push(reason)
  );
  const event = new PromiseRejectionEvent("unhandledrejection", {
    promise: Promise.resolve(),
    reason: "forgotten",
    cancelable: true,
  });
  globalThis.dispatchEvent(event);
  stopRejection();
  stopTermination();
  assertEquals(reasons, ["forgotten"]);
  assertEquals(event.defaultPrevented, true);
});
