import { assertEquals, assertStringIncludes } from "@std/assert";
import { Crowd } from "../../lib/server/crowd.ts";
import { SERVER_LIMITS } from "../../lib/server/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { HELLO, startServer } from "../helpers/test_server.ts";

function crowd(limits: Partial<typeof SERVER_LIMITS>): Crowd {
  return new Crowd({ ...SERVER_LIMITS, ...limits });
}

Deno.test("Crowd counts each address for itself, and IPv6 by its network", () => {
  const counted = crowd({ addressPendingCountMax: 2 });
  const places = ["10.0.0.1", "10.0.0.1", "10.0.0.1"]
    .map((hostname) => counted.enter(hostname));
  assertStringIncludes(counted.refusal(places[2]!) ?? "", "your address");
  assertEquals(counted.refusal(counted.enter("10.0.0.2")), undefined);
  const networks = ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::1"]
    .map((hostname) => counted.enter(hostname));
  assertStringIncludes(counted.refusal(networks[2]!) ?? "", "your address");
  assertEquals(
    counted.refusal(counted.enter("2001:db8:0:1::1")),
    undefined,
  );
  // One that has logged in waits no more.
  places[0]!.settle();
  assertEquals(counted.refusal(places[2]!), undefined);
});

Deno.test("Crowd bounds the connections of an address, and of all", () => {
  const counted = crowd({
    addressConnectionCountMax: 2,
    connectionCountMax: 4,
  });
  const enter = (hostname: string) => {
    const place = counted.enter(hostname);
    place.settle();
    return place;
  };
  const places = ["a", "a", "a"].map(enter);
  assertStringIncludes(counted.refusal(places[2]!) ?? "", "your address");
  places[2]!.leave();
  places[2]!.leave();
  const others = ["b", "c"].map(enter);
  assertEquals(counted.refusal(others[1]!), undefined);
  assertStringIncludes(counted.refusal(enter("d")) ?? "", "the server has");
});

Deno.test("Crowd: those who are refused keep nobody out, and few are told why at once", () => {
  const counted = crowd({ connectionCountMax: 1 });
  const served = counted.enter("a");
  const told = Array.from({ length: 200 }, () => {
    const place = counted.enter("b");
    assertEquals(counted.refusal(place) === undefined, false);
    return { place, isTold: counted.refuse(place) };
  });
  assertEquals(told.filter(({ isTold }) => isTold).length, 128);
  assertEquals(counted.refusal(served), undefined);
  for (const { place } of told) place.leave();
  const place = counted.enter("b");
  assertEquals(counted.refuse(place), true);
});

Deno.test("FerryServer tells an address that it has as many connections as it may", async () => {
  await using server = await startServer({
    limits: { addressConnectionCountMax: 1, checkInterval: 1e9 },
  });
  const first = await server.logIn();
  const second = await server.dial();
  await second.send("HELLO", HELLO);
  assertEquals(await second.farewell(), "limit");
  first.control.close();
  await settle();
  await server.assertServes();
});
