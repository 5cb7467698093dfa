import { assertEquals } from "@std/assert";
import { formatAddress, isLoopback } from "../../lib/transport/mod.ts";

const HOSTNAMES: readonly (readonly [string, boolean])[] = [
  ["127.0.0.1", true],
  ["127.255.3.4", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["::FFFF:127.0.0.1", true],
  ["localhost", true],
  ["LocalHost", true],
  ["ferry.localhost", true],
  ["0.0.0.0", false],
  ["::", false],
  ["128.0.0.1", false],
  ["10.127.0.0.1", false],
  ["127.0.0.1.example.com", false],
  ["localhost.example.com", false],
  ["notlocalhost", false],
  ["127.0.0", false],
  ["", false],
];

Deno.test("isLoopback() knows addresses that stay on this machine", () => {
  for (const [hostname, expected] of HOSTNAMES) {
    assertEquals(isLoopback(hostname), expected, hostname);
  }
});

Deno.test("formatAddress() puts IPv6 in brackets", () => {
  const cases = [
    ["127.0.0.1", 1, "127.0.0.1:1"],
    ["::1", 65430, "[::1]:65430"],
    ["example.com", 22, "example.com:22"],
  ] as const;
  for (const [hostname, port, expected] of cases) {
    assertEquals(formatAddress({ hostname, port }), expected);
  }
});
