/**
 * The one frame that may come now.
 *
 * @module
 */

import type { MessageBody, MessageType } from "../protocol/mod.ts";
import type { FrameChannel } from "../transport/mod.ts";
import { farewellError, FerryError } from "./errors.ts";

/** Receives a frame of the one type that may come now; `FAIL` and the end are errors. */
export async function expectFrame<T extends MessageType>(
  channel: FrameChannel,
  type: T,
): Promise<MessageBody<T>> {
  const frame = await channel.receive();
  if (frame?.type === type) return frame.body as MessageBody<T>;
  if (frame?.type === "FAIL") throw farewellError(frame.body);
  throw new FerryError(
    "connect-failed",
    "the server closed the connection without an answer",
  );
}
