import { assertEquals } from "@std/assert";
import { LockOut } from "../../lib/accounts/mod.ts";
import { addressPrefix } from "../../lib/accounts/lock_out.ts";
import { FakeClock } from "../helpers/fake_clock.ts";

Deno.test("LockOut lets some failures pass, then makes wait longer and longer", async () => {
  const clock = new FakeClock();
  const lockOut = new LockOut(clock);
  const delays: number[] = [];
  for (let count = 0; count < 20; count++) {
    delays.push(lockOut.fail("192.0.2.1", "alice"));
    await clock.advance(lockOut.wait("192.0.2.1", "alice"));
    assertEquals(lockOut.wait("192.0.2.1", "alice"), 0);
  }
  assertEquals(delays.slice(0, 8), [0, 0, 0, 0, 0, 1000, 2000, 4000]);
  assertEquals(delays.slice(-2), [900_000, 900_000]);
});

Deno.test("LockOut concerns one user at one address", () => {
  const lockOut = new LockOut(new FakeClock());
  for (let count = 0; count < 10; count++) lockOut.fail("192.0.2.1", "alice");
  assertEquals(lockOut.wait("192.0.2.1", "alice"), 16_000);
  assertEquals(lockOut.wait("192.0.2.1", "bob"), 0);
  assertEquals(lockOut.wait("192.0.2.2", "alice"), 0);
  lockOut.succeed("192.0.2.1", "alice");
  assertEquals(lockOut.wait("192.0.2.1", "alice"), 0);
  assertEquals(lockOut.size, 0);
});

Deno.test("LockOut forgets after an hour without a failure", async () => {
  const clock = new FakeClock();
  const lockOut = new LockOut(clock);
  for (let count = 0; count < 6; count++) lockOut.fail("::1", "alice");
  await clock.advance(3_600_001);
  assertEquals(lockOut.fail("::1", "alice"), 0);
});

Deno.test("LockOut remembers so many, and those longest who failed most", () => {
  const lockOut = new LockOut(new FakeClock(), { countMax: 100 });
  for (let count = 0; count < 8; count++) lockOut.fail("192.0.2.1", "alice");
  for (let count = 0; count < 1000; count++) {
    lockOut.fail("192.0.2.1", `user-${count}`);
  }
  assertEquals(lockOut.size, 100);
  assertEquals(lockOut.wait("192.0.2.1", "alice"), 4000);
});

Deno.test("addressPrefix() is what one subscriber has", () => {
  const cases = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:0db8::1", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
  ] as const;
  for (const [address, prefix] of cases) {
    assertEquals(addressPrefix(address), prefix, address);
  }
});
