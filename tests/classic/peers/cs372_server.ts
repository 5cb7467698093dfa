/** A minimal cs372 server, written from the description of the protocol alone. */

import { type Clock, sleep } from "../../../lib/platform/mod.ts";
import type {
  Connection,
  Listener,
  Network,
} from "../../../lib/transport/mod.ts";
import { recv, send } from "./recv.ts";

/** How the server behaves. */
export interface Cs372Behaviour {
  readonly files?: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Fills replies up with NUL to 199 999 bytes, and cuts files at their first NUL. */
  readonly pads?: boolean;
  /** What it says instead of the n-th `OK`; `null` closes. */
  readonly answers?: readonly (string | null | undefined)[];
  /** Milliseconds before it dials. */
  readonly dialDelay?: number;
  /** Closes the control connection instead of dialling. */
  readonly neverDials?: boolean;
  /** Does this on the data connection instead of sending a reply. */
  readonly onData?: (data: Connection, control: Connection) => Promise<void>;
}

/** Serves one client; says which messages it has sent. */
export async function serveCs372(
  listener: Listener,
  { network, clock }: { readonly network: Network; readonly clock: Clock },
  behaviour: Cs372Behaviour = {},
): Promise<readonly string[]> {
  const control = (await listener.accept())!;
  const heard: string[] = [];
  try {
    const { answers = [] } = behaviour;
    for (let step = 0; step < (heard[0] === "-g" ? 4 : 3); step++) {
      heard.push(await recv(control));
      if (heard.at(-1) === "" || answers[step] === null) return heard;
      await send(control, answers[step] ?? "OK");
    }
    await sleep(clock, behaviour.dialDelay ?? 0);
    if (behaviour.neverDials) return heard;
    const data = await network.dial({
      hostname: heard[2]!,
      port: Number(heard[1]),
    });
    try {
      if (behaviour.onData !== undefined) {
        await behaviour.onData(data, control);
      } else await send(data, reply(heard, behaviour));
    } finally {
      data.close();
    }
    return heard;
  } finally {
    control.close();
  }
}

function reply(
  heard: readonly string[],
  { files = {}, pads = false }: Cs372Behaviour,
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const content = heard[0] === "-l"
    ? encoder.encode([".", "..", ...Object.keys(files), ""].join("\n"))
    : files[heard[3]!];
  if (content === undefined) return encoder.encode("File not found.");
  if (!pads) return content;
  const padded = new Uint8Array(199_999);
  const end = content.indexOf(0);
  padded.set(end < 0 ? content : content.subarray(0, end));
  return padded;
}
