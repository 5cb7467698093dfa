/**
 * Golden transcripts: what each end of a connection sends, byte by byte, and
 * what the other says to it.
 */

import { assert, assertEquals } from "@std/assert";
import type { DoorScene } from "./door_scene.ts";
import { Socket, text } from "./peers/socket.ts";

/** What the test sends, what must come, or that the end must. */
export type Turn =
  | { readonly send: Uint8Array }
  | { readonly expect: Uint8Array }
  | { readonly expect: "end" };

/** How what is sent is cut into writes. */
export type Cut = (bytes: Uint8Array) => readonly Uint8Array[];

/** One write. */
export const WHOLE: Cut = (bytes) => [bytes];

/** One write a byte. */
export const BYTES: Cut = (bytes) =>
  Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));

/** Two writes, the second from here on. */
export function cutAt(at: number): Cut {
  return (bytes) =>
    [bytes.subarray(0, at), bytes.subarray(at)]
      .filter(({ length }) => length > 0);
}

/** Sends pieces with a pause after each, so that each is read by itself. */
export async function sendCut(
  scene: DoorScene,
  socket: Socket,
  bytes: Uint8Array,
  cut: Cut,
): Promise<void> {
  for (const piece of cut(bytes)) {
    await socket.send(piece);
    // Shorter than any pause that ends a message.
    await scene.server.clock.advance(20);
  }
}

/** Plays one transcript on an open socket. */
export async function playOn(
  scene: DoorScene,
  socket: Socket,
  turns: readonly Turn[],
  cut: Cut = WHOLE,
): Promise<void> {
  for (const [index, turn] of turns.entries()) {
    if ("send" in turn) await sendCut(scene, socket, turn.send, cut);
    else if (turn.expect === "end") {
      const rest = await scene.run(socket.recvToEnd());
      assertEquals(text(rest), "", `turn ${index}: more came`);
    } else {
      const bytes = await scene.run(socket.recvAll(turn.expect.length));
      assertEquals(text(bytes), text(turn.expect), `turn ${index}`);
    }
  }
}

/** Dials the door of a scene. */
export async function dialDoor(scene: DoorScene): Promise<Socket> {
  return new Socket(await scene.network.dial(scene.address));
}

/** Plays one transcript on a connection of its own. */
export async function play(
  scene: DoorScene,
  turns: readonly Turn[],
  cut: Cut = WHOLE,
): Promise<void> {
  using socket = await dialDoor(scene);
  await playOn(scene, socket, turns, cut);
}

/** What the server has published; what is being received is not among it. */
export async function published(scene: DoorScene): Promise<string[]> {
  const names = await scene.server.names("/root");
  const fixed = new Set([".ferry", "escape", "folder", "way-out"]);
  return names.filter((name) => !fixed.has(name));
}

/**
 * That a client which says these things and then nothing more is let go: after
 * a while, for the originals pause for a second or two, and in bounded time.
 */
export async function assertSilenceEnds(
  scene: DoorScene,
  turns: readonly Turn[],
): Promise<void> {
  using socket = await dialDoor(scene);
  await playOn(scene, socket, turns);
  await scene.server.clock.advance(5000);
  assertEquals(scene.closings(), []);
  await scene.server.clock.advance(60_000);
  await scene.run(socket.recvToEnd());
  const [closing, ...others] = scene.closings();
  assert(closing?.startsWith("timeout: "), closing);
  assertEquals(others, []);
  await assertNothingStaged(scene);
}

/** Whether nothing that was being received is left. */
export async function assertNothingStaged(scene: DoorScene): Promise<void> {
  const names = await scene.server.names("/root");
  if (!names.includes(".ferry")) return;
  assertEquals(await scene.server.names("/root/.ferry"), []);
}
