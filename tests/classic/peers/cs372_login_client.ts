/** A minimal cs372-login client, written from the description of the protocol alone. */

import { type Clock, sleep } from "../../../lib/platform/mod.ts";
import type { Network, NetworkAddress } from "../../../lib/transport/mod.ts";
import { recv, send } from "./recv.ts";

/** What to ask for, and how. */
export interface LoginCall {
  readonly network: Network;
  readonly clock: Clock;
  readonly server: NetworkAddress;
  readonly user: string;
  readonly password: string;
  /** Milliseconds between user and password; `"none"` sends both in one go. @default {1000} */
  readonly pause?: number | "none";
  /** The whole request. */
  readonly request: string | Uint8Array<ArrayBuffer>;
  /** Where to listen. */
  readonly dataPort: number;
  /** Milliseconds between `Command recognized` and listening. */
  readonly listenDelay?: number;
}

/** What one run of the client has seen. */
export interface LoginRun {
  /** What came on the control connection, one `recv` each. */
  readonly answers: readonly string[];
  /** What came on the data connection, one `recv` each, without the end mark. */
  readonly pieces: readonly string[];
  /** Whether the end mark came alone. */
  readonly isMarked: boolean;
}

/** One run. */
export async function callLogin(call: LoginCall): Promise<LoginRun> {
  const { clock, dataPort, network, password, request, server, user } = call;
  const { listenDelay = 0, pause = 1000 } = call;
  const answers: string[] = [];
  const none = { answers, pieces: [], isMarked: false };
  const control = await network.dial(server);
  try {
    if (pause === "none") await send(control, user + password);
    else {
      await send(control, user);
      await sleep(clock, pause);
      await send(control, password);
    }
    answers.push(await recv(control));
    if (answers[0] !== "Match") return none;
    await send(control, request);
    answers.push(await recv(control));
    if (answers[1] !== "Command recognized") return none;
    await sleep(clock, listenDelay);
    const listener = network.listen({ hostname: "127.0.0.1", port: dataPort });
    const data = (await listener.accept())!;
    listener.close();
    try {
      if (String(request).startsWith("-g")) {
        answers.push(await recv(control));
        if (answers[2] !== "FILE CORRECT") return none;
      }
      const pieces: string[] = [];
      for (;;) {
        const piece = await recv(data);
        // What shares a recv with the mark is lost, as in the original.
        if (piece.includes("endOfInput") || piece === "") {
          return { answers, pieces, isMarked: piece === "endOfInput" };
        }
        pieces.push(piece);
      }
    } finally {
      data.close();
    }
  } finally {
    control.close();
  }
}
