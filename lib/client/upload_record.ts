/**
 * What an interrupted upload needs to be continued by another process: kept in
 * the user's state folder from before the first byte until the receipt.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Clock, Random } from "../platform/mod.ts";
import { TOKEN_SIZE, UPLOAD_ID_SIZE } from "../protocol/mod.ts";
import {
  type DigestAlgorithm,
  type Disk,
  makeLocalDirectory,
  readWholeFile,
  setLocalAttributes,
  StorageError,
  writeWholeFile,
} from "../storage/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";

/** Version of the format; a record of another one is of no use. */
const VERSION = 1;

/** The largest record that is read: 64 KiB, several times what two paths need. */
const RECORD_SIZE_MAX = 65_536;

/** One upload that may be interrupted. */
export interface UploadRecord {
  /** Its id. */
  readonly upload: Uint8Array;
  /** The secret that proves to be its sender. */
  readonly token: Uint8Array;
  /** What its source was when it was last read. */
  readonly identity: string;
  /** Whether all that the server holds is of that source. */
  readonly isSourceSame: boolean;
  /** Whether another process began it. */
  readonly isFound: boolean;
}

/** Which upload it is. */
export interface UploadKey {
  /** The server. */
  readonly address: NetworkAddress;
  /** Who sends: another user may not continue it. */
  readonly user: string | undefined;
  /** The remote name. */
  readonly path: string;
  /** The local file. */
  readonly local: string;
  /** How the whole is summed up: the server continues only what agrees in that. */
  readonly algorithm: DigestAlgorithm;
}

/** What records are kept with. */
export interface RecordParts {
  /** Where local files are. */
  readonly disk: Disk;
  /** Ids and secrets. */
  readonly random: Random;
  /** The time. */
  readonly clock: Clock;
  /** The folder of the records; `undefined`: none are kept. */
  readonly stateFolder: string | undefined;
}

/** The record of one upload, on the disk if there is a folder for it. */
export class UploadRecordFile {
  readonly #parts: RecordParts;
  readonly #key: UploadKey;
  readonly #file: string | undefined;
  #isKept = true;

  /**
   * @param parts What it is kept with.
   * @param key Which upload it is.
   */
  constructor(parts: RecordParts, key: UploadKey) {
    this.#parts = parts;
    this.#key = key;
    const { stateFolder } = parts;
    const { address: { hostname, port }, user, path, local, algorithm } = key;
    const names = [hostname, port, path, local, algorithm];
    const hash = createHash("sha256")
      .update(JSON.stringify(user === undefined ? names : [...names, user]))
      .digest("hex");
    this.#file = stateFolder && `${stateFolder}/${hash.slice(0, 32)}.json`;
  }

  /**
   * The record for a source as it is now: the one that is there, or a new one
   * that is on the disk when this returns.
   *
   * @param identity What the source is.
   * @param options Whether to begin anew, whatever is there, and whether it is
   * kept for another process.
   */
  async begin(
    identity: string,
    { isNew, isKept }: { readonly isNew: boolean; readonly isKept: boolean },
  ): Promise<UploadRecord> {
    const found = isNew ? undefined : await this.#load();
    if (found !== undefined) return await this.renew(found, identity);
    const record = this.#fresh(identity);
    if (isKept) await this.#save(record);
    else await this.remove();
    this.#isKept = isKept;
    return record;
  }

  /** The record for another try: the source may have changed. */
  async renew(record: UploadRecord, identity: string): Promise<UploadRecord> {
    if (record.identity === identity) return record;
    // Once mixed, it stays so: what is left of the older one is not known.
    const renewed = { ...record, identity, isSourceSame: false };
    if (!this.#isKept || await this.#save(renewed)) return renewed;
    // The old record says that all is of the old source. It must not be true of
    // this upload any more, so it is another one from now on.
    return this.#fresh(identity);
  }

  #fresh(identity: string): UploadRecord {
    const { random } = this.#parts;
    return {
      upload: random.bytes(UPLOAD_ID_SIZE),
      token: random.bytes(TOKEN_SIZE),
      identity,
      isSourceSame: true,
      isFound: false,
    };
  }

  /** Forgets the upload. */
  async remove(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#parts.disk.removeFile(this.#file).catch(forgive);
  }

  async #load(): Promise<UploadRecord | undefined> {
    if (this.#file === undefined) return undefined;
    try {
      const { disk } = this.#parts;
      const { bytes } = await readWholeFile(disk, this.#file, RECORD_SIZE_MAX);
      return parse(new TextDecoder().decode(bytes));
    } catch {
      // Missing, or not to be read: the upload begins anew.
      return undefined;
    }
  }

  /** Whether it is on the disk now, or there is no place for it. */
  async #save(record: UploadRecord): Promise<boolean> {
    const { disk, clock, stateFolder } = this.#parts;
    if (this.#file === undefined || stateFolder === undefined) return true;
    const text = JSON.stringify({
      version: VERSION,
      server: this.#key.address,
      path: this.#key.path,
      local: this.#key.local,
      upload: record.upload.toHex(),
      token: record.token.toHex(),
      identity: record.identity,
      isSourceSame: record.isSourceSame,
      saved: clock.now(),
    });
    try {
      await makeLocalDirectory(disk, stateFolder, "none");
      // The secrets in it are nobody else's business.
      await setLocalAttributes(disk, stateFolder, { mode: 0o700 });
      await writeWholeFile(this.#parts, this.#file, text);
      return true;
    } catch (error) {
      // Without the record the upload still works; it only cannot be continued
      // by another process.
      forgive(error);
      return false;
    }
  }
}

function parse(text: string): UploadRecord | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) return undefined;
  const found = value as Record<string, unknown>;
  const { version, upload, token, identity, isSourceSame } = found;
  if (
    version !== VERSION || typeof upload !== "string" ||
    typeof token !== "string" || typeof identity !== "string" ||
    typeof isSourceSame !== "boolean" ||
    upload.length !== 2 * UPLOAD_ID_SIZE || token.length !== 2 * TOKEN_SIZE
  ) return undefined;
  return {
    upload: Uint8Array.fromHex(upload),
    token: Uint8Array.fromHex(token),
    identity,
    isSourceSame,
    isFound: true,
  };
}

function forgive(error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
}
