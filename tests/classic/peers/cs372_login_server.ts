/** A minimal cs372-login server, written from the description of the protocol alone. */

import { type Clock, sleep } from "../../../lib/platform/mod.ts";
import type {
  Connection,
  Listener,
  Network,
} from "../../../lib/transport/mod.ts";
import { recv, send } from "./recv.ts";

/** Bytes of one send of the original. */
const BLOCK = 1023;

/** How the server behaves. */
export interface LoginBehaviour {
  readonly files?: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Sends blocks of 1023 bytes, the last one filled up with NUL. */
  readonly pads?: boolean;
  /** Does this on the data connection instead of sending a reply with its mark. */
  readonly onData?: (data: Connection, control: Connection) => Promise<void>;
  /** Milliseconds between the sends of a listing. @default {1000} */
  readonly spacing?: number;
  /** Leaves the data connection open for so long after the mark. */
  readonly lingers?: number;
  /** Answers about the file before it dials. */
  readonly answersEarly?: boolean;
  /** What it says to the log-in. @default what is right */
  readonly loginAnswer?: string;
  /** Told how long the client paused before the password. */
  readonly onPause?: (milliseconds: number) => void;
  /** What it says to the request. */
  readonly requestAnswer?: string;
}

/** Serves one client; says what it has heard, one `recv` each. */
export async function serveLogin(
  listener: Listener,
  ports: { readonly network: Network; readonly clock: Clock },
  behaviour: LoginBehaviour = {},
): Promise<readonly string[]> {
  const { clock, network } = ports;
  const control = (await listener.accept())!;
  const heard: string[] = [];
  const hear = async () => {
    heard.push(await recv(control));
    return heard.at(-1)!;
  };
  try {
    const user = await hear();
    const began = clock.monotonic();
    const isRight = await hear() === "secret" && user === "alice";
    behaviour.onPause?.(clock.monotonic() - began);
    const login = behaviour.loginAnswer ?? (isRight ? "Match" : "No match");
    await send(control, login);
    if (login !== "Match") return heard;
    const [command, ...words] = (await hear()).split(" ");
    if (command === "") return heard;
    await send(control, behaviour.requestAnswer ?? "Command recognized");
    if (behaviour.requestAnswer !== undefined) return heard;
    const port = Number(words.at(-1));
    const file = behaviour.files?.[words[0]!];
    const answer = file === undefined
      ? "NO FILE WITH THAT NAME"
      : "FILE CORRECT";
    if (behaviour.answersEarly) await send(control, answer);
    await sleep(clock, 1000);
    const data = await network.dial({ hostname: "127.0.0.1", port });
    try {
      if (command === "-g" && !behaviour.answersEarly) {
        await send(control, answer);
      }
      if (behaviour.onData !== undefined) {
        await behaviour.onData(data, control);
      } else if (command === "-l") {
        await sendNames(data, clock, behaviour);
      } else if (file !== undefined) {
        await sendFile(data, clock, file, behaviour);
      }
      await sleep(clock, behaviour.lingers ?? 0);
    } finally {
      data.close();
    }
    return heard;
  } finally {
    control.close();
  }
}

async function sendNames(
  data: Connection,
  clock: Clock,
  { files = {}, spacing = 1000 }: LoginBehaviour,
): Promise<void> {
  for (const name of [".", "..", ...Object.keys(files), "endOfInput"]) {
    await send(data, name);
    await sleep(clock, spacing);
  }
}

async function sendFile(
  data: Connection,
  clock: Clock,
  file: Uint8Array<ArrayBuffer>,
  { pads = false }: LoginBehaviour,
): Promise<void> {
  if (pads) {
    for (let at = 0; at <= file.length; at += BLOCK) {
      const block = new Uint8Array(BLOCK);
      block.set(file.subarray(at, at + BLOCK));
      await send(data, block);
    }
  } else await send(data, file);
  await sleep(clock, 2000);
  await send(data, "endOfInput");
}
