import { assertEquals } from "@std/assert";
import { SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { traceEvent } from "../../lib/metrics/mod.ts";
import type { ServerEvent } from "../../lib/server/mod.ts";

const ORIGIN = { protocol: "ferry", peer: "127.0.0.1:9", connection: 1 };
const NOW = 1_000_000;

/** What a tracer was told. */
function spans(events: readonly ServerEvent[]): unknown[] {
  const told: unknown[] = [];
  const tracer = {
    startSpan(
      name: string,
      options: { startTime: number; attributes: object },
    ) {
      const span = { name, ...options };
      return {
        setStatus: (status: object) => Object.assign(span, { status }),
        end: (endTime: number) => told.push({ ...span, endTime }),
      };
    },
  } as unknown as Tracer;
  for (const event of events) traceEvent(event, ORIGIN, NOW, tracer);
  return told;
}

const WHO = { user: "ann", session: "s" };
const ATTRIBUTES = {
  "ferry.protocol": "ferry",
  "ferry.peer": "127.0.0.1:9",
  "ferry.connection": 1,
  "ferry.user": "ann",
  "ferry.session": "s",
};

Deno.test("traceEvent() makes a span as long as the transfer was", () => {
  const [span] = spans([{
    type: "sent",
    ...WHO,
    request: "GET",
    id: 4,
    path: "a",
    size: 10,
    bytes: 10,
    duration: 250,
  }]);
  assertEquals(span, {
    name: "ferry GET",
    kind: 1,
    startTime: NOW - 250,
    endTime: NOW,
    attributes: {
      ...ATTRIBUTES,
      "ferry.request": "GET",
      "ferry.id": 4,
      "ferry.path": "a",
      "ferry.size": 10,
      "ferry.bytes": 10,
    },
  });
});

Deno.test("traceEvent() says what went wrong, and nothing of what begins", () => {
  const [refusal, ...others] = spans([
    { type: "connected" },
    { type: "log-in", ...WHO, method: "anonymous" },
    {
      type: "refusal",
      ...WHO,
      request: "PUT",
      path: "a",
      code: "exists",
      reason: "the name is taken",
    },
  ]);
  assertEquals(others, []);
  assertEquals(refusal, {
    name: "ferry PUT",
    kind: 1,
    startTime: NOW,
    endTime: NOW,
    attributes: {
      ...ATTRIBUTES,
      "ferry.request": "PUT",
      "ferry.path": "a",
      "ferry.code": "exists",
      "ferry.reason": "the name is taken",
    },
    status: { code: SpanStatusCode.ERROR, message: "the name is taken" },
  });
});
