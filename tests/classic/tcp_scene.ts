/** Doors on real sockets, over a real folder, with real clients and peers. */

import { assert, assertEquals } from "@std/assert";
import { CLASSIC } from "../../lib/classic/mod.ts";
import type {
  ClassicClient,
  ClassicDoorOptions,
  ClassicName,
} from "../../lib/classic/types.ts";
import { serve } from "../../lib/server/mod.ts";
import { type NetworkAddress, tcpNetwork } from "../../lib/transport/mod.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { Socket } from "./peers/socket.ts";

/** A server with the doors under test. */
export interface TcpScene extends AsyncDisposable {
  /** The served folder. */
  readonly root: string;
  /** A folder for local files. */
  readonly local: string;
  /** Where a door listens. */
  address(name: ClassicName): NetworkAddress;
  /** A socket to a door. */
  dial(name: ClassicName): Promise<Socket>;
  /** Ferry's client, to a door or to anything that stands before it. */
  client(name: ClassicName, address?: NetworkAddress): Promise<ClassicClient>;
  /** Everything in the served folder, staging included. */
  names(): Promise<string[]>;
}

/** Serves a folder behind some doors. */
export async function openTcp(
  names: readonly ClassicName[],
  options: ClassicDoorOptions = {},
): Promise<TcpScene> {
  const folder = await tempDir();
  const [root, local] = [`${folder.path}/root`, `${folder.path}/local`];
  await Deno.mkdir(root);
  await Deno.mkdir(local);
  const any = { hostname: "127.0.0.1", port: 0 };
  const server = await serve({
    root,
    listen: [any],
    doors: names.map((name) => ({
      protocol: CLASSIC.get(name)!.door(options),
      address: any,
    })),
  });
  const address = (name: ClassicName) => {
    const door = server.doors.find(({ protocol }) => protocol === name);
    assert(door !== undefined);
    return door.address;
  };
  return {
    root,
    local,
    address,
    dial: async (name) => new Socket(await tcpNetwork.dial(address(name))),
    client: (name, at = address(name)) =>
      CLASSIC.get(name)!.connect({ ...at, timeout: 10_000 }),
    async names() {
      const found: string[] = [];
      for await (const { name } of Deno.readDir(root)) {
        if (name !== ".ferry") found.push(name);
        else {
          for await (const staged of Deno.readDir(`${root}/.ferry`)) {
            found.push(`.ferry/${staged.name}`);
          }
        }
      }
      return found.sort();
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown({ drain: 0 });
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Compares large arrays; `assertEquals` takes seconds for them. */
export function assertSameBytes(one: Uint8Array, other: Uint8Array): void {
  assertEquals(one.length, other.length);
  assert(one.every((byte, at) => byte === other[at]), "the bytes differ");
}
