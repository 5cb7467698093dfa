/** Slowness and silence of the chaos proxy, in virtual time. */
import { assert, assertEquals } from "@std/assert";
import { FakeClock, settle } from "../helpers/fake_clock.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { FakeProxy } from "./chaos_lines.ts";

const KIB = 1024;
const MIB = 1024 ** 2;

/** Bytes under way that a socket's buffer stands for. */
const SLACK = 262_144;

function pieces(count: number, size = 64 * KIB): Uint8Array[] {
  return Array.from({ length: count }, () => new Uint8Array(size));
}

Deno.test("delay holds every byte as long, and limits no rate", async () => {
  const clock = new FakeClock();
  await using proxy = new FakeProxy(clock, { delay: { up: 60, down: 20 } });
  const { client, server } = proxy.connect();
  client.send(...pieces(500));
  server.send(new Uint8Array(1));
  await clock.advance(19);
  assertEquals(client.receivedSize, 0);
  await clock.advance(1);
  assertEquals(client.receivedSize, 1);
  await clock.advance(39);
  assertEquals(server.receivedSize, 0);
  await clock.advance(1);
  assertEquals(server.receivedSize, 500 * 64 * KIB);
});

Deno.test("delay keeps the order when it shrinks, and delays the end", async () => {
  const clock = new FakeClock();
  await using proxy = new FakeProxy(clock, { delay: 60 });
  const { client, server, done } = proxy.connect();
  client.send(Uint8Array.of(1));
  await settle();
  proxy.set({ delay: 10 });
  client.send(Uint8Array.of(2));
  client.finish();
  server.finish();
  await clock.advance(59);
  assertEquals(server.receivedSize, 0);
  assertEquals([server.state, client.state], ["open", "ended"]);
  await clock.advance(1);
  assertEquals([...server.received], [1, 2]);
  assertEquals(server.state, "ended");
  await done;
  assertEquals(
    proxy.conditions.tally.counters.perConnection[0]?.state,
    "ended",
  );
  assertEquals(clock.pending, 0);
});

Deno.test("delay without a rate holds no more than its buffer", async () => {
  const clock = new FakeClock();
  const faults = { delay: 60, buffer: MIB };
  await using proxy = new FakeProxy(clock, faults);
  const { client, server } = proxy.connect();
  client.send(...pieces(100));
  await clock.advance(59);
  assert(client.unread >= 5 * MIB, `${client.unread} bytes are not read`);
  await clock.advance(1000);
  assertEquals(server.receivedSize, 100 * 64 * KIB);
  const { heldMax } = proxy.conditions.tally.counters;
  assert(heldMax <= MIB && heldMax > MIB / 2, `${heldMax} bytes held`);
});

Deno.test("rate and delay make a long fat link of bounded memory", async () => {
  const clock = new FakeClock();
  const rate = 20 * MIB;
  await using proxy = new FakeProxy(clock, { rate, delay: 60 });
  const { client, server } = proxy.connect();
  client.send(...pieces(200));
  await clock.advance(60);
  const early = server.receivedSize;
  assert(early <= rate * 0.026, `${early} bytes after one delay`);
  await clock.advance(200);
  const later = server.receivedSize;
  assert(later <= rate * 0.226 && later >= rate * 0.19, `${later} bytes`);
  const smooth = server.arrivals.every(({ bytes }) =>
    bytes.length <= 128 * KIB
  );
  assert(smooth);
  // Nobody takes anything: what is under way stays what the link holds.
  server.isStalled = true;
  await clock.advance(400);
  const { heldMax } = proxy.conditions.tally.counters;
  assert(heldMax <= rate * 0.06 + SLACK + 64 * KIB, `${heldMax} bytes held`);
  assert(client.unread > 4 * MIB, `${client.unread} bytes are not read`);
});

Deno.test("rate of a few bytes a second is smooth as well", async () => {
  const clock = new FakeClock();
  await using proxy = new FakeProxy(clock, { rate: { down: 1000 } });
  const { client, server } = proxy.connect();
  server.send(new Uint8Array(500));
  client.send(new Uint8Array(5000));
  await clock.advance(100);
  assertEquals(server.receivedSize, 5000);
  const size = client.receivedSize;
  assert(size >= 95 && size <= 126, `${size} bytes in 100 ms`);
  assert(client.arrivals.every(({ bytes }) => bytes.length <= 5));
});

Deno.test("rate can be changed and lifted on open connections", async () => {
  const clock = new FakeClock();
  await using proxy = new FakeProxy(clock, { rate: 1000 });
  const { client, server } = proxy.connect();
  client.send(new Uint8Array(1000), new Uint8Array(100_000));
  await clock.advance(100);
  assert(server.receivedSize < 150);
  proxy.set({ rate: undefined });
  await clock.advance(100);
  assertEquals(server.receivedSize, 101_000);
});

Deno.test("total rate is shared fairly, and each connection keeps its own", async () => {
  const clock = new FakeClock();
  const faults = { totalRate: 2 * MIB, rate: 1.5 * MIB };
  await using proxy = new FakeProxy(clock, faults);
  const links = [proxy.connect(), proxy.connect()];
  for (const { client } of links) client.send(...pieces(30));
  await clock.advance(500);
  const sizes = links.map(({ server }) => server.receivedSize);
  const sum = sizes.reduce((total, size) => total + size);
  assert(sum <= 2 * MIB * 0.53 && sum >= 2 * MIB * 0.45, `${sum} bytes`);
  for (const size of sizes) {
    assert(size >= sum * 0.4 && size <= sum * 0.6, `${sizes} bytes`);
  }
  assert(links[0]);
  links[0].link.cut("reset");
  const [, before = 0] = sizes;
  await clock.advance(500);
  const alone = (links[1]?.server.receivedSize ?? 0) - before;
  assert(alone >= 1.5 * MIB * 0.4 && alone <= 1.5 * MIB * 0.53, `${alone}`);
});

Deno.test("stammer cuts every byte stream into the same tiny pieces", async () => {
  const bytes = new SeededRandom(1).bytes(120);
  const ends: number[][] = [];
  for (const size of [120, 120, 7]) {
    const clock = new FakeClock();
    const stammer = { sizeMax: 8, delay: 5 };
    await using proxy = new FakeProxy(clock, { stammer }, 4);
    const { client, server } = proxy.connect();
    for (let at = 0; at < bytes.length; at += size) {
      client.send(bytes.slice(at, at + size));
    }
    await settle();
    assertEquals(server.arrivals.length, 1);
    await clock.advance(5 * bytes.length);
    assertEquals(server.received, bytes);
    let end = 0;
    ends.push(server.arrivals.map((arrival) => end += arrival.bytes.length));
    for (const [index, { at, bytes }] of server.arrivals.entries()) {
      assert(bytes.length <= 8);
      assertEquals(at, (server.arrivals[0]?.at ?? 0) + 5 * index);
    }
  }
  const [first = [], second, split = []] = ends;
  assertEquals(first, second);
  // Other reads add ends, and take none away.
  assert(first.every((end) => split.includes(end)));
});

Deno.test("silence keeps what is broken from the other end", async () => {
  const clock = new FakeClock();
  const silence = { after: 5, direction: "up" } as const;
  await using proxy = new FakeProxy(clock, { silence });
  const { client, server, done } = proxy.connect();
  client.send(new Uint8Array(20));
  await settle();
  assertEquals(server.receivedSize, 5);
  server.send(new Uint8Array(3));
  await settle();
  assertEquals(client.receivedSize, 3);
  client.break();
  await clock.advance(1_000_000);
  assertEquals([server.state, server.receivedSize], ["open", 5]);
  assertEquals(proxy.conditions.tally.counters.open, 1);
  proxy.set({ silence: undefined });
  await done;
  assertEquals(server.state, "reset");
  assertEquals(proxy.conditions.tally.counters.silences, 1);
});

Deno.test("silence swallows an end, reads no more, and can be ended", async () => {
  const clock = new FakeClock();
  await using proxy = new FakeProxy(clock, { silence: { after: 70_000 } });
  const { client, server, done } = proxy.connect();
  const bytes = new SeededRandom(2).bytes(40 * 64 * KIB);
  for (let at = 0; at < bytes.length; at += 64 * KIB) {
    client.send(bytes.slice(at, at + 64 * KIB));
  }
  client.finish();
  await settle();
  server.send(new Uint8Array(1));
  server.finish();
  await clock.advance(1_000_000);
  assertEquals(server.receivedSize, 70_000);
  assertEquals([server.state, client.state], ["open", "open"]);
  assertEquals(client.receivedSize, 0);
  assert(client.unread > 30 * 64 * KIB);
  proxy.set({ silence: undefined });
  await done;
  assertEquals(server.received, bytes);
  assertEquals([server.state, client.state], ["ended", "ended"]);
  assertEquals(client.receivedSize, 1);
});

Deno.test("a cut happens at once to who is beyond its point already", async () => {
  const clock = new FakeClock();
  await using proxy = new FakeProxy(clock, {});
  const [long, short] = [proxy.connect(), proxy.connect()];
  long.client.send(new Uint8Array(1000));
  short.client.send(new Uint8Array(10));
  await settle();
  proxy.set({ reset: { after: 500 } });
  await long.done;
  assertEquals([long.client.state, long.server.state], ["reset", "reset"]);
  assertEquals(short.server.state, "open");
  short.client.send(new Uint8Array(1000));
  await short.done;
  assertEquals(short.server.receivedSize, 500);
});

Deno.test("a cut happens so often as it may, over all connections", async () => {
  const clock = new FakeClock();
  const close = { after: 10, times: 2 };
  await using proxy = new FakeProxy(clock, { close });
  const links = [1, 2, 3].map(() => proxy.connect());
  for (const { client } of links) {
    client.send(new Uint8Array(25));
    await settle();
  }
  const sizes = links.map(({ server }) => server.receivedSize);
  assertEquals(sizes, [10, 10, 25]);
  const states = links.map(({ server }) => server.state);
  assertEquals(states, ["closed", "closed", "open"]);
  assertEquals(proxy.conditions.tally.counters.closes, 2);
});

Deno.test("a total counts all connections, cuts all, and comes again", async () => {
  const clock = new FakeClock();
  const reset = { total: 1000, direction: "up", times: 2 } as const;
  await using proxy = new FakeProxy(clock, { reset });
  for (let round = 1; round <= 3; round++) {
    const [one, other] = [proxy.connect(), proxy.connect()];
    one.server.send(new Uint8Array(5000));
    one.client.send(new Uint8Array(600));
    await settle();
    other.client.send(new Uint8Array(600));
    await settle();
    const isCut = round < 3;
    assertEquals(one.client.receivedSize, 5000);
    assertEquals(other.server.receivedSize, isCut ? 400 : 600);
    for (const { server } of [one, other]) {
      assertEquals(server.state, isCut ? "reset" : "open");
    }
    assertEquals(
      proxy.conditions.tally.counters.resets,
      2 * Math.min(round, 2),
    );
  }
});

Deno.test("a reset drops what is under way and leaves no timer", async () => {
  const clock = new FakeClock();
  const faults = {
    delay: 50,
    rate: 100_000,
    stammer: { sizeMax: 3, delay: 1 },
  };
  await using proxy = new FakeProxy(clock, faults);
  const { client, server, link, done } = proxy.connect();
  client.send(...pieces(3));
  server.send(...pieces(3));
  await clock.advance(60);
  link.cut("reset");
  await done;
  assertEquals(clock.pending, 0);
  assertEquals([client.state, server.state], ["reset", "reset"]);
});
