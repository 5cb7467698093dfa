import { assert, assertEquals, assertMatch } from "@std/assert";
import { ServerMetrics } from "../../lib/metrics/mod.ts";
import type { EventOrigin, ServerEvent } from "../../lib/server/mod.ts";
import { FakeClock } from "../helpers/fake_clock.ts";

const ORIGIN: EventOrigin = {
  protocol: "ferry",
  peer: "127.0.0.1:9",
  connection: 1,
};

const EVENTS: readonly ServerEvent[] = [
  { type: "connected" },
  { type: "connected" },
  { type: "log-in", user: "ann", session: "s", method: "anonymous" },
  { type: "log-in-refused", code: "login-refused", reason: "no" },
  { type: "locked-out", user: "ann", wait: 1000 },
  {
    type: "received",
    user: "ann",
    request: "PUT",
    path: "a",
    publication: "created",
    size: 1000,
    resumedFrom: 400,
    durable: true,
    duration: 500,
  },
  {
    type: "received",
    user: "ann",
    request: "STORE",
    path: "b",
    publication: "skipped",
    size: 7,
    resumedFrom: 0,
    durable: true,
  },
  {
    type: "sent",
    user: "ann",
    request: "FETCH",
    path: "a",
    size: 1000,
    bytes: 30,
    duration: 20,
  },
  { type: "change", user: "ann", request: "REMOVE", details: { path: "a" } },
  {
    type: "refusal",
    user: "ann",
    request: "GET",
    code: "not-found",
    reason: "no such file",
  },
  { type: "closing", code: "protocol", reason: "a stranger" },
  { type: "disconnected" },
  { type: "log-out", user: "ann", duration: 1 },
];

async function numbers(metrics: ServerMetrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

Deno.test("ServerMetrics counts every kind of event", async () => {
  const clock = new FakeClock();
  using metrics = new ServerMetrics(clock);
  for (const event of EVENTS) metrics.observe(event, ORIGIN);
  const text = await numbers(metrics);
  const expected = {
    'ferry_connections{protocol="ferry"}': 1,
    'ferry_sessions{protocol="ferry"}': 0,
    'ferry_log_ins_total{protocol="ferry",method="anonymous"}': 1,
    'ferry_log_ins_refused_total{protocol="ferry",code="login-refused"}': 1,
    'ferry_lock_outs_total{protocol="ferry"}': 1,
    'ferry_transfers_total{protocol="ferry",direction="received"}': 2,
    'ferry_transferred_bytes_total{protocol="ferry",direction="received"}': 600,
    'ferry_transferred_bytes_total{protocol="ferry",direction="sent"}': 30,
    'ferry_transfer_duration_seconds_count{direction="received"}': 1,
    'ferry_transfer_duration_seconds_bucket{direction="received",le="0.1"}': 0,
    'ferry_transfer_duration_seconds_bucket{direction="received",le="1"}': 1,
    'ferry_changes_total{protocol="ferry",request="REMOVE"}': 1,
    'ferry_failures_total{protocol="ferry",code="not-found"}': 1,
    'ferry_closed_connections_total{protocol="ferry",code="protocol"}': 1,
  };
  for (const [name, value] of Object.entries(expected)) {
    assertEquals(text.get(name), value, name);
  }
  assertMatch(
    await metrics.text(),
    /ferry_build_info\{version="\d+\.\d+\.\d+"\} 1/,
  );
});

Deno.test("ServerMetrics measures how late the event loop is, and stops with its end", async () => {
  const clock = new FakeClock();
  {
    using metrics = new ServerMetrics(clock);
    await clock.advance(1000);
    await clock.advance(1000);
    const text = await numbers(metrics);
    assertEquals(text.get("ferry_event_loop_delay_seconds_count"), 2);
    assertEquals(text.get("ferry_event_loop_delay_seconds_sum"), 0);
    assertEquals(clock.pending, 1);
  }
  assertEquals(clock.pending, 0);
});

Deno.test("two ServerMetrics count apart", async () => {
  const clock = new FakeClock();
  using first = new ServerMetrics(clock);
  using second = new ServerMetrics(clock);
  first.observe({ type: "connected" }, ORIGIN);
  assert((await numbers(first)).has('ferry_connections{protocol="ferry"}'));
  assert(!(await numbers(second)).has('ferry_connections{protocol="ferry"}'));
});
