import { assertEquals } from "@std/assert";
import { roffText } from "../../tools/docs/roff.ts";
import { GENERATED } from "../../tools/docs.ts";

for (const [path, make] of Object.entries(GENERATED)) {
  Deno.test(`${path} is what "deno task docs" writes`, async () => {
    const url = new URL(`../../${path}`, import.meta.url);
    assertEquals(await Deno.readTextFile(url), make());
  });
}

Deno.test("roffText() leaves nothing for troff to understand", () => {
  const rows = [
    [".SH x\n.so /etc/passwd", "\\&.SH x\n\\&.so /etc/passwd"],
    ["'br", "\\(aqbr"],
    ["a\\fBb", "a\\efBb"],
    ["--on-conflict ~/x ^", "\\-\\-on\\-conflict \\(ti/x \\(ha"],
  ] as const;
  for (const [text, roff] of rows) assertEquals(roffText(text), roff);
});

/** Runs groff over a page; `undefined` where there is no groff. */
async function groff(page: string): Promise<string | undefined> {
  const args = ["-ww", "-man", "-Tutf8", "-z"];
  try {
    const child = new Deno.Command("groff", {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(page));
    await writer.close();
    const { stderr } = await child.output();
    return new TextDecoder().decode(stderr);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const hasGroff = await groff("") !== undefined;

Deno.test({
  name: hasGroff
    ? "groff -ww has nothing to say of the manual pages"
    : "groff -ww has nothing to say of the manual pages (skipped: there is no groff here)",
  ignore: !hasGroff,
  async fn() {
    for (const [path, make] of Object.entries(GENERATED)) {
      if (path.startsWith("docs/man/")) {
        assertEquals(await groff(make()), "", path);
      }
    }
  },
});
