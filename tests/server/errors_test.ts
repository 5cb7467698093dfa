import { assertEquals } from "@std/assert";
import { ProtocolError } from "../../lib/protocol/mod.ts";
import { errorBody, RefusalError, wireError } from "../../lib/server/errors.ts";
import { StorageError } from "../../lib/storage/mod.ts";
import { NetworkError } from "../../lib/transport/mod.ts";

const ERRORS: readonly (readonly [unknown, string, string])[] = [
  [new StorageError("no-space", "no room"), "no-space", "no room"],
  [new RefusalError("limit", "too many"), "limit", "too many"],
  [new ProtocolError("remote", "bad frame"), "protocol", "bad frame"],
  [new NetworkError("closed", "it is gone"), "unavailable", "it is gone"],
];

const BUGS: readonly unknown[] = [
  new TypeError("x is not a function"),
  new ProtocolError("local", "Cannot encode: a text is too long", "limit"),
  "a string",
  undefined,
];

Deno.test("wireError() tells what was meant to be told", () => {
  for (const [error, code, message] of ERRORS) {
    assertEquals<unknown>(wireError(error), { code, message });
  }
});

Deno.test("wireError() tells nothing of a bug", () => {
  for (const bug of BUGS) {
    const { code, message } = wireError(bug);
    assertEquals(code, "internal");
    assertEquals(
      message,
      "an internal error happened; the server's log has it",
    );
  }
});

Deno.test("errorBody() gives the code its number", () => {
  const body = errorBody({ code: "io", message: "short" });
  assertEquals(body, { code: 22, message: "short" });
});
