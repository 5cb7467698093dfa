import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

/** What `deno info --json` says of a dependency, as far as it matters. */
interface Dependency {
  readonly code?: { readonly specifier?: string };
  readonly isDynamic?: boolean;
}

interface Graph {
  readonly roots: readonly [string];
  readonly redirects: Readonly<Record<string, string>>;
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly Dependency[];
  }[];
}

/** All that a program loads before it does anything. */
async function loadedAtOnce(program: string): Promise<ReadonlySet<string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--frozen", program],
    cwd: ROOT,
  }).output();
  const { roots, redirects, modules }: Graph = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const dependencies = new Map(
    modules.map((module) => [module.specifier, module.dependencies ?? []]),
  );
  const loaded = new Set<string>();
  const waiting: string[] = [...roots];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const specifier = redirects[next] ?? next;
    if (loaded.has(specifier)) continue;
    loaded.add(specifier);
    for (const { code, isDynamic } of dependencies.get(specifier) ?? []) {
      if (!isDynamic && code?.specifier) waiting.push(code.specifier);
    }
  }
  return loaded;
}

for (const program of ["main_client.ts", "main_server.ts"]) {
  Deno.test(`${program} reads its command line before it loads what takes time`, async () => {
    const loaded = [...await loadedAtOnce(program)];
    assertEquals(loaded.some((url) => url.endsWith("/lib/cli/help.ts")), true);
    const costly = loaded.filter((url) =>
      /^(node|npm):/.test(url) ||
      /\/lib\/(?!platform\/)\w+\/mod\.ts$/.test(url)
    );
    assertEquals(costly, []);
  });
}
