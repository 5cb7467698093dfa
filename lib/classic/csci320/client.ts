/**
 * The client's side of csci320.
 *
 * @module
 */

import { FerryError, type PutSource } from "../../client/mod.ts";
import { NetworkError } from "../../transport/mod.ts";
import { Guest, openUploadSource, UPLOADED, wireName } from "../guest.ts";
import { BaseClient, type Operation } from "../operation.ts";
import { MalformedError } from "../reading.ts";
import type {
  ClassicClient,
  ClassicReceipt,
  ClassicTransferOptions,
} from "../types.ts";
import { CSCI320 } from "./door.ts";
import { CSCI320_MACHINE, type Csci320MessageType } from "./machine.ts";
import { encodeHeader, NAME_SIZE_MAX, readAnswer } from "./messages.ts";

/** What the original client says to every other answer. */
const BAD_RESPONSE = "Bad server response - was not go ahead!";

const UPLOAD_WARNING =
  "csci320 has no answer after the last byte: the file was sent, and whether the server stored it is not known.";

const OPEN_WARNING =
  "The server has not closed the connection after the last byte.";

/** A client; every operation has a connection of its own. */
export class Csci320Client extends BaseClient implements ClassicClient {
  /** Sends a file. */
  async put(
    from: PutSource,
    path: string,
    options: ClassicTransferOptions = {},
  ): Promise<ClassicReceipt> {
    const name = wireName(CSCI320, path, NAME_SIZE_MAX);
    const { signal } = options;
    return await this.operations.run(path, signal, async (operation) => {
      using source = await openUploadSource(CSCI320, this.parts, from);
      const { size } = source.fingerprint;
      const guest = new Guest<Csci320MessageType>(
        operation,
        this.parts,
        CSCI320_MACHINE,
      );
      await guest.send("HEADER", encodeHeader({ size, name }));
      await awaitGoAhead(guest);
      if (!await guest.sendFile(source, options)) {
        throw new MalformedError(
          "the server spoke where it has nothing to say",
        );
      }
      const isClosed = await this.#finish(operation);
      return {
        ...UPLOADED,
        path,
        local: typeof from === "string" ? from : undefined,
        size,
        wireBytes: operation.moved,
        acknowledged: false,
        warnings: isClosed ? [UPLOAD_WARNING] : [UPLOAD_WARNING, OPEN_WARNING],
      };
    });
  }

  /** Ends this side, and sees whether the server ends its own; a reset is an error. */
  async #finish({ control }: Operation): Promise<boolean> {
    await control.end();
    const news = await control.some(this.parts.timeout);
    if (news === "bytes") {
      throw new MalformedError("the server spoke where it has nothing to say");
    }
    return news === "end";
  }
}

async function awaitGoAhead(guest: Guest<Csci320MessageType>): Promise<void> {
  let answer: Csci320MessageType;
  try {
    answer = await guest.receive(
      "the answer",
      readAnswer,
      (message): Csci320MessageType => message,
    );
  } catch (cause) {
    if (!(cause instanceof NetworkError) || cause.kind !== "closed") {
      throw cause;
    }
    throw new FerryError("connection-lost", BAD_RESPONSE, { cause });
  }
  if (answer !== "GO_AHEAD") throw new FerryError("protocol", BAD_RESPONSE);
}
