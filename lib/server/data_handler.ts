/**
 * One data connection: transfers, one after the other.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Frame, FrameOf, MessageFrame } from "../protocol/mod.ts";
import {
  formatAddress,
  type FrameChannel,
  NetworkError,
} from "../transport/mod.ts";
import { sendFile } from "./download.ts";
import { errorBody, wireError } from "./errors.ts";
import type { Session } from "./session.ts";
import { Upload } from "./upload.ts";

const log = getLogger(["ferry", "server"]);

/** Serves an attached data connection until it ends. */
export class DataHandler {
  readonly #session: Session;
  readonly #channel: FrameChannel;
  #upload: Upload | undefined;
  /** Resolves when the upload at hand has ended and is logged. */
  #uploadRun: Promise<void> = Promise.resolve();
  #uploadEnded = () => {};

  /**
   * @param session Whose it is.
   * @param channel The attached connection.
   */
  constructor(session: Session, channel: FrameChannel) {
    this.#session = session;
    this.#channel = channel;
  }

  /**
   * Runs until the connection ends.
   *
   * @throws {ProtocolError} When the client broke the rules.
   * @throws {NetworkError} When the connection broke.
   */
  async run(): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#channel.receive();
        if (frame === undefined) break;
        await this.#handle(frame);
      }
    } finally {
      // The end of a connection publishes nothing.
      await this.#upload?.fail(
        new NetworkError("closed", "the data connection ended"),
      );
      this.#uploadEnded();
      await this.#uploadRun;
    }
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case "PUT":
        return await this.#put(frame);
      case "DATA":
        await this.#upload?.chunk(frame);
        break;
      case "END":
        await this.#upload?.commit(frame);
        break;
      case "GET":
        return await this.#get(frame);
      case "ACKNOWLEDGE":
        await this.#upload?.acknowledge();
        this.#upload = undefined;
        return;
      default:
        return;
    }
    if (this.#upload?.end !== undefined) this.#uploadEnded();
  }

  async #put(frame: FrameOf<"PUT">): Promise<void> {
    const upload = new Upload(this.#session, this.#channel, frame);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#upload = upload;
    this.#uploadEnded = resolve;
    this.#uploadRun = this.#session.run(frame.id, async (signal) => {
      const onAbort = () => {
        upload.fail(signal.reason).then(() => {
          if (upload.end !== undefined) resolve();
        });
      };
      signal.addEventListener("abort", onAbort, { once: true });
      await promise;
      this.#logUpload(frame, upload);
    });
    await upload.open();
    if (upload.end !== undefined) resolve();
  }

  async #get(frame: FrameOf<"GET">): Promise<void> {
    this.#upload = undefined;
    const { id, body } = frame;
    await this.#session.run(id, async (signal) => {
      try {
        const size = await sendFile(
          this.#session,
          this.#channel,
          frame,
          signal,
        );
        log.info("Sent {path} to {user} at {peer}: {size} bytes", {
          ...this.#who(frame),
          size,
        });
      } catch (error) {
        if (error instanceof NetworkError) throw error;
        const told = wireError(error);
        this.#logRefusal("GET", frame, told, error);
        await this.#channel.send({
          type: "ERROR",
          id,
          body: { ...errorBody(told), path: body.path },
        });
      }
    });
  }

  #logUpload(frame: FrameOf<"PUT">, { end }: Upload): void {
    if (end === undefined) return;
    if ("outcome" in end) {
      const { path, ...rest } = end.outcome;
      log.info("Received {path} from {user} at {peer}: {size} bytes", {
        ...this.#who(frame),
        path,
        ...rest,
      });
    } else {
      this.#logRefusal("PUT", frame, end.error, end.cause);
    }
  }

  #logRefusal(
    request: "GET" | "PUT",
    frame: MessageFrame<"GET"> | MessageFrame<"PUT">,
    { code, message }: ReturnType<typeof wireError>,
    error: unknown,
  ): void {
    const lost = error instanceof NetworkError;
    const bug = code === "internal" && !lost;
    log[bug ? "error" : "info"](
      "Ended {request} of {path} from {peer}: {code}: {reason}",
      {
        request,
        ...this.#who(frame),
        code: lost ? "connection-lost" : code,
        reason: lost ? error.message : message,
        ...(bug ? { error } : {}),
      },
    );
  }

  #who(frame: MessageFrame<"GET"> | MessageFrame<"PUT">): {
    readonly path: string;
    readonly user: string;
    readonly peer: string;
  } {
    return {
      path: frame.body.path,
      user: this.#session.user,
      peer: formatAddress(this.#channel.remote),
    };
  }
}
