/**
 * What the doors log: one line for each log-in, refusal and transfer.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { RefusalError, wireError } from "../server/mod.ts";
import { formatAddress, type NetworkAddress } from "../transport/mod.ts";
import { MalformedError, SilenceError } from "./reading.ts";

const log = getLogger(["ferry", "classic"]);

/** Logs for one connection. */
export class DoorLog {
  readonly #protocol: string;
  readonly #peer: string;
  #user: string | undefined;

  /**
   * @param protocol The name of the protocol.
   * @param remote Where the peer is.
   */
  constructor(protocol: string, remote: NetworkAddress) {
    this.#protocol = protocol;
    this.#peer = formatAddress(remote);
  }

  /** Somebody was let in. */
  loggedIn(user: string): void {
    this.#user = user;
    log.info("Log-in of {user} from {peer} by {protocol}", this.#who);
  }

  /** Somebody was not let in; nothing that was sent is logged, it may be a password. */
  loginRefused(reason: string): void {
    log.warn("Refused a log-in from {peer} by {protocol}: {reason}", {
      ...this.#who,
      reason,
    });
  }

  /** A file was sent. */
  sent(path: string, size: number): void {
    log.info("Sent {path} to {user} at {peer} by {protocol}: {size} bytes", {
      ...this.#who,
      path,
      size,
    });
  }

  /** The folder was listed. */
  listed(count: number): void {
    log.info("Listed {count} names to {user} at {peer} by {protocol}", {
      ...this.#who,
      count,
    });
  }

  /** Something was asked for that is not given. */
  refused(request: string, error: unknown): void {
    const { code, message } = wireError(error);
    const isBug = code === "internal";
    log[isBug ? "error" : "info"](
      "Refused {request} to {user} at {peer} by {protocol}: {code}: {reason}",
      {
        ...this.#who,
        request,
        code,
        reason: message,
        ...isBug ? { error } : {},
      },
    );
  }

  get #who(): {
    readonly protocol: string;
    readonly peer: string;
    readonly user: string | undefined;
  } {
    return { protocol: this.#protocol, peer: this.#peer, user: this.#user };
  }
}

/** What a connection ends with when its peer breaks the rules. */
export function protocolError(reason: string): RefusalError {
  return new RefusalError("protocol", reason);
}

/** The error that the server logs for one of reading. */
export function doorError(error: unknown): unknown {
  if (error instanceof MalformedError) return protocolError(error.message);
  if (error instanceof SilenceError) {
    return new RefusalError("timeout", error.message);
  }
  return error;
}
