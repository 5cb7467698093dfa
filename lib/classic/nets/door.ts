/**
 * The server's side of nets.
 *
 * @module
 */

import type { DoorProtocol } from "../../server/mod.ts";
import { type SafePath, type Source, StorageError } from "../../storage/mod.ts";
import { makeDoor } from "../door_session.ts";
import { Host, isOver, type Upload } from "../host.ts";
import { openServed } from "../sending.ts";
import type { ClassicDoorOptions } from "../types.ts";
import {
  NETS_MACHINE,
  type NetsMessageType,
  type NetsTurn,
} from "./machine.ts";
import { encodeNets, type NetsMessage, netsReader } from "./messages.ts";

/** The name of the protocol. */
export const NETS = "nets";

/** The names that are being uploaded, by where they are. */
type InUse = Set<string>;

/** Makes the door. */
export function netsDoor(options: ClassicDoorOptions = {}): DoorProtocol {
  const inUse: InUse = new Set();
  return makeDoor(NETS, false, async (connection, visit) => {
    using host = await Host.admit<NetsMessageType>(
      NETS_MACHINE,
      connection,
      visit,
    );
    await new Operation(host, inUse, options).run();
  });
}

/** The one operation of a connection. */
class Operation {
  readonly #host: Host<NetsMessageType>;
  readonly #inUse: InUse;
  readonly #options: ClassicDoorOptions;

  constructor(
    host: Host<NetsMessageType>,
    inUse: InUse,
    options: ClassicDoorOptions,
  ) {
    this.#host = host;
    this.#inUse = inUse;
    this.#options = options;
  }

  async run(): Promise<void> {
    const request = await this.#receive("the request", "start");
    const { visit } = this.#host;
    visit.arrived();
    if (!("name" in request)) return;
    const { type, name } = request;
    await visit.whileBusy(() =>
      type === "DOWNLOAD" ? this.#download(name) : this.#upload(name)
    );
  }

  async #receive(what: string, turn: NetsTurn): Promise<NetsMessage> {
    return await this.#host.receive(
      what,
      netsReader(turn),
      ({ type }) => type,
    );
  }

  async #send(message: NetsMessage): Promise<void> {
    await this.#host.send(message.type, encodeNets(message));
  }

  /** Answers with a refusal, unless there is nobody to hear it. */
  async #refuse(
    message: NetsMessage,
    error: unknown,
    asked: { readonly request: string; readonly name: Uint8Array },
  ): Promise<void> {
    if (isOver(error)) throw error;
    this.#host.session.refused(asked.request, error, asked.name);
    await this.#send(message);
    await this.#host.finish();
  }

  async #download(name: Uint8Array): Promise<void> {
    const host = this.#host;
    const asked = { request: "DOWNLOAD", name };
    let file: { readonly path: string; readonly source: Source };
    try {
      host.assertOpen();
      file = await openServed(host.grant, name);
    } catch (error) {
      const isMissing = error instanceof StorageError &&
        error.kind === "not-found";
      const type = isMissing ? "MISSING" : "DOWNLOAD_ERROR";
      return await this.#refuse({ type }, error, asked);
    }
    using source = file.source;
    const { path } = file;
    const { size } = source.fingerprint;
    await host.session.sending({ ...asked, path, size }, async () => {
      await this.#send({ type: "OFFER", size });
      const { type } = await this.#receive("the choice", "download offered");
      if (type === "NO_SPACE") {
        throw new StorageError("no-space", "the client has not enough space");
      }
      await host.sendFile(source);
    });
    await host.finish();
  }

  async #upload(name: Uint8Array): Promise<void> {
    let claim: Disposable & { readonly path: SafePath };
    try {
      claim = await this.#claim(name);
    } catch (error) {
      const isTaken = error instanceof StorageError &&
        ["exists", "busy"].includes(error.kind);
      const type = isTaken ? "IN_USE" : "UPLOAD_ERROR";
      return await this.#refuse({ type }, error, { request: "UPLOAD", name });
    }
    using claimed = claim;
    await this.#receiveFile(claimed.path, name);
  }

  /** An upload never replaces anything, and no name is uploaded twice at once. */
  async #claim(
    name: Uint8Array,
  ): Promise<Disposable & { readonly path: SafePath }> {
    const path = await this.#host.locateUpload(name);
    const { absolute } = path;
    if (this.#inUse.has(absolute)) {
      throw new StorageError("busy", "it is being uploaded already");
    }
    this.#inUse.add(absolute);
    const release = () => this.#inUse.delete(absolute);
    try {
      await this.#host.grant.storage.stat(path);
    } catch (error) {
      if (error instanceof StorageError && error.kind === "not-found") {
        return { path, [Symbol.dispose]: release };
      }
      release();
      throw error;
    }
    release();
    throw new StorageError("exists", "it exists already");
  }

  async #receiveFile(path: SafePath, name: Uint8Array): Promise<void> {
    const host = this.#host;
    const asked = { request: "UPLOAD", name };
    await this.#send({ type: "ACCEPT" });
    const message = await this.#receive("the size", "upload accepted");
    if (!("size" in message)) return;
    const { size } = message;
    let opened: Upload;
    try {
      const { durability = "full" } = this.#options;
      const onConflict = "fail";
      opened = await host.openUpload({ path, size, onConflict, durability });
    } catch (error) {
      return await this.#refuse({ type: "TOO_BIG" }, error, asked);
    }
    await using upload = opened;
    await host.session.receiving(asked, async () => {
      await this.#send({ type: "SEND" });
      await upload.receive();
      return await upload.publish();
    });
    await host.finish();
  }
}
