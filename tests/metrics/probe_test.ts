import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  answerProbe,
  type Probed,
  serveMetrics,
} from "../../lib/metrics/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

const PROBED: Probed = {
  text: () => Promise.resolve("up 1\n"),
  isReady: () => true,
};

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };

Deno.test("the metrics port answers numbers, health and readiness, and nothing else", async () => {
  const draining = { ...PROBED, isReady: () => false };
  const rows = [
    ["GET", "/metrics", PROBED, 200],
    ["HEAD", "/metrics", PROBED, 200],
    ["GET", "/healthz", draining, 200],
    ["GET", "/readyz", PROBED, 200],
    ["GET", "/readyz", draining, 503],
    ["GET", "/", PROBED, 404],
    ["GET", "/metrics/", PROBED, 404],
    ["GET", "/../etc/passwd", PROBED, 404],
    ["POST", "/metrics", PROBED, 405],
    ["DELETE", "/healthz", PROBED, 405],
  ] as const;
  for (const [method, path, probed, status] of rows) {
    const answer = await answerProbe(method, path, probed);
    assertEquals(answer.status, status, `${method} ${path}`);
    if (path === "/metrics" && status === 200) {
      assertStringIncludes(answer.contentType, "version=0.0.4");
      assertEquals(answer.body, "up 1\n");
    }
  }
});

Deno.test("serveMetrics() speaks HTTP, and an address in use is a NetworkError", async () => {
  await using port = serveMetrics(LOOPBACK, PROBED);
  const base = `http://127.0.0.1:${port.address.port}`;
  const response = await fetch(`${base}/metrics`);
  assertStringIncludes(response.headers.get("content-type") ?? "", "0.0.4");
  assertEquals(await response.text(), "up 1\n");
  const missing = await fetch(`${base}/x?y=z`);
  assertEquals(missing.status, 404);
  assertStringIncludes(await missing.text(), "/metrics");
  let kind: unknown;
  try {
    serveMetrics(port.address, PROBED);
  } catch (error) {
    kind = (error as { kind?: unknown }).kind;
  }
  assertEquals(kind, "in-use");
});

Deno.test("the metrics port survives what is no HTTP", async () => {
  const iterations = Number(Deno.env.get("FERRY_FUZZ_ITERATIONS") ?? 200);
  const random = new SeededRandom(91);
  await using port = serveMetrics(LOOPBACK, PROBED);
  for (let round = 0; round < Math.min(iterations, 5000); round++) {
    using conn = await Deno.connect(port.address);
    const bytes = random.bytes(1 + round % 300);
    const head = round % 3 === 0 ? "GET /metrics HTTP/1.1\r\n" : "";
    await conn.write(new TextEncoder().encode(head)).catch(() => 0);
    await conn.write(bytes).catch(() => 0);
    if (round % 2 === 0) await conn.closeWrite().catch(() => {});
  }
  const response = await fetch(`http://127.0.0.1:${port.address.port}/healthz`);
  assertEquals([response.status, await response.text()], [200, "ok\n"]);
});

Deno.test("the metrics port answers any request that is HTTP, and only its own paths with 200", async () => {
  const iterations = Number(Deno.env.get("FERRY_FUZZ_ITERATIONS") ?? 2000) * 10;
  const random = new SeededRandom(92);
  const methods = ["GET", "HEAD", "POST", "get", "OPTIONS", "PROPFIND"];
  const paths = ["/metrics", "/healthz", "/readyz"];
  for (let count = 0; count < iterations; count++) {
    const method = random.pick(methods);
    const noise = new TextDecoder("latin1").decode(random.bytes(6));
    const own = random.pick(paths);
    const path = random.pick([own, `${own}${noise}`, noise, `/${noise}${own}`]);
    const { status } = await answerProbe(method, path, PROBED);
    const isRead = method === "GET" || method === "HEAD";
    const expected = !isRead ? 405 : paths.includes(path) ? 200 : 404;
    assertEquals(status, expected, JSON.stringify([method, path]));
  }
});
