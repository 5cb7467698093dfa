/**
 * Every limit and wait of the server, with its reason. All can be set through
 * {@linkcode ServeOptions.limits}.
 *
 * @module
 */

/** Limits and waits of a server. Times are in milliseconds. */
export interface ServerLimits {
  /** Connections in all. */
  readonly connectionCountMax: number;
  /** Connections that are not logged in or attached yet. */
  readonly pendingCountMax: number;
  /** Connections from one address; of IPv6 from one /64. */
  readonly addressConnectionCountMax: number;
  /** Connections from one address that are not logged in or attached yet. */
  readonly addressPendingCountMax: number;
  /** Data connections of one session. */
  readonly dataConnectionCountMax: number;
  /** Requests of one session that run at once on its control connection. */
  readonly requestCountMax: number;
  /** Time from the first byte to the end of the log-in. */
  readonly loginTimeout: number;
  /** How long a token for a data connection can be used. */
  readonly tokenLifetime: number;
  /** Time between two looks at whether a peer is alive and makes progress. */
  readonly checkInterval: number;
  /** Silent looks after which a session is over. */
  readonly silentCheckCountMax: number;
  /** Bytes that a peer which owes the rest of a frame must send between two looks. */
  readonly progressSizeMin: number;
  /** Time between two `PROGRESS` frames of an upload. */
  readonly progressInterval: number;
  /** Time for the last frames of a connection to get through. */
  readonly farewellTimeout: number;
  /** Bytes a second that all sessions together may move; `Infinity`: no limit. */
  readonly rateMax: number;
  /** Bytes a second that each session may move; `Infinity`: no limit. */
  readonly sessionRateMax: number;
  /** Time to reach a client that listens for an active data connection. */
  readonly dialTimeout: number;
  /** Time that the upload hook may take for a file. */
  readonly reviewTimeout: number;
  /** Time between two clearings of expired leftovers. */
  readonly sweepInterval: number;
  /** Time to wait before accepting again when the process is out of descriptors. */
  readonly exhaustedDelay: number;
}

/** One limit, for the reference and the configuration's schema. */
export interface LimitSpec {
  /** Its value unless told otherwise. */
  readonly value: number;
  /** What it counts. */
  readonly unit:
    | "bytes"
    | "bytes/s"
    | "connections"
    | "looks"
    | "ms"
    | "requests";
  /** Why it has that value. */
  readonly reason: string;
}

/** Every limit with its default and the reason for it. */
export const SERVER_LIMIT_TABLE: {
  readonly [K in keyof ServerLimits]: LimitSpec;
} = {
  connectionCountMax: {
    value: 1024,
    unit: "connections",
    reason:
      "A quarter of the usual 4096 descriptors hard limit of a service, since an upload holds two files and two sockets.",
  },
  pendingCountMax: {
    value: 512,
    unit: "connections",
    reason:
      "Half of all: who only knocks takes some 20 KB. OpenSSH begins to refuse at 10, but the classic protocols pause for a second before they say what they want.",
  },
  addressConnectionCountMax: {
    value: 512,
    unit: "connections",
    reason:
      "Half of all, so that no single address takes the whole server; an office behind one address still fits.",
  },
  addressPendingCountMax: {
    value: 256,
    unit: "connections",
    reason:
      "Half of those that may wait: whoever holds connections open without a word keeps no other address out.",
  },
  dataConnectionCountMax: {
    value: 8,
    unit: "connections",
    reason:
      "Beyond 8 streams nothing is gained on long links (ESnet, mscp, WDT).",
  },
  requestCountMax: {
    value: 32,
    unit: "requests",
    reason:
      "What a person or a script has in flight; each holds at most 8 pages.",
  },
  loginTimeout: {
    value: 10_000,
    unit: "ms",
    reason:
      "Two small frames; 10 s is three lost packets and their repetitions.",
  },
  tokenLifetime: {
    value: 30_000,
    unit: "ms",
    reason: "The client dials as soon as it has the token.",
  },
  checkInterval: {
    value: 15_000,
    unit: "ms",
    reason: "15 s keeps most NATs open: they forget after 30 s or more.",
  },
  silentCheckCountMax: {
    value: 3,
    unit: "looks",
    reason: "45 s of silence: longer than a Wi-Fi roam, shorter than patience.",
  },
  progressSizeMin: {
    value: 4096,
    unit: "bytes",
    reason:
      "4 KiB in 15 s: a tenth of what GPRS had; less is an attack or a dead link.",
  },
  progressInterval: {
    value: 100,
    unit: "ms",
    reason: "Ten a second look smooth and cost nothing.",
  },
  farewellTimeout: {
    value: 1000,
    unit: "ms",
    reason: "A reason for the end is worth one round trip, not a wait.",
  },
  rateMax: {
    value: Infinity,
    unit: "bytes/s",
    reason: "Who shares a line knows how much of it is for Ferry.",
  },
  sessionRateMax: {
    value: Infinity,
    unit: "bytes/s",
    reason: "The total is shared fairly among sessions without it.",
  },
  dialTimeout: {
    value: 10_000,
    unit: "ms",
    reason:
      "A firewall that drops says nothing; three tries of TCP fit in 10 s.",
  },
  reviewTimeout: {
    value: 60_000,
    unit: "ms",
    reason:
      "A virus scanner reads some hundred MB a second; who keeps larger files gives it more.",
  },
  sweepInterval: {
    value: 3_600_000,
    unit: "ms",
    reason: "What expires after days may be an hour late.",
  },
  exhaustedDelay: {
    value: 250,
    unit: "ms",
    reason: "Those that are served free descriptors in that time.",
  },
};

/** The limits of a server that is told nothing else. */
export const SERVER_LIMITS: ServerLimits = Object.fromEntries(
  Object.entries(SERVER_LIMIT_TABLE).map(([name, { value }]) => [name, value]),
) as unknown as ServerLimits;

/** The address that a server listens on unless told otherwise. */
export const DEFAULT_ADDRESS = {
  hostname: "127.0.0.1",
  port: 65430,
  scheme: "tcp",
} as const;

/** Milliseconds that a shutdown lets transfers finish unless told otherwise. */
export const DRAIN_DEFAULT = 10_000;

/** Lowest port that the server dials: those below belong to services (RFC 6335). */
export const DIAL_PORT_MIN = 1024;
