import { assert, assertEquals, assertRejects } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  encodeMessage,
  HEADER_SIZE,
  message,
  ProtocolError,
} from "../../lib/protocol/mod.ts";
import {
  FrameChannel,
  JOINED_FRAME_MAX,
  NetworkError,
} from "../../lib/transport/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { PipeEnd } from "../helpers/pipe.ts";
import { encodeData, RawPeer } from "../helpers/raw_peer.ts";
import { HELLO, putBody } from "../helpers/test_server.ts";

const PING = encodeMessage(message("PING", { cookie: 7 }));

interface Ends extends Disposable {
  readonly channel: FrameChannel;
  readonly pipe: PipeEnd;
  readonly peer: RawPeer;
  readonly far: PipeEnd;
}

/** A server's channel, with the state tables at the end of the log-in. */
async function ready(): Promise<Ends> {
  const [pipe, far] = PipeEnd.pair();
  const channel = new FrameChannel(pipe, "control", "server");
  const peer = new RawPeer(far);
  await peer.send("HELLO", HELLO);
  await channel.receiveFirst();
  await channel.send(message("GREETING", {
    version: 1,
    agent: "test",
    nonce: new Uint8Array(32),
    methods: [],
  }));
  await peer.send("LOGIN", { method: "anonymous", user: undefined });
  await channel.receive();
  await channel.send(message("READY", {
    session: new Uint8Array(16),
    user: "anonymous",
    rights: [],
    refusals: [],
    digests: [],
    dataConnections: 1,
  }));
  await peer.expect("GREETING");
  await peer.expect("READY");
  return {
    channel,
    pipe,
    peer,
    far,
    [Symbol.dispose]: () => {
      channel.close();
      far.close();
    },
  };
}

/** A server's channel of a data connection that is attached. */
async function attached(): Promise<Ends> {
  const [pipe, far] = PipeEnd.pair();
  const channel = new FrameChannel(pipe, "control", "server");
  const peer = new RawPeer(far);
  await peer.send("ATTACH", {
    version: 1,
    session: new Uint8Array(16),
    token: new Uint8Array(32),
  });
  assertEquals((await channel.receiveFirst())?.type, "ATTACH");
  await channel.send(message("ATTACHED", {}));
  await peer.expect("ATTACHED");
  return {
    channel,
    pipe,
    peer,
    far,
    [Symbol.dispose]: () => {
      channel.close();
      far.close();
    },
  };
}

Deno.test("FrameChannel.receive() puts together frames that were split anywhere", async () => {
  for (let at = 1; at < PING.length; at++) {
    using ends = await ready();
    await ends.peer.sendBytes(PING.slice(0, at));
    const received = ends.channel.receive();
    await settle();
    await ends.peer.sendBytes(PING.slice(at));
    assertEquals(await received, message("PING", { cookie: 7 }));
  }
});

Deno.test("FrameChannel.receive() takes bytes one by one, and many frames at once", async () => {
  using ends = await ready();
  ends.pipe.readSizeMax = 1;
  await ends.peer.sendBytes(PING);
  assertEquals((await ends.channel.receive())?.type, "PING");
  ends.pipe.readSizeMax = Infinity;
  await ends.peer.sendBytes(new Uint8Array([...PING, ...PING, ...PING]));
  for (let count = 0; count < 3; count++) {
    assertEquals((await ends.channel.receive())?.type, "PING");
  }
});

Deno.test("FrameChannel.receive() says the end between two frames and refuses it inside one", async () => {
  for (let at = 0; at < PING.length; at++) {
    using ends = await ready();
    await ends.peer.sendBytes(new Uint8Array([...PING, ...PING.slice(0, at)]));
    ends.far.close();
    assertEquals((await ends.channel.receive())?.type, "PING");
    if (at === 0) assertEquals(await ends.channel.receive(), undefined);
    else {
      const error = await assertRejects(
        () => ends.channel.receive(),
        NetworkError,
      );
      assertEquals(error.kind, "reset");
    }
  }
});

Deno.test("FrameChannel.receive() keeps a payload valid while the next frame is received", async () => {
  using ends = await attached();
  await ends.peer.send("PUT", putBody("a"), 1);
  await ends.channel.receive();
  await ends.channel.send({ type: "OPENED", id: 1, body: {} });
  const size = 1_048_576;
  const sending = (async () => {
    for (let index = 0; index < 4; index++) {
      await ends.peer.sendData(
        1,
        index * size,
        new Uint8Array(size).fill(index),
      );
    }
  })();
  let before: Uint8Array | undefined;
  for (let index = 0; index < 4; index++) {
    const frame = await ends.channel.receive();
    assert(frame?.type === "DATA");
    assert(frame.payload.every((byte) => byte === index));
    assert(before === undefined || before.every((byte) => byte === index - 1));
    before = frame.payload;
  }
  await sending;
});

Deno.test("FrameChannel.receive() throws after close()", async () => {
  using ends = await ready();
  const pending = ends.channel.receive();
  ends.channel.close();
  await assertRejects(() => pending, NetworkError);
  await assertRejects(() => ends.channel.receive(), NetworkError);
});

Deno.test("FrameChannel sends in the order of the calls and counts bytes", async () => {
  using ends = await ready();
  const before = ends.channel.bytesSent;
  await Promise.all(
    [1, 2, 3].map((cookie) => ends.channel.send(message("PING", { cookie }))),
  );
  for (const cookie of [1, 2, 3]) {
    assertEquals((await ends.peer.expect("PING")).body.cookie, cookie);
  }
  assertEquals(ends.channel.bytesSent - before, 3 * PING.length);
  assertEquals(ends.channel.remote, { hostname: "127.0.0.1", port: 2 });
});

Deno.test("FrameChannel.send() rejects and never throws, whatever is wrong", async () => {
  using ends = await ready();
  const { channel } = ends;
  const frames = [
    message("LOGIN", { method: "x", user: undefined }),
    message("PING", { cookie: -1 }),
  ];
  for (const frame of frames) {
    const sent = channel.send(frame);
    assertEquals(
      (await assertRejects(() => sent, ProtocolError)).fault,
      "local",
    );
  }
  const data = channel.sendData(new Uint8Array(HEADER_SIZE), {
    id: 1,
    offset: 0,
    checksum: 0,
  });
  await assertRejects(() => data, ProtocolError);
});

Deno.test("FrameChannel.send() fails for every send behind one that failed", async () => {
  using ends = await ready();
  ends.pipe.tap = () => "reset";
  const sent = [1, 2, 3].map((cookie) =>
    ends.channel.send(message("PING", { cookie }))
  );
  for (const each of sent) await assertRejects(() => each, NetworkError);
  await assertRejects(
    () => ends.channel.send(message("PING", { cookie: 4 })),
    NetworkError,
  );
  await ends.channel.settled();
});

Deno.test("FrameChannel sends what comes together in few writes, in order", async () => {
  using ends = await attached();
  const { channel, pipe, peer } = ends;
  const writes: number[] = [];
  let turns = 0;
  // As on a real connection: what is sent before the turn is over leaves with it.
  pipe.turn = async () => {
    turns++;
    await settle();
  };
  pipe.tap = (bytes) => void writes.push(bytes.length);
  const sizes = [5, 1000, 20_000, 16_384 - HEADER_SIZE, 1, 70_000, 3, 4];
  for (const at of sizes.keys()) {
    await peer.send("GET", { path: "f", algorithm: "crc32-chunks" }, 1 + at);
    await channel.receive();
  }
  const room = new Uint8Array(HEADER_SIZE + 70_000);
  const sent: Promise<void>[] = [];
  for (const [at, size] of sizes.entries()) {
    const id = 1 + at;
    sent.push(channel.send({ type: "OPENED", id, body: {} }));
    // What is small is copied at once, what is large must stay.
    const isSmall = HEADER_SIZE + size <= JOINED_FRAME_MAX;
    const bytes = isSmall
      ? room.subarray(0, HEADER_SIZE + size)
      : new Uint8Array(HEADER_SIZE + size);
    bytes.fill(id, HEADER_SIZE);
    const checksum = crc32(bytes.subarray(HEADER_SIZE));
    sent.push(channel.sendData(bytes, { id, offset: 0, checksum }));
    const digest = new Uint8Array(32);
    sent.push(channel.send({ type: "END", id, body: { size, digest } }));
  }
  assert(channel.isWriting);
  for (const [at, size] of sizes.entries()) {
    const id = 1 + at;
    assertEquals((await peer.expect("OPENED")).id, id);
    const { payload, checksum } = await peer.expect("DATA");
    assertEquals([payload.length, crc32(payload)], [size, checksum]);
    assertEquals((await peer.expect("END")).id, id);
  }
  await Promise.all(sent);
  await settle();
  assertEquals(channel.isWriting, false);
  // What does not fit by itself, and what stands before and behind it.
  assertEquals([writes.length, turns], [3, 2], writes.join());
});

Deno.test("FrameChannel.settled() waits for a peer that does not read", async () => {
  using ends = await ready();
  const { channel } = ends;
  await channel.settled();
  for (let count = 0; count < 20_000; count++) {
    channel.send(message("PING", { cookie: count })).catch(() => {});
  }
  let isSettled = false;
  const settled = channel.settled().then(() => isSettled = true);
  await settle();
  assertEquals(isSettled, false);
  for (let count = 0; count < 20_000; count++) await ends.peer.expect("PING");
  await settled;
});

Deno.test("FrameChannel.progressing() is about peers that owe the rest of a frame", async () => {
  using ends = await attached();
  const { channel, peer } = ends;
  await peer.send("PUT", putBody("a"), 1);
  await channel.receive();
  await channel.send({ type: "OPENED", id: 1, body: {} });
  // Nothing owed: any silence is fine.
  for (let count = 0; count < 3; count++) assert(channel.progressing(100));
  const frame = encodeData(1, 0, new Uint8Array(1000));
  const received = channel.receive();
  await peer.sendBytes(frame.slice(0, 300));
  await settle();
  assert(channel.progressing(100), "owed only since now");
  await peer.sendBytes(frame.slice(300, 450));
  await settle();
  assert(channel.progressing(100), "150 bytes are enough");
  await peer.sendBytes(frame.slice(450, 500));
  await settle();
  assert(!channel.progressing(100), "50 bytes are not");
  await peer.sendBytes(frame.slice(500));
  await received;
  assert(channel.progressing(100), "nothing is owed any more");
});

Deno.test("FrameChannel.progressing() does not blame the peer for what this end leaves unread", async () => {
  using ends = await attached();
  const { channel, peer } = ends;
  await peer.send("PUT", putBody("a"), 1);
  await channel.receive();
  await channel.send({ type: "OPENED", id: 1, body: {} });
  const first = encodeData(1, 0, new Uint8Array(1_048_576));
  const second = encodeData(1, 1_048_576, new Uint8Array(1_048_576));
  const sending = (async () => {
    await peer.sendBytes(first);
    await peer.sendBytes(second);
  })();
  await channel.receive();
  // A slow disk: part of the second chunk has come, nobody reads on.
  for (let count = 0; count < 5; count++) assert(channel.progressing(4096));
  await channel.receive();
  await sending;
});

Deno.test("FrameChannel.progressing() counts for one frame, not for two in a row", async () => {
  using ends = await ready();
  const { channel, peer } = ends;
  for (let count = 0; count < 4; count++) {
    const received = channel.receive();
    await peer.sendBytes(PING.slice(0, 20));
    await settle();
    assert(channel.progressing(4096));
    await peer.sendBytes(PING.slice(20));
    await received;
  }
});

Deno.test("FrameChannel.finish() delivers the farewell and drops what still comes", async () => {
  using ends = await ready();
  const timeout = new AbortController();
  ends.channel.send(message("FAIL", { code: 1, message: "bye" }));
  const finished = ends.channel.finish(timeout.signal);
  await ends.peer.sendBytes(new Uint8Array(100_000));
  assertEquals((await ends.peer.expect("FAIL")).body.message, "bye");
  assertEquals(await ends.peer.receive(), undefined);
  assertEquals(ends.pipe.closed, false);
  ends.far.close();
  await finished;
  assertEquals(ends.pipe.closed, true);
});

Deno.test("FrameChannel.finish() waits no longer than its signal", async () => {
  for (const isEarly of [true, false]) {
    using ends = await ready();
    const timeout = new AbortController();
    if (isEarly) timeout.abort();
    const finished = ends.channel.finish(timeout.signal);
    await settle();
    assertEquals(ends.pipe.closed, isEarly);
    timeout.abort();
    await finished;
    assertEquals(ends.pipe.closed, true);
  }
});

Deno.test("FrameChannel.finish() does not read for ever from a peer that never stops", async () => {
  using ends = await ready();
  const finished = ends.channel.finish(new AbortController().signal);
  const flood = (async () => {
    for (;;) await ends.far.write(new Uint8Array(65_536));
  })();
  await finished;
  assertEquals(ends.pipe.closed, true);
  await assertRejects(() => flood, NetworkError);
});
