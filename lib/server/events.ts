/**
 * What happens in a server that somebody may want to know of. Each event is
 * told in one place: it becomes one structured line of the log, and is handed
 * to whoever observes the server.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Publication } from "../storage/mod.ts";

/** Who an event is about. */
export interface EventOrigin {
  /** The protocol, such as `ferry`. */
  readonly protocol: string;
  /** Address and port of the peer. */
  readonly peer: string;
  /** Counts the connections of this server. */
  readonly connection: number;
}

/** Who an event is about, as far as a log-in tells. */
export interface EventUser {
  /** Who it is. */
  readonly user: string;
  /** Names the session, where the protocol has any. */
  readonly session?: string;
}

/** Something that a user asked for. */
export interface EventRequest extends EventUser {
  /** What was asked for: the name of a frame or of a classic command. */
  readonly request: string;
  /** Tells the requests of a session apart, where the protocol numbers them. */
  readonly id?: number;
}

/** Why something was refused or went wrong. */
export interface EventRefusal {
  /** A code of the protocol, `connection-lost` or `internal`. */
  readonly code: string;
  /** A phrase for people. */
  readonly reason: string;
  /** What it was, where it was a fault of the server. */
  readonly error?: unknown;
}

/** A connection was accepted or dialled. */
export interface ConnectedEvent {
  /** Which event it is. */
  readonly type: "connected";
}

/** A connection has ended. */
export interface DisconnectedEvent {
  /** Which event it is. */
  readonly type: "disconnected";
}

/** A connection was ended by the server before its time. */
export interface ClosingEvent extends EventRefusal {
  /** Which event it is. */
  readonly type: "closing";
}

/** Somebody has logged in, or was let in without. */
export interface LogInEvent extends EventUser {
  /** Which event it is. */
  readonly type: "log-in";
  /** How. */
  readonly method: string;
}

/** A session has ended. */
export interface LogOutEvent extends EventUser {
  /** Which event it is. */
  readonly type: "log-out";
  /** How long it was, in milliseconds. */
  readonly duration: number;
}

/** Somebody was not let in. */
export interface LogInRefusedEvent extends EventRefusal {
  /** Which event it is. */
  readonly type: "log-in-refused";
  /** Who it was said to be, where that was said. */
  readonly user?: string | undefined;
}

/** Somebody has failed to log in too often, and must wait before the next try counts. */
export interface LockedOutEvent {
  /** Which event it is. */
  readonly type: "locked-out";
  /** Who it was said to be. */
  readonly user?: string | undefined;
  /** How long, in milliseconds. */
  readonly wait: number;
}

/** Somebody changed something. */
export interface ChangeEvent extends EventRequest {
  /** Which event it is. */
  readonly type: "change";
  /** What was asked for in full. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A request was refused, or failed on the way. */
export interface RefusalEvent extends EventRequest, EventRefusal {
  /** Which event it is. */
  readonly type: "refusal";
  /** What it was about, where it was about a path. */
  readonly path?: string | undefined;
}

/** A file, or a part of one, was sent, and the client has said that it arrived. */
export interface SentEvent extends EventRequest {
  /** Which event it is. */
  readonly type: "sent";
  /** Its path. */
  readonly path: string;
  /** Its size in bytes. */
  readonly size: number;
  /** Bytes of it that were sent: fewer where the rest was there, or came over another connection. */
  readonly bytes: number;
  /** How long it took, in milliseconds. */
  readonly duration: number;
}

/** A file was received. */
export interface ReceivedEvent extends EventRequest {
  /** Which event it is. */
  readonly type: "received";
  /** The path that it has. */
  readonly path: string;
  /** How it got that. */
  readonly publication: Publication;
  /** Its size in bytes. */
  readonly size: number;
  /** Bytes of it that were there from an earlier try. */
  readonly resumedFrom: number;
  /** Whether data and name had reached stable storage. */
  readonly durable: boolean;
  /** How long it took, in milliseconds; unknown for a small file among many. */
  readonly duration?: number;
}

/** Something that happened. */
export type ServerEvent =
  | ConnectedEvent
  | DisconnectedEvent
  | ClosingEvent
  | LogInEvent
  | LogOutEvent
  | LogInRefusedEvent
  | LockedOutEvent
  | ChangeEvent
  | RefusalEvent
  | SentEvent
  | ReceivedEvent;

/** Is told of everything that happens; must not throw. */
export type ServerObserver = (event: ServerEvent, origin: EventOrigin) => void;

const audit = getLogger(["ferry", "audit"]);
const log = getLogger(["ferry", "server"]);

/** What the line of an event says; the other fields follow it. */
const SENTENCES: Readonly<Record<ServerEvent["type"], string | undefined>> = {
  "connected": undefined,
  "disconnected": undefined,
  "closing": "Closing the connection from {peer}: {code}: {reason}",
  "log-in": "Log-in of {user} from {peer}",
  "log-out": "End of session of {user} from {peer}",
  "log-in-refused": "Refused a log-in from {peer}: {code}: {reason}",
  "locked-out": "Locked out {user} from {peer} for {wait} ms",
  "change": "{request} by {user} from {peer}",
  "refusal": "Ended {request} by {user} from {peer}: {code}: {reason}",
  "sent": "Sent {path} to {user} at {peer}: {bytes} of {size} bytes",
  "received": "Received {path} from {user} at {peer}: {size} bytes",
};

/** Writes the line of an event, if it has one. */
export function logEvent(event: ServerEvent, origin: EventOrigin): void {
  const sentence = SENTENCES[event.type];
  if (sentence === undefined) return;
  const { type, ...rest } = event;
  const { details, duration, ...fields } = rest as
    & typeof rest
    & { readonly details?: ChangeEvent["details"] }
    & { readonly duration?: number };
  const line = {
    event: type,
    ...details,
    ...fields,
    ...duration === undefined ? {} : { duration: roughly(duration) },
    ...origin,
  };
  if ("error" in event && event.error !== undefined) {
    log.error(sentence, line);
  } else if (type === "closing") {
    log[event.code === LOST ? "debug" : "warn"](sentence, line);
  } else audit.info(sentence, line);
}

/** To a tenth of a millisecond: what a log shows of it that means something. */
function roughly(duration: number): number {
  return Math.round(duration * 10) / 10;
}

/** The code of what ended because the connection did. */
export const LOST = "connection-lost";
