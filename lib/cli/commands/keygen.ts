/**
 * `ferry keygen`, which needs no server.
 *
 * @module
 */

import {
  AccountsError,
  formatPublicKey,
  generateKeyPair,
  keyFingerprint,
  SecretFile,
} from "../../accounts/mod.ts";
import { accounts as text } from "../account_messages.ts";
import { JSON_OUTPUT } from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import type { Environment } from "../environment.ts";
import { jsonLine } from "../escape.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { Reporter } from "../reporter.ts";

/** Bytes of a key file, at the most. */
const KEY_SIZE_MAX = 16_384;

/** Makes a key and writes both halves; one that is there stays as it is. */
export async function runKeygen(
  line: CommandLine,
  { reporter, environment }: {
    readonly reporter: Reporter;
    readonly environment: Environment;
  },
): Promise<ExitCode> {
  const [path = ""] = line.operands;
  const { pair, pem } = generateKeyPair(environment.random);
  const key = formatPublicKey({ bytes: pair.publicKey, comment: "" });
  const fingerprint = keyFingerprint(pair.publicKey);
  const file = (path: string) =>
    new SecretFile({ ...environment, path, sizeMax: KEY_SIZE_MAX });
  const publicFile = `${path}.pub`;
  let hasPublic = false;
  try {
    await file(publicFile).write(`${key}\n`, { isNew: true, mode: 0o644 });
    hasPublic = true;
    await file(path).write(pem, { isNew: true });
  } catch (error) {
    if (hasPublic) await environment.disk.removeFile(publicFile);
    if (!(error instanceof AccountsError)) throw error;
    await reporter.failure({
      code: "io",
      side: "local",
      path,
      message: text.failed(
        "make the key",
        error.place?.file ?? path,
        error.problem,
      ),
    }, error);
    return EXIT.failed;
  }
  await environment.stdout.write(
    line.value(JSON_OUTPUT)
      ? jsonLine({ event: "key", path, publicKey: key, fingerprint })
      : text.keyMade(path, { line: key, fingerprint }),
  );
  return EXIT.done;
}
