import { assertEquals, assertMatch } from "@std/assert";
import { runClient, runServer } from "../../lib/cli/mod.ts";
import { makeWorld } from "./world.ts";

const H = "127.0.0.1";

/** What `sync` says that is not told which way. */
const SYNC_DIRECTION =
  'Say which way: "ferry sync --from-server HOST REMOTE LOCAL" makes LOCAL like REMOTE, "ferry sync --to-server HOST LOCAL REMOTE" makes REMOTE like LOCAL';

/** Wrong command lines of `ferry`, and the one line that each gets. */
const CLIENT_CASES: ReadonlyArray<readonly [string[], string]> = [
  [[], 'A command is missing; "ferry --help" lists them'],
  [["--json=1", "info", H], 'Option "--json" takes no value'],
  [["lst", H], 'Unknown command "lst": did you mean "ls"?'],
  [["renam", H, "a", "b"], 'Unknown command "renam": did you mean "rename"?'],
  [
    ["lst"],
    'Unknown command "lst": did you mean "ls"? (a host of that name: ferry shell "lst")',
  ],
  [["shell"], 'HOST is missing for "shell"; see "ferry shell --help"'],
  [
    ["shell", H, "a"],
    'Unexpected "a" for "shell"; see "ferry shell --help"',
  ],
  [
    ["shell", H, "--script", "none"],
    'Cannot read the script "none": not found',
  ],
  [
    ["\x1b[2J", H],
    'Unknown command "\\u{1b}[2J"; "ferry --help" lists the commands',
  ],
  [["help", "gett"], 'Unknown command "gett": did you mean "get"?'],
  [["help", "get", "put"], 'Unexpected "put" for "ferry"; see "ferry --help"'],
  [
    ["--frobnicate"],
    'Unknown option "--frobnicate" for "ferry"; see "ferry --help"',
  ],
  [
    ["rm", "--recursiv", H, "a"],
    'Unknown option "--recursiv" for "rm": did you mean "--recursive"?',
  ],
  [
    ["ls", "--rec", H],
    'Unknown option "--rec" for "ls": did you mean "--recursive"?',
  ],
  [
    ["ls", "--no-resume", H, "a"],
    'Unknown option "--no-resume" for "ls": it belongs to "get", "put" and "sync"',
  ],
  [
    ["stat", "-r", H, "a"],
    'Unknown option "-r" for "stat": it belongs to "get", "put", "rm" and "clean"',
  ],
  [
    ["put", H, "-d.txt"],
    'Unknown option "-." for "put"; if "-d.txt" is a name, write "./-d.txt" or put "--" before it',
  ],
  [
    ["rm", H, "--2026.log"],
    'Unknown option "--2026.log" for "rm"; if "--2026.log" is a name, put "--" before it',
  ],
  [
    ["clean", "a", "b"],
    'Unexpected "b" for "clean"; see "ferry clean --help"',
  ],
  [
    ["put", "--streams=0", H, "a"],
    'Option "--streams" cannot be "0": give a whole number from 1 to 64, or "auto"',
  ],
  [
    ["put", "--retries", "always", H, "a"],
    'Option "--retries" cannot be "always": give a whole number from 0 to 1000000, or "forever"',
  ],
  [
    ["get", "--active-port", "80", H, "a"],
    'Option "--active-port" cannot be "80": give a whole number from 1024 to 65535',
  ],
  [
    ["get", "--limit-rate", "10MB", H, "a"],
    'Option "--limit-rate" cannot be "10MB": give bytes a second, at least 1K, such as 500K, 10M or 1.5G (in steps of 1024)',
  ],
  [
    ["get", "--limit-rate=1000", H, "a"],
    'Option "--limit-rate" cannot be "1000": give bytes a second, at least 1K, such as 500K, 10M or 1.5G (in steps of 1024)',
  ],
  [
    ["get", "--active", "tls://localhost", "a"],
    'Option "--active" works with plain TCP only, and "tls://localhost" means TLS; leave it out, or write tcp://HOST',
  ],
  [
    ["get", "--active-port", "5000", "example.com", "a"],
    'Option "--active" works with plain TCP only, and "example.com" means TLS; leave it out, or write tcp://HOST',
  ],
  [
    ["ls", "--accept-new", H],
    `Option "--accept-new" is about TLS, and "${H}" means plain TCP; write tls://HOST`,
  ],
  [
    ["ls", "--ca", "ca.pem", "tcp://example.com"],
    'Option "--ca" is about TLS, and "tcp://example.com" means plain TCP; write tls://HOST',
  ],
  [
    ["ls", "--fingerprint", "SHA256:short", "example.com"],
    'Option "--fingerprint" cannot be "SHA256:short": give SHA256: and 43 letters, as "ferryd identity" shows it',
  ],
  [
    ["ls", "-u", "me", H],
    'A log-in as "me" needs --identity FILE, --password-file FILE or FERRY_PASSWORD: nobody is there to be asked',
  ],
  [
    ["stat", "--sort", "name", H, "a"],
    'Unknown option "--sort" for "stat": it belongs to "ls"',
  ],
  [["ls", "-lx", H], 'Unknown option "-x" for "ls"; see "ferry ls --help"'],
  [["ls", "-5", H], 'Unknown option "-5" for "ls"; see "ferry ls --help"'],
  [
    ["ls", "---long", H],
    'Unknown option "---long" for "ls": did you mean "--long"?',
  ],
  [
    ["ls", "--__proto__=1", H],
    'Unknown option "--__proto__" for "ls"; see "ferry ls --help"',
  ],
  [["ls"], 'HOST is missing for "ls"; see "ferry ls --help"'],
  [["get", H], 'REMOTE is missing for "get"; see "ferry get --help"'],
  [["mv", H, "a"], 'NEW is missing for "mv"; see "ferry mv --help"'],
  [["mv", H, "a", "b", "c"], 'Unexpected "c" for "mv"; see "ferry mv --help"'],
  [["stat", H, "a", "b"], 'Unexpected "b" for "stat"; see "ferry stat --help"'],
  [["get", H, "a", "-o"], 'Option "-o" needs a value: LOCAL'],
  [
    ["get", H, "a", "--output="],
    'Option "--output" needs a value that is not empty',
  ],
  [
    ["get", H, "a", "-o", "--json"],
    'Option "-o" needs a value: LOCAL (if that is the value, write "--output=--json")',
  ],
  [
    ["put", H, "a", "--on-conflict", "replace"],
    'Option "--on-conflict" cannot be "replace": choose "fail", "overwrite", "rename" or "skip"',
  ],
  [
    ["get", H, "a", "--digest", "none"],
    'Option "--digest" has no "none": every file is always verified, and "auto" costs next to nothing',
  ],
  [
    ["get", H, "a", "--digest", "crc32-chunks"],
    'Option "--digest" calls crc32-chunks "auto" here',
  ],
  [
    ["stat", H, "a", "--digest", "md5"],
    'Option "--digest" cannot be "md5": choose "crc32-chunks" or "sha256"',
  ],
  [
    ["ls", H, "--timeout", "soon"],
    'Option "--timeout" cannot be "soon": give seconds from 0.1 to 86400, such as 30 or 2.5',
  ],
  [
    ["ls", H, "--timeout", "1e3"],
    'Option "--timeout" cannot be "1e3": give seconds from 0.1 to 86400, such as 30 or 2.5',
  ],
  [
    ["ls", H, "--timeout=0"],
    'Option "--timeout" cannot be "0": give seconds from 0.1 to 86400, such as 30 or 2.5',
  ],
  [
    ["ls", H, "--timeout", "-5"],
    'Option "--timeout" needs a value: SECONDS (if that is the value, write "--timeout=-5")',
  ],
  [
    ["ls", H, "-q", "--json"],
    'Options "--quiet" and "--json" contradict each other',
  ],
  [
    ["get", H, "a", "-q", "--progress", "always"],
    'Options "--quiet" and "--progress always" contradict each other',
  ],
  [
    ["ls", "ftp://localhost"],
    'Cannot use "ftp://localhost": Ferry does not speak "ftp", write tls://HOST, or tcp://HOST for plain TCP',
  ],
  [
    ["ls", "localhost:70000"],
    'Cannot use "localhost:70000": "70000" is no port, which is a number up to 65535',
  ],
  [
    ["ls", "localhost:0"],
    'Cannot use "localhost:0": "0" is no port, which is a number up to 65535',
  ],
  [
    ["ls", "localhost:"],
    'Cannot use "localhost:": "" is no port, which is a number up to 65535',
  ],
  [
    ["ls", "me@localhost"],
    'A log-in as "me" needs --identity FILE, --password-file FILE or FERRY_PASSWORD: nobody is there to be asked',
  ],
  [
    ["ls", "tcp://me:secret@localhost"],
    'A password does not belong on the command line, where other users of this machine can read it: write "tcp://localhost" with --user, and give the password by --password-file, by FERRY_PASSWORD or when asked',
  ],
  [
    ["ls", "-u", "you", "me@localhost"],
    'HOST says the user is "me", --user says "you"; leave one out',
  ],
  [
    ["ls", "--identity", "k", H],
    'Option "--identity" needs "--user NAME"',
  ],
  [
    ["ls", "--password-file", "p", H],
    'Option "--password-file" needs "--user NAME"',
  ],
  [
    ["ls", "-u", "me", "--password-file", "p", "--identity", "k", H],
    'Options "--identity" and "--password-file" contradict each other',
  ],
  [
    ["ls", "-u", "me", "--identity", "k", H],
    'Cannot use --identity "k": not found',
  ],
  [
    ["ls", "me@"],
    'Cannot use "" as a host: write NAME, NAME:PORT, 192.0.2.1:PORT or [2001:db8::1]:PORT',
  ],
  [
    ["ls", "::1:65430"],
    'Cannot use "::1:65430" as a host: write NAME, NAME:PORT, 192.0.2.1:PORT or [2001:db8::1]:PORT',
  ],
  [
    ["ls", "[::g]"],
    'Cannot use "[::g]" as a host: write NAME, NAME:PORT, 192.0.2.1:PORT or [2001:db8::1]:PORT',
  ],
  [
    ["ls", "tcp://localhost/docs"],
    'Cannot use "tcp://localhost/docs" as a host: write NAME, NAME:PORT, 192.0.2.1:PORT or [2001:db8::1]:PORT',
  ],
  [
    ["ls", ""],
    'Cannot use "" as a host: write NAME, NAME:PORT, 192.0.2.1:PORT or [2001:db8::1]:PORT',
  ],
  [["get", H, "../x"], 'Cannot use "../x": the name has a ".." segment'],
  [["get", H, "a//b"], 'Cannot use "a//b": the name has an empty segment'],
  [["stat", H, "a\\b"], 'Cannot use "a\\\\b": the name has a backslash'],
  [["rm", H, "c:x"], 'Cannot use "c:x": the name begins with a drive letter'],
  [
    ["rm", "-r", H, "/"],
    'Cannot remove "/": it means the top of the server\'s tree',
  ],
  [
    ["mkdir", H, "a/.ferry"],
    'Cannot use "a/.ferry": the name has the reserved segment ".ferry"',
  ],
  [
    ["get", H, "a/x", "b/x"],
    'Cannot take both "a/x" and "b/x": both would be "x"',
  ],
  [
    ["put", H, "a/x", "x", "-o", "d"],
    'Cannot take both "a/x" and "x": both would be "x"',
  ],
  [["put", H, ".."], 'Cannot put "..": it has no name of its own'],
  [["put", "-r", H, ".."], 'Cannot put "..": it has no name of its own'],
  [["put", H, "."], 'Cannot put ".": it has no name of its own'],
  [
    ["put", "-r", H, "-", "-o", "d"],
    'Cannot put "-" (stdin) with -r; a directory of that name is "./-"',
  ],
  [
    ["get", "-r", H, "d", "-o", "-"],
    'Cannot get directories with "-o -": one stream cannot hold several files',
  ],
  [
    ["get", "-r", H, "a/x", "b/x"],
    'Cannot take both "a/x" and "b/x": both would be "x"',
  ],
  [["get", H, "d", "--dry-run"], 'Option "--dry-run" needs "-r"'],
  [["get", H, "d", "--exclude", "x"], 'Option "--exclude" needs "-r"'],
  [["put", "-pn", H, "d"], 'Option "--preserve" needs "-r"'],
  [["put", H, "d", "--links=skip"], 'Option "--links" needs "-r"'],
  [
    ["put", "-r", H, "d", "--links", "copy"],
    'Option "--links" cannot be "copy": choose "skip" or "follow"',
  ],
  [
    ["get", "-r", H, "d", "--include", "[a"],
    'Option "--include" cannot be "[a": the pattern has a [ without its ]',
  ],
  [
    ["get", "-r", H, "d", "--exclude=/"],
    'Option "--exclude" cannot be "/": the pattern matches nothing',
  ],
  [
    ["sync", H, "a"],
    'DESTINATION is missing for "sync"; see "ferry sync --help"',
  ],
  [
    ["sync", H, "a", "b", "c", "--to-server"],
    'Unexpected "c" for "sync"; see "ferry sync --help"',
  ],
  [["sync", H, "a", "b"], SYNC_DIRECTION],
  [["sync", "--from-server", "--to-server", H, "a", "b"], SYNC_DIRECTION],
  [["sync", "--from-server", H, "a", ""], "LOCAL cannot be empty"],
  [["sync", "--to-server", H, "", "b"], "LOCAL cannot be empty"],
  [
    ["sync", "--to-server", H, "a", "../b"],
    'Cannot use "../b": the name has a ".." segment',
  ],
  [
    ["sync", "--to-server", "--yes", H, "a", "b"],
    'Option "--yes" needs "--delete"',
  ],
  [
    ["sync", "--to-server", "--delete", H, "a", "b"],
    'Option "--delete" asks before it deletes, and nobody is there to be asked: add --yes, or see what it would do with --dry-run',
  ],
  [
    ["sync", "--to-server", "--on-conflict", "skip", H, "a", "b"],
    'Unknown option "--on-conflict" for "sync": it belongs to "get", "put" and "mv"',
  ],
  [
    ["sync", "-r", "--to-server", H, "a", "b"],
    'Unknown option "-r" for "sync": it belongs to "get", "put", "rm" and "clean"',
  ],
  [
    ["put", H, "a\\b"],
    'Cannot put "a\\\\b" under its own name: the name has a backslash; choose a name with -o',
  ],
  [
    ["put", H, "-"],
    'Cannot put "-" (stdin) without a name: add -o REMOTE, which is not a directory',
  ],
  [
    ["put", H, "-", "-o", "d/"],
    'Cannot put "-" (stdin) without a name: add -o REMOTE, which is not a directory',
  ],
  [
    ["put", H, "-", "b", "-o", "d"],
    'Cannot put "-" (stdin) together with other files; a file of that name is "./-"',
  ],
];

/** Wrong command lines of `ferryd`. */
const SERVER_CASES: ReadonlyArray<readonly [string[], string]> = [
  [["a", "b"], 'Unexpected "b" for "ferryd"; see "ferryd --help"'],
  [
    ["check", "a", "b"],
    'Unexpected "b" for "check"; see "ferryd check --help"',
  ],
  [
    ["--user", "x"],
    'Unknown option "--user" for "ferryd": did you mean "--users"?',
  ],
  [["user"], 'ACTION is missing for "user"; see "ferryd user --help"'],
  [
    ["user", "foo"],
    'Unknown "foo" for "user": choose "add", "passwd", "key", "list" or "rm"',
  ],
  [
    ["user", "toString", "--users", "u"],
    'Unknown "toString" for "user": choose "add", "passwd", "key", "list" or "rm"',
  ],
  [
    ["user", "list"],
    'Option "--users FILE" is missing: it says which file to use',
  ],
  [["user", "add", "--users", "u"], 'NAME is missing for "user add"'],
  [
    ["user", "key", "a", "--users", "u"],
    'KEYFILE is missing for "user key": the .pub file of the key',
  ],
  [
    ["user", "add", "a", "secret", "--users", "u"],
    'Unexpected "secret" for "user add"',
  ],
  [
    ["user", "rm", "a", "--root", "x", "--users", "u"],
    'Option "--root" means nothing for "user rm"',
  ],
  [
    ["user", "add", "a", "--rights", "list,fly", "--users", "u"],
    'Option "--rights" cannot be "list,fly": give some of list,read,write,rename,delete',
  ],
  [
    ["user", "add", "a", "--users", "u"],
    'A password for "a" needs --password-file FILE or FERRY_PASSWORD: nobody is there to be asked',
  ],
  [
    ["user", "add", "a", "--key", "k", "--users", "u"],
    'Cannot use the key "k": not found',
  ],
  [
    ["--classic", "x"],
    'There is no classic protocol "x": choose "cs372", "cs372-login", "coen366", "csci320", "nets"',
  ],
  [["-Z", "x"], 'Unknown option "-Z" for "ferryd"; see "ferryd --help"'],
  [
    ["--read-onyl"],
    'Unknown option "--read-onyl" for "ferryd": did you mean "--read-only"?',
  ],
  [
    ["-l", "8080"],
    'Cannot listen on "8080": say where, as 127.0.0.1:PORT for this machine only or 0.0.0.0:PORT for every network',
  ],
  [
    ["-l", ":8080"],
    'Cannot listen on ":8080": say where, as 127.0.0.1:PORT for this machine only or 0.0.0.0:PORT for every network',
  ],
  [
    ["-l", "tls://8080"],
    'Cannot listen on "tls://8080": say where, as 127.0.0.1:PORT for this machine only or 0.0.0.0:PORT for every network',
  ],
  [
    ["-l", "127.0.0.1:0", "-l", "tcp://0.0.0.0:0"],
    "Cannot listen on tcp://0.0.0.0:0: it is reachable beyond this machine and unencrypted, which needs --allow-plain (or tls:// instead)",
  ],
  [
    ["-l", "tcp://[::]:0"],
    "Cannot listen on tcp://[::]:0: it is reachable beyond this machine and unencrypted, which needs --allow-plain (or tls:// instead)",
  ],
  [
    ["--metrics", "tls://127.0.0.1:0"],
    'Cannot use "tls://127.0.0.1:0": this is plain HTTP, write HOST:PORT',
  ],
  [
    ["--cert", "cert.pem"],
    'Options "--cert" and "--key" go together: a certificate, and the key it was made for',
  ],
  [
    ["--anonymous", "all"],
    'Option "--anonymous" cannot be "all": choose "none", "read" or "write"',
  ],
  [
    ["--limit-rate", "fast"],
    'Option "--limit-rate" cannot be "fast": give bytes a second, at least 1K, such as 500K, 10M or 1.5G (in steps of 1024)',
  ],
  [
    ["--reserve", "half"],
    'Option "--reserve" cannot be "half": give bytes, such as 500M or 1.5G (in steps of 1024)',
  ],
  [
    ["--limit-session-rate=0"],
    'Option "--limit-session-rate" cannot be "0": give bytes a second, at least 1K, such as 500K, 10M or 1.5G (in steps of 1024)',
  ],
  [
    ["--drain", "-1"],
    'Option "--drain" needs a value: SECONDS (if that is the value, write "--drain=-1")',
  ],
  [
    ["--drain=x"],
    'Option "--drain" cannot be "x": give seconds from 0 to 86400, such as 30 or 2.5',
  ],
  [
    ["--log-format", "xml"],
    'Option "--log-format" cannot be "xml": choose "text" or "json"',
  ],
];

Deno.test("runClient() answers every wrong command line with one helpful line and exit code 2", async (t) => {
  for (const [args, message] of CLIENT_CASES) {
    await t.step(JSON.stringify(args), async () => {
      const world = makeWorld();
      assertEquals(await runClient(args, world.environment), 2);
      const [event] = args.includes("--json") ? world.stdout.events() : [];
      const shown = event === undefined ? world.stderr.text : event.message;
      const line = event === undefined ? `ferry: ${message}\n` : message;
      assertEquals(shown, line);
      assertEquals(world.connects, []);
    });
  }
});

Deno.test("runServer() answers every wrong command line with one helpful line and exit code 2", async (t) => {
  for (const [args, message] of SERVER_CASES) {
    await t.step(JSON.stringify(args), async () => {
      const world = makeWorld();
      assertEquals(await runServer(args, world.environment), 2);
      assertEquals(world.stderr.text, `ferryd: ${message}\n`);
      assertEquals(world.serves, []);
    });
  }
});

Deno.test("runClient() refuses in JSON what was asked in JSON", async () => {
  const world = makeWorld();
  assertEquals(
    await runClient(["ls", "--json", "--bad"], world.environment),
    2,
  );
  assertEquals(world.stdout.events(), [{
    event: "error",
    code: "usage",
    message: 'Unknown option "--bad" for "ls"; see "ferry ls --help"',
    path: null,
    side: "local",
  }]);
  assertEquals(world.stderr.text, "");
});

Deno.test("runClient() refuses names that Windows cannot hold, on Windows only", async () => {
  for (const name of ["con", "Aux.txt", "a:b", "dot.", "what?"]) {
    const world = makeWorld({ isWindows: true });
    assertEquals(
      await runClient(["get", H, `d/${name}`], world.environment),
      2,
    );
    assertMatch(world.stderr.text, /^ferry: Cannot make a file named .*-o\n$/);
    const elsewhere = makeWorld();
    const args = ["get", H, `d/${name}`];
    assertEquals(await runClient(args, elsewhere.environment), 0);
  }
});
