/**
 * The server's side of coen366.
 *
 * @module
 */

import {
  type DoorProtocol,
  RefusalError,
  requireRight,
} from "../../server/mod.ts";
import { type SafePath, type Source, StorageError } from "../../storage/mod.ts";
import { assertQuiet } from "../byte_flow.ts";
import { makeDoor } from "../door_session.ts";
import { Host, isOver, type Upload } from "../host.ts";
import { SilenceError } from "../reading.ts";
import { decodeName, openServed } from "../sending.ts";
import type { ClassicDoorOptions } from "../types.ts";
import { PROMPT_TIMEOUT } from "../waits.ts";
import { COEN366_MACHINE, type Coen366MessageType } from "./machine.ts";
import {
  COEN366_FILE_SIZE_MAX,
  type Coen366Answer,
  type Coen366Request,
  COMMANDS_TEXT,
  encodeAnswer,
  readRequest,
} from "./messages.ts";

/** The name of the protocol. */
export const COEN366 = "coen366";

/**
 * The share of a server's connections that may be at prompts, where a person may
 * say nothing for minutes: half, so that nobody can keep all others out.
 */
const PROMPT_SHARE = 0.5;

/** Makes the door. */
export function coen366Door(options: ClassicDoorOptions = {}): DoorProtocol {
  let prompts = 0;
  return makeDoor(COEN366, false, async (connection, visit) => {
    using host = await Host.admit<Coen366MessageType>(
      COEN366_MACHINE,
      connection,
      visit,
    );
    if (prompts >= visit.limits.connectionCountMax * PROMPT_SHARE) {
      throw new RefusalError("limit", "too many clients are at prompts");
    }
    prompts++;
    // A person may think about the first request, too.
    visit.arrived();
    try {
      await new Prompt(host, options).run();
    } finally {
      prompts--;
    }
  });
}

type PutRequest = Extract<Coen366Request, { readonly type: "PUT" }>;
type ChangeRequest = Extract<Coen366Request, { readonly type: "CHANGE" }>;
type RefusalType = "NOT_FOUND" | "REFUSED" | "NOT_KNOWN";

/** Serves one request after the other. */
class Prompt {
  readonly #host: Host<Coen366MessageType>;
  readonly #options: ClassicDoorOptions;

  constructor(host: Host<Coen366MessageType>, options: ClassicDoorOptions) {
    this.#host = host;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { visit, walk } = this.#host;
    while (await this.#isAsked()) {
      const request = await this.#host.receiveHead("a request", readRequest);
      walk.step("client", request.type);
      if (request.type !== "PUT") assertQuiet(this.#host.wire);
      await visit.whileBusy(() => this.#serve(request));
    }
    walk.step("client", "BYE");
  }

  /** Waits for the beginning of a request; `false` when the client leaves. */
  async #isAsked(): Promise<boolean> {
    const news = await this.#host.wire.some(PROMPT_TIMEOUT);
    if (news === "silence") {
      throw new SilenceError(`no request in ${PROMPT_TIMEOUT / 60_000} min`);
    }
    return news === "bytes";
  }

  /**
   * Serves a request.
   *
   * @throws Whatever means that nothing can follow on this connection.
   */
  async #serve(request: Coen366Request): Promise<void> {
    switch (request.type) {
      case "PUT":
        return await this.#put(request);
      case "GET":
        return await this.#get(request);
      case "CHANGE":
        return await this.#change(request);
      case "HELP":
        return await this.#send({ type: "COMMANDS", text: COMMANDS_TEXT });
      case "UNKNOWN":
        return await this.#refuse(
          request,
          "NOT_KNOWN",
          new RefusalError("unsupported", "there is no such request"),
        );
    }
  }

  async #send(answer: Coen366Answer): Promise<void> {
    await this.#host.send(answer.type, encodeAnswer(answer));
  }

  /** Answers with a refusal, unless there is nobody to hear it. */
  async #refuse(
    request: Coen366Request,
    type: RefusalType,
    error: unknown,
  ): Promise<void> {
    if (isOver(error)) throw error;
    this.#report(request, error);
    await this.#send({ type });
  }

  #report(request: Coen366Request, error: unknown): void {
    const name = "name" in request ? request.name : undefined;
    this.#host.session.refused(request.type, error, name);
  }

  async #get(
    request: Extract<Coen366Request, { readonly type: "GET" }>,
  ): Promise<void> {
    const { name } = request;
    let file: { readonly path: string; readonly source: Source };
    try {
      this.#host.assertOpen();
      file = await openServed(this.#host.grant, name);
    } catch (error) {
      return await this.#refuse(request, "NOT_FOUND", error);
    }
    using source = file.source;
    const { size } = source.fingerprint;
    if (size > COEN366_FILE_SIZE_MAX) {
      const reason = "its size has more than 32 bits";
      const error = new StorageError("too-large", reason);
      return await this.#refuse(request, "NOT_FOUND", error);
    }
    const { path } = file;
    const about = { request: request.type, name, path, size };
    await this.#host.session.sending(about, async () => {
      await this.#send({ type: "FILE", name, size });
      await this.#host.sendFile(source);
    });
  }

  async #put(request: PutRequest): Promise<void> {
    const { name, size } = request;
    let opened: Upload;
    try {
      opened = await this.#openUpload(request);
    } catch (error) {
      this.#report(request, error);
      await this.#refuseEarly(error);
      return await this.#host.dropFile(size);
    }
    await using upload = opened;
    try {
      await this.#host.session.receiving(
        { request: request.type, name },
        async () => {
          await upload.receive();
          return await upload.publish();
        },
      );
    } catch (error) {
      if (this.#host.walk.state === "put") {
        if (isOver(error)) throw error;
        return await this.#send({ type: "REFUSED" });
      }
      await this.#refuseEarly(error);
      // How much of the file is still to come cannot be told any more.
      return await this.#host.finish();
    }
    await this.#send({ type: "DONE" });
  }

  async #openUpload({ name, size }: PutRequest): Promise<Upload> {
    const { onConflict = "fail", durability = "full" } = this.#options;
    const path = await this.#host.locateUpload(name);
    return await this.#host.openUpload({ path, size, onConflict, durability });
  }

  /** Tells a refusal while the file still comes: a client that listens may spare the rest. */
  async #refuseEarly(error: unknown): Promise<void> {
    if (isOver(error)) throw error;
    const answer = encodeAnswer({ type: "REFUSED" });
    await this.#host.interrupt("REFUSED", answer);
  }

  async #change(request: ChangeRequest): Promise<void> {
    const { grant, session } = this.#host;
    const { storage } = grant;
    try {
      this.#host.assertOpen();
      requireRight(grant, "rename");
    } catch (error) {
      return await this.#refuse(request, "REFUSED", error);
    }
    let from: SafePath;
    try {
      from = await storage.locate(decodeName(request.name), "entry");
      await storage.stat(from);
    } catch (error) {
      return await this.#refuse(request, "NOT_FOUND", error);
    }
    try {
      const to = await storage.locate(decodeName(request.newName), "entry");
      const { path } = await storage.rename(from, to, "fail");
      session.changed(request.type, { from: from.path, path });
    } catch (error) {
      return await this.#refuse(request, "REFUSED", error);
    }
    await this.#send({ type: "DONE" });
  }
}
