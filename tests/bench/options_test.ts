import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { helpText, parseOptions, parseSize } from "../../bench/options.ts";

const PEERS = ["ferry", "nginx", "scp"];

const SIZES: readonly (readonly [string, number])[] = [
  ["1", 1],
  ["4096", 4096],
  ["1k", 1024],
  ["10M", 10 * 1024 ** 2],
  ["200MiB", 200 * 1024 ** 2],
  ["1.5GiB", 1.5 * 1024 ** 3],
  ["2gb", 2 * 1024 ** 3],
];

Deno.test("parseSize() reads binary units", () => {
  for (const [text, size] of SIZES) assertEquals(parseSize(text), size, text);
});

Deno.test("parseSize() refuses what is no size", () => {
  for (const text of ["", "0", "-1", "1x", "GiB", "1 GiB", "1e3", "9999999T"]) {
    assertThrows(() => parseSize(text), RangeError, "as a size", text);
  }
});

Deno.test("parseOptions() has defaults for everything", () => {
  assertEquals(parseOptions([], PEERS), {
    size: 1024 ** 3,
    runs: 5,
    dir: undefined,
    only: ["get", "put"],
    peers: PEERS,
    json: false,
    help: false,
  });
});

Deno.test("parseOptions() always measures Ferry, and keeps the order", () => {
  const { peers } = parseOptions(["--peers", "scp,nginx"], PEERS);
  assertEquals(peers, PEERS);
  assertEquals(parseOptions(["--peers=scp"], PEERS).peers, ["ferry", "scp"]);
});

Deno.test("parseOptions() refuses what it does not know", () => {
  const lines: readonly (readonly [string, string])[] = [
    ["--runs=0", "--runs"],
    ["--runs=1.5", "--runs"],
    ["--only=push", "choose from get, put"],
    ["--peers=ftp", "choose from ferry, nginx, scp"],
    ["--peers=", "choose from"],
    ["--fast", "--fast"],
    ["extra", "extra"],
  ];
  for (const [line, part] of lines) {
    const error = assertThrows(() => parseOptions([line], PEERS), Error);
    assertStringIncludes(error.message, part);
  }
});

Deno.test("helpText() names every peer and every option", () => {
  const help = helpText(PEERS);
  const words = ["--size", "--runs", "--dir", "--only", "--peers", "--json"];
  for (const word of [...words, ...PEERS]) assertStringIncludes(help, word);
});
