import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { missingMessage, Programs } from "../../bench/peers/installed.ts";

const NOTHING_INSTALLED = () => Promise.resolve(undefined);

Deno.test("missingMessage() names the package for each system", () => {
  assertEquals(
    missingMessage(["nginx"]),
    "nginx is not installed: apt install nginx (Debian, Ubuntu), " +
      "dnf install nginx (Fedora), brew install nginx (macOS)",
  );
});

Deno.test("missingMessage() names each package once", () => {
  const message = missingMessage(["scp", "ssh", "sshd"]);
  assertMatch(message, /^scp, ssh, sshd are not installed: /);
  assertMatch(message, /apt install openssh-client openssh-server \(/);
  assertMatch(message, /dnf install openssh-clients openssh-server \(/);
});

Deno.test("missingMessage() leaves out systems that do not have it", () => {
  assertNotMatch(missingMessage(["vsftpd"]), /brew/);
  assertEquals(missingMessage(["teleport"]), "teleport is not installed");
});

Deno.test("Programs tells what is missing, and nothing else", async () => {
  const programs = new Programs(
    ["curl", "vsftpd"],
    (name) => Promise.resolve(name === "curl" ? "/usr/bin/curl" : undefined),
  );
  const availability = await programs.available();
  assertEquals(availability, {
    kind: "missing",
    message: missingMessage(["vsftpd"]),
  });
  assertEquals(programs.path("curl"), "/usr/bin/curl");
});

Deno.test("Programs is available when everything is there", async () => {
  const found = new Programs(["rsync"], (name) => Promise.resolve(`/${name}`));
  assertEquals(await found.available(), { kind: "available" });
  assertEquals(found.path("rsync"), "/rsync");
  const lost = new Programs(["rsync"], NOTHING_INSTALLED);
  assertEquals((await lost.available()).kind, "missing");
});
