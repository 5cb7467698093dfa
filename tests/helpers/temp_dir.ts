/** A folder of its own for a test, removed with all that is in it. */
export async function tempDir(): Promise<AsyncDisposable & { path: string }> {
  // Resolved, as the jail shows real paths and some hosts have a link here.
  const path = await Deno.realPath(
    await Deno.makeTempDir({ prefix: "ferry-test-" }),
  );
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
