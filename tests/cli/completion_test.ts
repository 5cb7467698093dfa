import { assertEquals } from "@std/assert";
import type { ListPage } from "../../lib/client/mod.ts";
import { complete } from "../../lib/cli/shell/completion.ts";
import { RemoteNames } from "../../lib/cli/shell/remote_names.ts";
import { SHELL_PROGRAM } from "../../lib/cli/shell/shell_commands.ts";
import { entry, settle, StillClock } from "./world.ts";

const NAMES: Record<string, string[]> = {
  "remote:": ["docs/", "data.csv", "my file.txt", ".hidden", "it's"],
  "remote:docs/": ["manual.pdf", "map.txt", "2026/"],
  "remote:my dir/": ["one two.txt"],
  "local:": ["local.txt", "lib/"],
  "local:~/": ["home.txt"],
};

function namesIn(side: string, folder: string) {
  const names = NAMES[`${side}:${folder}`] ?? [];
  return Promise.resolve(names.map((name) => ({
    name: name.replace("/", ""),
    isFolder: name.endsWith("/"),
  })));
}

/** What may be typed, and how it may go on. */
const CASES: ReadonlyArray<readonly [string, string[], string]> = [
  ["he", ["help "], "he"],
  ["m", ["mkdir ", "mv "], "m"],
  ["help ch", ["change "], "ch"],
  ["nothing ", [], ""],
  ["get ", ["data.csv ", "docs/", "it\\'s ", "my\\ file.txt "], ""],
  ["get d", ["data.csv ", "docs/"], "d"],
  ["get .h", [".hidden "], ".h"],
  ["get my", ["my\\ file.txt "], "my"],
  ["get my\\ f", ["my\\ file.txt "], "my\\ f"],
  ['get "my', ['"my file.txt" '], '"my'],
  ["get 'my f", ["'my file.txt' "], "'my f"],
  ["get 'it", [], "'it"],
  ["get docs/", ["2026/", "manual.pdf ", "map.txt "], ""],
  ["get docs/ma", ["manual.pdf ", "map.txt "], "ma"],
  ['get "my dir/o', ['one two.txt" '], "o"],
  ["get data.csv do", ["docs/"], "do"],
  ["cd d", ["docs/"], "d"],
  ["lcd l", ["lib/"], "l"],
  ["put l", ["lib/", "local.txt "], "l"],
  ["put ~/h", ["home.txt "], "h"],
  ["put local.txt -o d", ["data.csv ", "docs/"], "d"],
  ["get data.csv -o l", ["lib/", "local.txt "], "l"],
  ["get data.csv --output=l", ["lib/", "local.txt "], "l"],
  ["get -ro l", ["lib/", "local.txt "], "l"],
  ["get --on", ["--on-conflict="], "--on"],
  ["get --recu", ["--recursive "], "--recu"],
  ["get --on-conflict ", ["fail ", "overwrite ", "rename ", "skip "], ""],
  ["get --on-conflict=o", ["overwrite "], "o"],
  ["get --limit-rate ", [], ""],
  ["get -- --on", [], "--on"],
  ["sync --to-server l", ["lib/", "local.txt "], "l"],
  ["sync --to-server lib d", ["data.csv ", "docs/"], "d"],
  ["sync --from-server d", ["data.csv ", "docs/"], "d"],
  ["!cat l", ["lib/", "local.txt "], "l"],
  ["stat data.csv d", [], ""],
  ["pwd ", [], ""],
];

Deno.test("complete() knows how a line may go on", async () => {
  for (const [line, hits, typed] of CASES) {
    const found = await complete(line, SHELL_PROGRAM, namesIn);
    assertEquals(found.hits, hits, line);
    if (hits.length > 0) assertEquals(found.typed, typed, line);
    assertEquals(line.endsWith(found.typed), true, line);
    assertEquals(found.hits.every((hit) => hit.startsWith(found.typed)), true);
  }
});

/** A lister that answers when it is told to. */
class SlowLister {
  calls = 0;
  readonly #answers: PromiseWithResolvers<void>[] = [];
  isAborted = false;

  answer(): void {
    for (const { resolve } of this.#answers.splice(0)) resolve();
  }

  async *list(
    path: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<ListPage> {
    this.calls++;
    const answer = Promise.withResolvers<void>();
    this.#answers.push(answer);
    options?.signal?.addEventListener("abort", () => {
      this.isAborted = true;
      answer.reject(new Error("aborted"));
    });
    await answer.promise;
    yield { entries: [entry(`${path}/a`)], problems: [] };
  }
}

const A = [{ name: "a", isFolder: false }];

Deno.test("RemoteNames waits a moment only, and keeps what comes later", async () => {
  const clock = new StillClock();
  const lister = new SlowLister();
  const names = new RemoteNames(clock, () => lister);
  const early = names.in("d");
  await clock.advance(700);
  assertEquals(await early, []);
  lister.answer();
  await settle();
  assertEquals(await names.in("d"), A);
  assertEquals([lister.calls, clock.pending], [1, 0]);
  await clock.advance(31_000);
  const later = names.in("d");
  await settle();
  lister.answer();
  assertEquals(await later, A);
  names.forget();
  const again = names.in("d");
  await settle();
  lister.answer();
  assertEquals([await again, lister.calls], [A, 3]);
});

Deno.test("RemoteNames gives up what never comes, and asks again", async () => {
  const clock = new StillClock();
  const lister = new SlowLister();
  const names = new RemoteNames(clock, () => lister);
  const first = names.in("d");
  await clock.advance(10_000);
  assertEquals([await first, lister.isAborted], [[], true]);
  const second = names.in("d");
  await settle();
  lister.answer();
  assertEquals(await second, A);
  const third = names.in("e");
  names.close();
  assertEquals(await third, []);
  assertEquals(clock.pending, 0);
  const nobody = new RemoteNames(clock, () => undefined);
  assertEquals(await nobody.in("d"), []);
});
