/**
 * File systems of their own for a test: small ones, that fill up, and read-only
 * ones, where not even root may write.
 *
 * @module
 */

/** A mounted file system; unmounted when it is disposed of. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  /** Makes it read-only, as it is. */
  freeze(): Promise<void>;
}

async function run(program: string, args: readonly string[]): Promise<string> {
  try {
    const { success, stderr } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
    }).output();
    return success ? "" : new TextDecoder().decode(stderr).trim();
  } catch {
    return `there is no "${program}"`;
  }
}

/**
 * Mounts one.
 *
 * @param path An empty directory.
 * @param size What it holds, such as `4m`.
 * @throws {Error} where that is not possible; see {@linkcode smallDiskProblem}.
 */
export async function smallDisk(
  path: string,
  size: string,
): Promise<SmallDisk> {
  const problem = await run("mount", [
    ...["-t", "tmpfs", "-o", `size=${size},mode=0755`],
    ...["ferry-test", path],
  ]);
  if (problem !== "") throw new Error(`Cannot mount a tmpfs: ${problem}`);
  return {
    path,
    freeze: async () => {
      const problem = await run("mount", ["-o", "remount,ro", path]);
      if (problem !== "") throw new Error(`Cannot remount: ${problem}`);
    },
    [Symbol.asyncDispose]: async () => {
      // Lazy: somebody may still look at it for a moment.
      await run("umount", ["-l", path]);
    },
  };
}

let asked: Promise<string | undefined> | undefined;

/** Why there can be none on this machine; `undefined` if there can. */
export function smallDiskProblem(): Promise<string | undefined> {
  return asked ??= probe();
}

async function probe(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "only made on Linux";
  if (Deno.uid() !== 0) return "mounting needs root";
  const path = await Deno.makeTempDir({ prefix: "ferry-probe-" });
  try {
    await using _disk = await smallDisk(path, "64k");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}
