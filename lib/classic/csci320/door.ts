/**
 * The server's side of csci320.
 *
 * @module
 */

import type { DoorProtocol } from "../../server/mod.ts";
import { makeDoor } from "../door_session.ts";
import { Host, isOver, type Upload } from "../host.ts";
import type { ClassicDoorOptions } from "../types.ts";
import { CLOSE_WAIT } from "../waits.ts";
import { CSCI320_MACHINE, type Csci320MessageType } from "./machine.ts";
import { GO_AHEAD, type Header, readHeader, REFUSAL } from "./messages.ts";

/** The name of the protocol. */
export const CSCI320 = "csci320";

/** What the original appends to each name. */
const SUFFIX = ".temp";

/** What the log calls the one thing that a client can ask for. */
const REQUEST = "UPLOAD";

/** Makes the door. */
export function csci320Door(options: ClassicDoorOptions = {}): DoorProtocol {
  return makeDoor(CSCI320, false, async (connection, visit) => {
    using host = await Host.admit<Csci320MessageType>(
      CSCI320_MACHINE,
      connection,
      visit,
    );
    const header = await host.receive("the header", readHeader, () => "HEADER");
    visit.arrived();
    await visit.whileBusy(() => serveUpload(host, header, options));
  });
}

/** Serves the one upload of a connection. */
async function serveUpload(
  host: Host<Csci320MessageType>,
  { name, size }: Header,
  { suffix = SUFFIX, onConflict = "fail", durability = "full" }:
    ClassicDoorOptions,
): Promise<void> {
  let opened: Upload;
  try {
    const path = await host.locateUpload(name, suffix);
    opened = await host.openUpload({ path, size, onConflict, durability });
  } catch (error) {
    if (isOver(error)) throw error;
    host.session.refused(REQUEST, error, name);
    await host.send("REFUSAL", REFUSAL);
    return await host.finish();
  }
  await using upload = opened;
  await host.session.receiving({ request: REQUEST, name }, async () => {
    await host.send("GO_AHEAD", GO_AHEAD);
    // The client closes when it has sent everything. If it sends more instead,
    // that may be the rest of a name that was cut on its way: then what came is
    // not the file.
    await upload.receive(CLOSE_WAIT);
    return await upload.publish();
  });
  await host.finish();
}
