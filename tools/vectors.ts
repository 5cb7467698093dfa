// deno-lint-ignore-file no-console -- a script; its messages are for people
/**
 * Writes the golden vectors of the codec, which are part of the protocol:
 * `deno run --allow-write=tests/testdata tools/vectors.ts`. To be run when the
 * protocol gains something; a change of existing bytes is another protocol.
 *
 * @module
 */
import { digestVectors } from "./vectors/digests.ts";
import { invalidVectors } from "./vectors/invalid.ts";
import { logInVectors } from "./vectors/log_in.ts";
import { nameVectors } from "./vectors/names.ts";
import { sessionVectors } from "./vectors/session.ts";
import { canonicalVectors, lenientVectors } from "./vectors/valid.ts";

/** The files, by their names in `tests/testdata/vectors/`. */
export function vectorFiles(): Record<string, unknown[]> {
  return {
    "canonical.json": canonicalVectors(),
    "lenient.json": lenientVectors(),
    "invalid.json": invalidVectors(),
    "names.json": nameVectors(),
    "digests.json": digestVectors(),
    "log_in.json": logInVectors(),
    "session.json": sessionVectors(),
  };
}

if (import.meta.main) {
  const folder = new URL("../tests/testdata/vectors/", import.meta.url);
  for (const [name, vectors] of Object.entries(vectorFiles())) {
    const text = JSON.stringify(vectors, undefined, 2) + "\n";
    Deno.writeTextFileSync(new URL(name, folder), text);
    console.log(`${name}: ${vectors.length} vectors`);
  }
}
