/** A minimal cs372 client, written from the description of the protocol alone. */

import { assertEquals } from "@std/assert";
import { type Clock, sleep } from "../../../lib/platform/mod.ts";
import type { Network, NetworkAddress } from "../../../lib/transport/mod.ts";
import { recv, recvAll, send } from "./recv.ts";

/** What to ask for, and how. */
export interface Cs372Call {
  readonly network: Network;
  readonly clock: Clock;
  readonly server: NetworkAddress;
  /** `-l`, `-g` or anything else. */
  readonly command: string;
  /** Only with `-g`. */
  readonly file?: string | Uint8Array<ArrayBuffer>;
  /** Where to listen. */
  readonly dataPort: number;
  /** What to say instead of it. */
  readonly saidPort?: number;
  /** What to claim as own address. */
  readonly address?: string;
  /** Milliseconds between the last `OK` and listening. */
  readonly listenDelay?: number;
}

/** One run of the client: what came over the data connection. */
export async function callCs372(call: Cs372Call): Promise<Uint8Array> {
  const { clock, command, dataPort, file, network, server } = call;
  const { address = "127.0.0.1", listenDelay = 0, saidPort = dataPort } = call;
  const control = await network.dial(server);
  try {
    const messages = [command, String(saidPort), address];
    for (const message of file === undefined ? messages : [...messages, file]) {
      await send(control, message);
      assertEquals(await recv(control), "OK");
    }
    await sleep(clock, listenDelay);
    const listener = network.listen({ hostname: "127.0.0.1", port: dataPort });
    try {
      const data = (await listener.accept())!;
      try {
        return await recvAll(data);
      } finally {
        data.close();
      }
    } finally {
      listener.close();
    }
  } finally {
    control.close();
  }
}
