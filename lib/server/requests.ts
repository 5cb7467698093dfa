/**
 * The requests of the control connection: what right each needs and what it
 * does. One row a request.
 *
 * @module
 */

import {
  CHUNK_SIZE,
  type Message,
  type MessageBody,
  type MessageFrame,
  type MessageType,
  type Right,
} from "../protocol/mod.ts";
import type { DigestAlgorithm, SafePath } from "../storage/mod.ts";
import { RefusalError } from "./errors.ts";
import { DIAL_PORT_MIN } from "./limits.ts";
import { type PageCredit, sendListing } from "./listing.ts";
import type { Session } from "./session.ts";

/** What a request has at hand. */
export interface RequestContext {
  /** Who asks. */
  readonly session: Session;
  /** Credit for the pages of a listing. */
  readonly credit: PageCredit;
  /** Aborted when the client cancels or is gone. */
  readonly signal: AbortSignal;
  /** Sends a frame of this exchange. */
  readonly send: (frame: Answer) => Promise<void>;
}

/** A frame without its exchange id. */
export type Answer = {
  readonly [T in MessageType]: {
    readonly type: T;
    readonly body: MessageBody<T>;
  };
}[MessageType];

/** One request. */
interface RequestSpec<T extends MessageType> {
  /** What the user must be allowed to do; `undefined`: nothing. */
  readonly right: Right | undefined;
  /** Whether a change is worth a line in the log. */
  readonly change: boolean;
  /** Does it and gives the last answer. */
  run(body: MessageBody<T>, context: RequestContext): Promise<Answer>;
}

function row<T extends MessageType>(
  _type: T,
  spec: RequestSpec<T>,
): RequestSpec<T> {
  return spec;
}

async function sumUp(
  { session, signal }: RequestContext,
  path: SafePath,
  algorithm: DigestAlgorithm,
): Promise<Uint8Array> {
  session.require("read");
  using source = await session.storage.openSource(path, algorithm);
  const buffer = new Uint8Array(CHUNK_SIZE);
  const { size } = source.fingerprint;
  for (let index = 0; index * CHUNK_SIZE < size; index++) {
    signal.throwIfAborted();
    await source.readChunk(index, buffer);
  }
  return Uint8Array.fromHex((await source.digest()).value);
}

/** The requests by their frame type. */
export const REQUESTS = {
  GRANT: row("GRANT", {
    right: undefined,
    change: false,
    run(_body, { session }) {
      const token = session.grantToken();
      return Promise.resolve({ type: "GRANTED", body: { token } });
    },
  }),
  LIST: row("LIST", {
    right: "list",
    change: false,
    async run(body, { session, credit, send, signal }) {
      await sendListing(
        session.storage,
        body,
        credit,
        (page) => send({ type: "PAGE", body: page }),
        signal,
      );
      return { type: "DONE", body: {} };
    },
  }),
  STAT: row("STAT", {
    right: "list",
    change: false,
    async run({ path, algorithm }, context) {
      const { storage } = context.session;
      const located = await storage.locate(path, "entry");
      const { kind, size, modified, mode, addressable } = await storage.stat(
        located,
      );
      const entry = { path, kind, size, modified, mode, addressable };
      if (algorithm === undefined) return { type: "ENTRY", body: entry };
      const readable = await storage.locate(path, "read");
      const digest = await sumUp(context, readable, algorithm);
      return { type: "ENTRY", body: { ...entry, algorithm, digest } };
    },
  }),
  MAKE_DIRECTORY: row("MAKE_DIRECTORY", {
    right: "write",
    change: true,
    async run({ path, parents }, { session }) {
      const { storage } = session;
      const located = await storage.locate(path, "make");
      await storage.makeDirectory(located, { parents, durability: "full" });
      return { type: "DONE", body: { path } };
    },
  }),
  REMOVE: row("REMOVE", {
    right: "delete",
    change: true,
    async run({ path, recursive }, { session, signal }) {
      const { storage } = session;
      const located = await storage.locate(path, "entry");
      const count = await storage.remove(located, { recursive, signal });
      return { type: "DONE", body: { path, count } };
    },
  }),
  RENAME: row("RENAME", {
    right: "rename",
    change: true,
    async run({ from, to, onConflict }, { session }) {
      const { storage } = session;
      const source = await storage.locate(from, "entry");
      const target = await storage.locate(to, "entry");
      const { path, publication } = await storage.rename(
        source,
        target,
        onConflict,
      );
      return { type: "DONE", body: { path, publication } };
    },
  }),
  SET_ATTRIBUTES: row("SET_ATTRIBUTES", {
    right: "write",
    change: true,
    async run({ path, modified, mode }, { session }) {
      const { storage } = session;
      const located = await storage.locate(path, "read");
      await storage.setAttributes(located, { modified, mode });
      return { type: "DONE", body: { path } };
    },
  }),
  DIAL: row("DIAL", {
    right: undefined,
    change: false,
    async run({ port, token }, { session, signal }) {
      const { dial } = session.context;
      if (dial === undefined) {
        throw new RefusalError(
          "denied",
          "the server does not dial back (its --allow-active allows it)",
        );
      }
      if (session.control.certificate !== undefined) {
        throw new RefusalError(
          "denied",
          "the server dials back without TLS only, and this session is inside TLS",
        );
      }
      if (port < DIAL_PORT_MIN) {
        throw new RefusalError(
          "denied",
          `the server dials no port below ${DIAL_PORT_MIN}`,
        );
      }
      await dial(session, { port, token }, signal);
      return { type: "DONE", body: {} };
    },
  }),
  SPACE: row("SPACE", {
    right: undefined,
    change: false,
    async run(_body, { session }) {
      const bytes = await session.storage.freeSpace();
      return { type: "SPACE_LEFT", body: { bytes } };
    },
  }),
} as const;

/** A request of the control connection. */
export type RequestType = keyof typeof REQUESTS;

/** Whether a frame is a request of {@linkcode REQUESTS}. */
export function isRequest(
  frame: Message,
): frame is MessageFrame<RequestType> & Message {
  return frame.type in REQUESTS;
}

/**
 * Runs a request.
 *
 * @returns Its last answer.
 */
export async function runRequest(
  frame: MessageFrame<RequestType> & Message,
  context: RequestContext,
): Promise<Answer> {
  const spec = REQUESTS[frame.type] as RequestSpec<MessageType>;
  context.session.require(spec.right);
  return await spec.run(frame.body, context);
}
