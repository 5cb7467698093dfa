/**
 * The same few operations, disturbed at every single write of either end. Each
 * time: a typed error or success, nothing partial under any name, nothing left
 * open, no promise that nobody awaits.
 */
import { assert, assertEquals } from "@std/assert";
import { type Client, FerryError } from "../../lib/client/mod.ts";
import type { MemoryDisk } from "../../lib/storage/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { Tap } from "../helpers/pipe.ts";
import {
  readMemory,
  startServer,
  type TestServer,
  writeMemory,
} from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { clientOf, streamOf } from "./hostile.ts";

const BYTES = sample(1_048_576 + 10);

interface Context {
  readonly server: TestServer;
  readonly client: Client;
  readonly disk: MemoryDisk;
  readonly signal: AbortSignal;
}

const OPERATIONS: Readonly<
  Record<string, (context: Context) => Promise<unknown>>
> = {
  "put a file": ({ client, signal }) => client.put("/local", "new", { signal }),
  "put a stream": ({ client, signal }) =>
    client.put(streamOf(BYTES), "new", { signal }),
  "get to a file": ({ client, signal }) =>
    client.get("old", "/new", { signal }),
  "get to a stream": ({ client, signal }) =>
    client.get("old", new WritableStream(), { signal }),
  "list": ({ client, signal }) =>
    Array.fromAsync(client.list("", { signal, recursive: true })),
  "stat with a digest": ({ client, signal }) =>
    client.stat("old", { signal, digest: "sha256" }),
  "several at once": async ({ client, signal }) => {
    const results = await Promise.allSettled([
      client.put("/local", "new", { signal }),
      client.get("old", "/new", { signal }),
      client.stat("old", { signal }),
    ]);
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
    }
  },
};

/** A disturbance at one write: what the tap does, and what is done besides. */
interface Fault {
  readonly codes: readonly string[];
  readonly tap: ReturnType<Tap>;
  act(context: { client: Client; abort(): void }): void;
}

/** What may be on the client's disk. */
const KNOWN = /^(local|new|\.ferry-[0-9a-f]{16}\.(part|map))$/;

const LOST = ["connection-lost", "connect-failed"];

const FAULTS: Readonly<Record<string, Fault>> = {
  "a reset": { codes: LOST, tap: "reset", act: () => {} },
  "a black hole": { codes: LOST, tap: "swallow", act: () => {} },
  "an abort": {
    codes: ["cancelled"],
    tap: undefined,
    act: ({ abort }) => abort(),
  },
  "a close": {
    codes: ["cancelled"],
    tap: undefined,
    act: ({ client }) => void client.close(),
  },
};

/** Every name is missing or whole. */
async function assertWhole(disk: MemoryDisk, path: string): Promise<void> {
  const bytes = await readMemory(disk, path).catch(() => undefined);
  if (bytes !== undefined) assertEquals(bytes, BYTES);
}

/** Runs an operation with the fault at write `at`; says whether there was such a write. */
async function disturb(
  operation: (context: Context) => Promise<unknown>,
  fault: Fault,
  at: number,
): Promise<boolean> {
  await using server = await startServer();
  await server.write("/old", BYTES);
  const { client, disk } = await clientOf(server, { retries: 1 });
  await writeMemory(disk, "/local", BYTES);
  const controller = new AbortController();
  let writes = 0;
  const tap: Tap = () => {
    const now = writes++;
    // What swallows one write swallows all after it, on every connection.
    if (now !== at && !(fault.tap === "swallow" && now > at)) return;
    fault.act({ client, abort: () => controller.abort() });
    return fault.tap;
  };
  const [first] = server.network.dialled;
  first!.client.tap = first!.server.tap = tap;
  server.network.onDial = (dialled) => {
    dialled.client.tap = dialled.server.tap = tap;
  };
  const work = operation({ server, client, disk, signal: controller.signal });
  const result = await server.clock.run(
    work.then(() => "ok", (error: unknown) => error),
    5000,
  );
  if (result !== "ok") {
    assert(result instanceof FerryError, String(result));
    assert(
      fault.codes.includes(result.code),
      `${result.code}: ${result.message}`,
    );
  }
  await server.clock.run(client.close());
  await server.clock.advance(120_000);
  await assertWhole(server.disk, "/new");
  await assertWhole(disk, "/new");
  const names = await Array.fromAsync(disk.list("/"), ({ name }) => name);
  // What was interrupted stays to be continued, and nothing else does.
  assert(
    result !== "ok" || names.every((name) => !name.startsWith(".ferry")),
    names.join(),
  );
  assert(names.every((name) => KNOWN.test(name)), names.join());
  await settle();
  return writes > at;
}

for (const [name, operation] of Object.entries(OPERATIONS)) {
  for (const [label, fault] of Object.entries(FAULTS)) {
    Deno.test(`Client survives ${label} at every write of: ${name}`, async () => {
      let at = 0;
      while (await disturb(operation, fault, at)) at++;
      assert(at >= 2);
    });
  }
}
