/**
 * The work of `ferryd`: what its commands do.
 *
 * @module
 */

import { getLogger, type LogLevel } from "@logtape/logtape";
import { IdentityError } from "../identity/mod.ts";
import {
  DEFAULT_ADDRESS,
  type OpenDoor,
  ServeError,
  type ServeOptions,
  type Server,
} from "../server/mod.ts";
import { StorageError } from "../storage/mod.ts";
import {
  formatAddress,
  isLoopback,
  type NetworkAddress,
  NetworkError,
} from "../transport/mod.ts";
import { CLASSIC_DOORS } from "./classic_doors.ts";
import { classic as classicText } from "./classic_messages.ts";
import type { CommandLine } from "./command_line.ts";
import type { Environment, Observation } from "./environment.ts";
import { jsonLine, quoteName } from "./escape.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { startLogging } from "./logging.ts";
import { problems, server as text, usage } from "./messages.ts";
import {
  ALLOW_ACTIVE,
  ALLOW_PLAIN,
  ANONYMOUS,
  CERT,
  CHECK,
  DRAIN,
  HOOK,
  IDENTITY,
  KEY,
  LIMIT_SESSION_RATE,
  LISTEN,
  LOG_FORMAT,
  METRICS,
  READ_ONLY,
  RESERVE,
  SERVER_DEBUG,
  SERVER_LIMIT_RATE,
  SERVER_QUIET,
  STATE,
  USER_COMMAND,
  USERS,
} from "./server_commands.ts";
import { ServerFailure } from "./server_failure.ts";
import { readSettings, type ServerSettings } from "./server_settings.ts";
import {
  type IdentityPlan,
  identityPlan,
  showIdentity,
  tellIdentity,
  warnOfEnd,
} from "./server_identity.ts";
import { reloadWhenAsked, renew } from "./server_reload.ts";
import { identity } from "./trust_messages.ts";
import { runUser } from "./user_command.ts";
import { UsageError } from "./usage_error.ts";

const log = getLogger(["ferry", "cli"]);

const STORAGE_EXIT_CODES: Readonly<Partial<Record<string, ExitCode>>> = {
  "denied": EXIT.refused,
  "not-found": EXIT.notFound,
  "not-directory": EXIT.conflict,
};

/** Does what fails where the folder cannot be served. */
async function withRoot<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const message = problems.failed({
      doing: "serve",
      subject: quoteName(root),
      phrase: error.message,
      hint: undefined,
    });
    const code = STORAGE_EXIT_CODES[error.kind] ?? EXIT.failed;
    throw new ServerFailure(message, code, { cause: error });
  }
}

/** What an error means to who started the program, where that is known. */
function told(error: unknown): unknown {
  if (error instanceof ServeError) {
    const { cause } = error;
    const isDenied = cause instanceof NetworkError && cause.kind === "denied";
    const code = isDenied ? EXIT.refused : EXIT.failed;
    return new ServerFailure(error.message, code, { cause: error });
  }
  if (error instanceof IdentityError) {
    const message = identity.failed(error.message);
    return new ServerFailure(message, EXIT.failed, { cause: error });
  }
  return error;
}

/**
 * Does what a command line asks for.
 *
 * @param line The command line.
 * @param environment The world around.
 * @throws {UsageError} if it makes no sense, {@linkcode ServerFailure} if it
 * cannot be done.
 */
export async function runCommand(
  line: CommandLine,
  environment: Environment,
): Promise<ExitCode> {
  try {
    return await run(line, environment);
  } catch (error) {
    throw told(error);
  }
}

async function run(
  line: CommandLine,
  environment: Environment,
): Promise<ExitCode> {
  if (line.command === USER_COMMAND) return await runUser(line, environment);
  const settings = await readSettings(line, environment);
  if (line.command === IDENTITY) {
    return await showIdentity(settings, environment);
  }
  const serving = await planServing(settings, environment);
  return await withRoot(
    settings.root,
    () =>
      line.command === CHECK
        ? check(serving, environment)
        : serveUntilAsked(line, serving, environment),
  );
}

/** What a server is to do, ready to start or to go on with. */
interface Serving {
  readonly settings: ServerSettings;
  readonly options: ServeOptions & { readonly root: string };
  readonly plan: IdentityPlan;
}

/**
 * Looks whether settings make sense together.
 *
 * @param settings The settings.
 * @param environment The world around.
 * @param before What the server does already.
 */
async function planServing(
  settings: ServerSettings,
  environment: Environment,
  before?: Serving,
): Promise<Serving> {
  const isSame = [CERT, KEY].every((option) =>
    before?.settings.value(option) === settings.value(option)
  );
  // An identity that is not kept is the same from start to end.
  const plan = before !== undefined && isSame
    ? before.plan
    : identityPlan(settings, environment);
  const plain = {
    ...serveOptions(settings),
    ...await doorOptions(settings),
    ...await hookOptions(settings, environment),
  };
  const isSecure = plain.listen?.some(({ scheme }) => scheme === "tls");
  const options = isSecure
    ? { ...plain, identity: async () => (await plan.find()).identity }
    : plain;
  return { settings, options, plan };
}

function serveOptions(
  line: ServerSettings,
): ServeOptions & { root: string } {
  const anonymous = line.value(ANONYMOUS);
  const given = line.value(LISTEN);
  const listen = given.length === 0 ? [DEFAULT_ADDRESS] : given;
  const allowPlain = line.value(ALLOW_PLAIN);
  const metrics = line.value(METRICS);
  const [users, state] = [line.value(USERS), line.value(STATE)];
  const doors = line.value(CLASSIC_DOORS);
  const plain = [
    ...listen.filter(({ scheme }) => scheme === "tcp"),
    ...doors.map(({ address }) => address),
  ];
  const reserve = line.value(RESERVE);
  const open = [...plain, ...metrics === undefined ? [] : [metrics]]
    .find(({ hostname }) => !isLoopback(hostname));
  if (open !== undefined && !allowPlain) {
    throw new UsageError(usage.plainListen(open));
  }
  for (const { classic } of doors) {
    if (classic.hasLogin && users === undefined) {
      throw new UsageError(classicText.needsAccounts(classic.name));
    }
  }
  const [rateMax, sessionRateMax] = [
    line.value(SERVER_LIMIT_RATE),
    line.value(LIMIT_SESSION_RATE),
  ];
  const limits = {
    ...line.limits,
    ...rateMax === undefined ? {} : { rateMax },
    ...sessionRateMax === undefined ? {} : { sessionRateMax },
  };
  return {
    root: line.root,
    listen,
    allowPlain,
    readOnly: line.value(READ_ONLY),
    ...anonymous === undefined ? {} : { anonymous },
    ...reserve === undefined ? {} : { reserve },
    ...users === undefined ? {} : { users },
    ...state === undefined ? {} : { state },
    ...line.value(ALLOW_ACTIVE) ? { allowActive: true } : {},
    ...Object.keys(limits).length === 0 ? {} : { limits },
  };
}

/** The classic doors; what is spoken behind them is loaded where there is one. */
async function doorOptions(
  settings: ServerSettings,
): Promise<Pick<ServeOptions, "doors">> {
  const given = settings.value(CLASSIC_DOORS);
  if (given.length === 0) return {};
  const { CLASSIC } = await import("../classic/mod.ts");
  return {
    doors: given.map(({ classic, address, options }) => ({
      address,
      protocol: CLASSIC.get(classic.name)!.door(options),
    })),
  };
}

/** The upload hook; one that may not be run is found out before anybody sends a file. */
async function hookOptions(
  settings: ServerSettings,
  environment: Environment,
): Promise<Pick<ServeOptions, "onReceived">> {
  const command = settings.value(HOOK);
  const [program] = command;
  if (program === undefined) {
    // Executables may run any command, as nobody knows yet which: not this one.
    await environment.giveUpRunning();
    return {};
  }
  if (await environment.mayRun(program)) {
    return { onReceived: environment.hook(command) };
  }
  throw new UsageError(usage.hookNotAllowed(program));
}

async function check(
  { options, plan }: Serving,
  environment: Environment,
): Promise<ExitCode> {
  if (plan.isReadOnly) await plan.find();
  for (const address of options.listen ?? [DEFAULT_ADDRESS]) {
    if (await environment.mayListen(address)) continue;
    const shown = formatAddress(address);
    const cause = new NetworkError("denied", text.noNet(shown));
    throw new ServeError(
      problems.failed({
        doing: "listen on",
        subject: shown,
        phrase: cause.message,
        hint: undefined,
      }),
      { cause },
    );
  }
  const doors = await environment.checkServe(options);
  const lines = [text.checked(options.root)];
  for (const door of doors) {
    const [first = "", ...rest] = offerLines(door, options);
    lines.push(first, ...rest.map((line) => `  ${line}`));
  }
  await environment.stdout.write(lines.map((line) => `${line}\n`).join(""));
  return EXIT.done;
}

async function serveUntilAsked(
  line: CommandLine,
  atStart: Serving,
  environment: Environment,
): Promise<ExitCode> {
  const { options, plan, settings } = atStart;
  const format = settings.value(LOG_FORMAT);
  await using _logging = await startLogging(environment, {
    level: logLevel(settings),
    format,
  });
  const stopListening = environment.onUnhandledRejection((error) =>
    log.error(text.unhandled, { error })
  );
  try {
    let isReady = true;
    await using observation = await observe(
      settings.value(METRICS),
      () => isReady,
      environment,
    );
    const { observer } = observation;
    const server = await environment.serve({
      ...options,
      ...observer === undefined ? {} : { onEvent: observer },
    });
    let now = atStart;
    const stopWaiting = shutDownWhenAsked(
      server,
      () => now.settings.value(DRAIN),
      environment,
      () => isReady = false,
    );
    const reload = async (): Promise<readonly string[]> => {
      const said = await readSettings(line, environment);
      const { kept, settings } = renew(now.settings, said);
      const next = await planServing(settings, environment, now);
      await server.reload(next.options);
      now = next;
      await startLogging(environment, { level: logLevel(settings), format });
      warnOfEnd(server, environment);
      return kept;
    };
    let stopReloading = (): Promise<void> => Promise.resolve();
    try {
      logOffers(server, options);
      for (const { classic } of settings.value(CLASSIC_DOORS)) {
        if (classic.doorWarning !== undefined) log.warn(classic.doorWarning);
      }
      await tellIdentity(server, plan, environment);
      stopReloading = reloadWhenAsked({ server, reload }, environment);
      await announce(listeners(server, observation), format, environment);
      await server.finished;
    } finally {
      await stopReloading();
      stopWaiting();
      await server.shutdown({ drain: 0 });
    }
  } finally {
    stopListening();
  }
  return EXIT.done;
}

function logLevel(settings: ServerSettings): LogLevel {
  if (settings.value(SERVER_DEBUG)) return "debug";
  return settings.value(SERVER_QUIET) ? "warning" : "info";
}

/** The first signal lets transfers finish, the second ends them. */
function shutDownWhenAsked(
  server: Server,
  drain: () => number,
  environment: Environment,
  onAsked: () => void,
): () => void {
  let wasAsked = false;
  return environment.onTermination(() => {
    onAsked();
    const time = wasAsked ? 0 : drain();
    if (!wasAsked) log.info(text.draining(time));
    const shutdown = server.shutdown({ drain: time });
    shutdown.catch((error) => log.error(text.unhandled, { error }));
    wasAsked = true;
  });
}

/** What strangers may do behind a door, and why not the rest. */
function offerLines(
  { address, offer }: OpenDoor,
  { users }: ServeOptions,
): readonly string[] {
  return users !== undefined && offer.rights.length === 0
    ? [text.accountsOnly(address)]
    : [text.offer(address, offer), ...text.refusals(offer)];
}

function logOffers(server: Server, options: ServeOptions): void {
  for (const door of server.doors) {
    const { address, offer } = door;
    if (options.users === undefined && offer.rights.length === 0) {
      log.warn(text.nothingOffered(address));
    }
    for (const line of offerLines(door, options)) log.info(line);
  }
}

/** Opens the metrics port, where one is asked for; traces where the process exports them. */
async function observe(
  metrics: NetworkAddress | undefined,
  isReady: () => boolean,
  environment: Environment,
): Promise<Observation> {
  const traces = environment.variable("OTEL_DENO") === "true";
  try {
    return await environment.observe({ metrics, traces, isReady });
  } catch (error) {
    if (metrics === undefined || !(error instanceof NetworkError)) throw error;
    throw new ServeError(
      problems.failed({
        doing: "listen on",
        subject: formatAddress(metrics),
        phrase: error.message,
        hint: undefined,
      }),
      { cause: error },
    );
  }
}

/** What is ready: one line each. */
interface Ready {
  readonly protocol: string;
  readonly scheme: string;
  readonly address: NetworkAddress;
  readonly fingerprint?: string | undefined;
}

function listeners(server: Server, { address }: Observation): readonly Ready[] {
  const fingerprint = server.identity?.fingerprint;
  const doors = server.doors.map((door) =>
    door.scheme === "tls" ? { ...door, fingerprint } : door
  );
  return address === undefined
    ? doors
    : [...doors, { protocol: "metrics", scheme: "http", address }];
}

/** Tells scripts that the server is ready, and on which ports. */
async function announce(
  ready: readonly Ready[],
  format: "text" | "json",
  environment: Environment,
): Promise<void> {
  for (const { protocol, scheme, address, fingerprint } of ready) {
    const { hostname, port } = address;
    const event = { event: "listening", protocol, scheme, hostname, port };
    await environment.stdout.write(
      format === "json"
        ? jsonLine(
          fingerprint === undefined ? event : { ...event, fingerprint },
        )
        : `${text.listening(protocol, scheme, address)}\n`,
    );
  }
}
