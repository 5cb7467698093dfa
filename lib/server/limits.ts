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
  /** Time between two clearings of expired leftovers. */
  readonly sweepInterval: number;
  /** Time to wait before accepting again when the process is out of descriptors. */
  readonly exhaustedDelay: number;
}

/** The limits of a server that is told nothing else. */
export const SERVER_LIMITS: ServerLimits = {
  // A quarter of the usual 4096 descriptors hard limit of a service, since an
  // upload holds two files and two sockets.
  connectionCountMax: 1024,
  // OpenSSH begins to refuse at 10 and refuses all at 100; a Ferry log-in is
  // two small frames, so the same 100 stands for far more log-ins a second.
  pendingCountMax: 100,
  // Beyond 8 streams nothing is gained on long links (ESnet, mscp, WDT).
  dataConnectionCountMax: 8,
  // What a person or a script has in flight; each holds at most 8 pages.
  requestCountMax: 32,
  // Two small frames; 10 s is three lost packets and their repetitions.
  loginTimeout: 10_000,
  // The client dials as soon as it has the token.
  tokenLifetime: 30_000,
  // 15 s keeps most NATs open (they forget after 30 s or more).
  checkInterval: 15_000,
  // 45 s of silence: longer than a Wi-Fi roam, shorter than patience.
  silentCheckCountMax: 3,
  // 4 KiB in 15 s: a tenth of what GPRS had; less is an attack or a dead link.
  progressSizeMin: 4096,
  // Ten a second look smooth and cost nothing.
  progressInterval: 100,
  farewellTimeout: 1000,
  rateMax: Infinity,
  sessionRateMax: Infinity,
  // A firewall that drops says nothing; three tries of TCP fit in 10 s.
  dialTimeout: 10_000,
  // What expires after days may be an hour late.
  sweepInterval: 3_600_000,
  exhaustedDelay: 250,
};

/** The address that a server listens on unless told otherwise. */
export const DEFAULT_ADDRESS = { hostname: "127.0.0.1", port: 65430 } as const;

/** Milliseconds that a shutdown lets transfers finish unless told otherwise. */
export const DRAIN_DEFAULT = 10_000;

/** Lowest port that the server dials: those below belong to services (RFC 6335). */
export const DIAL_PORT_MIN = 1024;
