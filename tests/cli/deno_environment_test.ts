import { assertEquals, assertRejects } from "@std/assert";
import { denoCaller, denoOutput } from "../../lib/cli/deno_caller.ts";
import { denoEnvironment } from "../../lib/cli/deno_environment.ts";
import { OutputClosedError, OutputError } from "../../lib/cli/environment.ts";

Deno.test("denoOutput() writes everything, in order, however little goes at once", async () => {
  const written: number[] = [];
  const output = denoOutput({
    isTerminal: () => true,
    write: (bytes) => {
      const part = bytes.subarray(0, 2);
      written.push(...part);
      return Promise.resolve(part.length);
    },
  }, "output");
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
  }, "output");
  await assertRejects(() => output.write("a"), OutputClosedError);
  await assertRejects(() => output.write("b"), OutputClosedError);
  const broken = denoOutput({
    isTerminal: () => false,
    write: () => Promise.reject(new RangeError("x")),
  }, "output");
  await assertRejects(() => broken.write("a"), RangeError);
  const cause = new Error("No space left on device (os error 28)");
  const full = denoOutput({
    isTerminal: () => false,
    write: () => Promise.reject(Object.assign(cause, { code: "ENOSPC" })),
  }, "standard output");
  const error = await assertRejects(() => full.write("a"), OutputError);
  assertEquals(
    [error.output, error.message],
    ["standard output", "no space left on device"],
  );
});

Deno.test({
  name: "denoEnvironment() asks for nothing that it may not have",
  permissions: "none",
  async fn() {
    const environment = denoEnvironment(denoCaller());
    assertEquals(environment.variable("TERM"), undefined);
    const missing = { kind: "missing" as const, size: 0 };
    assertEquals(await environment.look("deno.json"), missing);
    const address = { hostname: "::1", port: 1024 };
    assertEquals(await environment.mayListen(address), false);
  },
});

Deno.test("denoEnvironment() looks at local paths", async () => {
  const environment = denoEnvironment(denoCaller());
  const { dirname, filename = "" } = import.meta;
  assertEquals((await environment.look(dirname ?? "")).kind, "directory");
  const file = await environment.look(filename);
  assertEquals([file.kind, file.size > 0], ["file", true]);
  assertEquals((await environment.look(`${dirname}/none`)).kind, "missing");
  assertEquals(environment.platform.deno, Deno.version.deno);
});

Deno.test("denoEnvironment() listens, and takes back that it does", () => {
  const environment = denoEnvironment(denoCaller());
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

Deno.test("denoEnvironment() runs commands of this machine, where it is told to", async () => {
  const { runLocal } = denoEnvironment(denoCaller());
  assertEquals(await runLocal("exit 3", ""), 3);
  assertEquals(await runLocal("exit 0", Deno.cwd()), 0);
});
