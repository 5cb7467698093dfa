import { assert, assertEquals } from "@std/assert";
import { FerryError } from "../../lib/client/mod.ts";
import {
  cancelled,
  type Phase,
  remoteError,
  toFerryError,
} from "../../lib/client/errors.ts";
import { ProtocolError } from "../../lib/protocol/mod.ts";
import { StorageError } from "../../lib/storage/mod.ts";
import { NetworkError } from "../../lib/transport/mod.ts";

type Row = readonly [
  error: unknown,
  phase: Phase,
  code: string,
  side: "local" | "remote",
];

const ROWS: readonly Row[] = [
  [new StorageError("no-space", "full"), "connected", "no-space", "local"],
  [
    new NetworkError("refused", "refused"),
    "connecting",
    "connect-failed",
    "remote",
  ],
  [
    new NetworkError("reset", "reset"),
    "connected",
    "connection-lost",
    "remote",
  ],
  [new NetworkError("denied", "denied"), "connecting", "denied", "local"],
  [new NetworkError("denied", "denied"), "connected", "denied", "local"],
  [
    new ProtocolError("remote", "bad"),
    "connecting",
    "wrong-protocol",
    "remote",
  ],
  [new ProtocolError("remote", "bad"), "connected", "protocol", "remote"],
  [
    new ProtocolError("remote", "damaged", "integrity"),
    "connected",
    "integrity",
    "remote",
  ],
  [new ProtocolError("local", "our bug"), "connected", "internal", "local"],
  [new DOMException("x", "AbortError"), "connected", "cancelled", "local"],
  [new TypeError("x"), "connected", "internal", "local"],
  ["thrown text", "connecting", "internal", "local"],
];

Deno.test("toFerryError() has a code and a side for everything, and keeps the cause", () => {
  for (const [thrown, phase, code, side] of ROWS) {
    const error = toFerryError(thrown, phase);
    assertEquals([error.code, error.side], [code, side], String(thrown));
    assertEquals(error.cause, thrown);
    assert(error.message.length > 0);
    assertEquals(toFerryError(error, phase), error);
  }
});

Deno.test("cancelled() keeps a FerryError and wraps every other reason", () => {
  const own = new FerryError("unavailable", "x");
  assertEquals(cancelled(own), own);
  assertEquals(cancelled("why").cause, "why");
});

Deno.test("remoteError() takes codes of the future for internal ones", () => {
  const known = remoteError({ code: 7, message: "not found", path: "a" });
  assertEquals([known.code, known.path], ["not-found", "a"]);
  assertEquals(remoteError({ code: 60_000, message: "x" }).code, "internal");
});
