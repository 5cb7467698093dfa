/** Several connections on links that are modelled, on a clock that is not real. */

import { assert, assertEquals } from "@std/assert";
import type { ControlSession } from "../../lib/client/control_session.ts";
import type { DataPool } from "../../lib/client/data_pool.ts";
import { FerryError } from "../../lib/client/errors.ts";
import { type StreamCount, StreamTeam } from "../../lib/client/stream_team.ts";
import { sleep } from "../../lib/platform/mod.ts";
import type { FrameChannel } from "../../lib/transport/mod.ts";
import { FakeClock, settle } from "../helpers/fake_clock.ts";

const MB = 1_000_000;

/** What a link is like. */
interface LinkModel {
  /** Milliseconds there and back. */
  readonly roundTrip: number;
  /** MB a second of so many connections together. */
  readonly rate: (count: number) => number;
  /** MB that each takes at once, before anything arrives. */
  readonly buffer?: number;
  /** Milliseconds for which one that is to leave goes on. */
  readonly linger?: number;
}

/** A connection that moves what its link lets it. */
class ModelChannel {
  bytesReceived = 0;
  readonly bytesSent = 0;
  readonly isReading = false;
  readonly isWriting = false;
  isMoving = false;
  isFilled = false;
  close(): void {}
}

/** A link, and a transfer over it. */
class Link {
  readonly clock = new FakeClock();
  /** Seconds with so many connections at work. */
  readonly seconds = new Map<number, number>();
  /** Connections that cannot be made. */
  refused = 0;
  /** Connections that are being made for ever. */
  hung = 0;
  /** Connections that were asked for. */
  borrowed = 0;
  readonly #model: LinkModel;
  readonly #channels = new Set<ModelChannel>();
  #moved = 0;
  #at = this.clock.monotonic();

  constructor(model: LinkModel) {
    this.#model = model;
  }

  /** Bytes so far, by the rate that held since the last look. */
  get moved(): number {
    const now = this.clock.monotonic();
    const seconds = (now - this.#at) / 1000;
    this.#at = now;
    const moving = [...this.#channels].filter(({ isMoving }) => isMoving);
    const rate = moving.length === 0 ? 0 : this.#model.rate(moving.length) * MB;
    const before = this.seconds.get(moving.length) ?? 0;
    this.seconds.set(moving.length, before + seconds);
    for (const channel of moving) {
      const bytes = rate / moving.length * seconds;
      channel.bytesReceived += bytes;
      this.#moved += bytes;
    }
    return this.#moved;
  }

  /** The number of connections that was at work for most of the time. */
  get usual(): number {
    const [usual] = [...this.seconds].toSorted(([, a], [, b]) => b - a);
    return usual![0];
  }

  /** Moves so many bytes; returns the seconds that it took. */
  async move(size: number, streams: StreamCount): Promise<number> {
    const start = this.clock.monotonic();
    const team = this.team(streams);
    const first = new ModelChannel();
    team.prepare();
    await this.clock.advance(this.#model.roundTrip);
    this.#begin(first);
    team.start(
      first as unknown as FrameChannel,
      async ({ channel, isRetired }) => {
        const own = channel as unknown as ModelChannel;
        // It opens the file, and asks for a part of it.
        await sleep(this.clock, 2 * this.#model.roundTrip);
        this.#begin(own);
        while (!isRetired() && this.moved < size) await sleep(this.clock, 10);
        if (isRetired()) await sleep(this.clock, this.#model.linger ?? 0);
        this.#end(own);
        return true;
      },
    );
    while (this.moved < size) await this.clock.advance(10);
    this.#end(first);
    const seconds = (this.clock.monotonic() - start) / 1000;
    await this.clock.run(team.finish());
    assertEquals(this.clock.pending, 0);
    return seconds;
  }

  team(streams: StreamCount): StreamTeam {
    const { roundTrip } = this.#model;
    let id = 0;
    const session = {
      info: { dataConnections: 8 },
      roundTrip,
      nextId: () => ++id,
    } as unknown as ControlSession;
    const pool = {
      borrow: async (signal: AbortSignal) => {
        this.borrowed++;
        const time = this.hung-- > 0 ? Infinity : 2 * roundTrip;
        await sleep(this.clock, time, signal);
        if (this.refused-- > 0) throw new FerryError("limit", "no more");
        return { channel: new ModelChannel(), isReused: false };
      },
      giveBack: () => {},
    } as unknown as DataPool;
    return new StreamTeam({
      session,
      pool,
      clock: this.clock,
      timeout: 30_000,
      streams,
      warmSize: this.#model.buffer === undefined ? MB : 8 * MB,
      signal: undefined,
    });
  }

  #begin(channel: ModelChannel): void {
    this.#moved = this.moved;
    channel.isMoving = true;
    // What only fills buffers moves at once, and nobody has it.
    channel.bytesReceived += (this.#model.buffer ?? 0) * MB;
    this.#channels.add(channel);
  }

  #end(channel: ModelChannel): void {
    this.#moved = this.moved;
    channel.isMoving = false;
    this.#channels.delete(channel);
  }
}

const capped = (count: number): number => 20 * count;

Deno.test("auto over a long link with a cap on each comes within a fifth of the best number", async () => {
  for (const buffer of [undefined, 4]) {
    for (const size of [256 * MB, 1024 * MB]) {
      const model = { roundTrip: 120, rate: capped, ...buffer && { buffer } };
      const auto = new Link(model);
      const seconds = await auto.move(size, "auto");
      const best = await new Link(model).move(size, 8);
      assert(best / seconds >= 0.8, `${best} s, auto ${seconds} s`);
      assertEquals(auto.usual, 8);
    }
  }
});

Deno.test("auto on loopback stays with one connection", async () => {
  const link = new Link({ roundTrip: 0.5, rate: () => 2000 });
  assertEquals(link.team("auto").mayGrow, false);
  assertEquals(link.team(1).mayGrow, false);
  assertEquals(link.team(2).mayGrow, true);
  await link.move(8192 * MB, "auto");
  assertEquals(link.borrowed, 0);
});

Deno.test("auto leaves a slow disk to one connection, however long the link", async () => {
  for (const roundTrip of [10, 120]) {
    const model = { roundTrip, rate: (count: number) => 120 / count };
    const auto = new Link(model);
    const seconds = await auto.move(2048 * MB, "auto");
    const best = await new Link(model).move(2048 * MB, 1);
    assert(best / seconds >= 0.8, `${best} s, auto ${seconds} s`);
    assertEquals(auto.usual, 1);
  }
});

Deno.test("auto takes buffers that fill for no gain", async () => {
  for (const roundTrip of [10, 120]) {
    const model = { roundTrip, rate: () => 60, buffer: 4 };
    const auto = new Link(model);
    await auto.move(1024 * MB, "auto");
    assertEquals(auto.usual, 1);
  }
});

Deno.test("auto goes on with those that it has when no more can be made", async () => {
  const link = new Link({ roundTrip: 120, rate: capped });
  link.refused = Infinity;
  const seconds = await link.move(512 * MB, "auto");
  assertEquals([...link.seconds.keys()].toSorted(), [0, 1]);
  assert(seconds < 512 / 20 + 1);
  const later = new Link({ roundTrip: 120, rate: capped });
  later.refused = 3;
  await later.move(1024 * MB, "auto");
  assertEquals(later.usual, 8);
});

Deno.test("auto measures fewer connections only when the others have left", async () => {
  const rate = (count: number): number => Math.min(20 * count, 70);
  const link = new Link({ roundTrip: 120, rate, linger: 2000 });
  const seconds = await link.move(1024 * MB, "auto");
  assertEquals(link.usual, 4);
  assert(seconds <= 1.25 * 1024 / 70, `${seconds} s`);
});

Deno.test("auto does not wait for ever for a connection that is being made", async () => {
  const link = new Link({ roundTrip: 120, rate: capped });
  link.hung = 1;
  await link.move(4096 * MB, "auto");
  assertEquals(link.usual, 7);
});

Deno.test("connections that were made in vain are given back", async () => {
  const link = new Link({ roundTrip: 120, rate: capped });
  const team = link.team(4);
  team.prepare();
  await link.clock.advance(1000);
  assertEquals(team.count, 4);
  await team.finish();
  await settle();
  assertEquals(team.count, 1);
  // It is over: nothing is made any more.
  team.prepare();
  assertEquals(link.borrowed, 3);
});
