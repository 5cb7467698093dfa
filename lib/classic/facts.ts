/**
 * What is to be known of the classic protocols before one of them is spoken.
 *
 * @module
 */

/** The names of the protocols, as on the command line. */
export type ClassicName =
  | "cs372"
  | "cs372-login"
  | "coen366"
  | "csci320"
  | "nets";

/** What a classic client can do; each is a method of its client. */
export type ClassicOperation = "list" | "get" | "put" | "rename" | "help";

/** What is known of a classic protocol. */
export interface ClassicFacts {
  /** Its name. */
  readonly name: ClassicName;
  /** The port of Ferry's door, unless told otherwise. */
  readonly doorPort: number;
  /** The port that Ferry's client dials, unless told otherwise. */
  readonly clientPort: number;
  /** Whether it asks for user and password. */
  readonly hasLogin: boolean;
  /** Whether its server dials the client back, so that the client needs a port to listen on. */
  readonly hasDataPort: boolean;
  /** What to tell whoever opens the door, as a whole sentence. @default nothing */
  readonly doorWarning?: string;
  /** What its client can do. */
  readonly operations: readonly ClassicOperation[];
}

/** cs372: the port is that of the original server. */
export const CS372_FACTS: ClassicFacts = {
  name: "cs372",
  doorPort: 3555,
  clientPort: 3555,
  hasLogin: false,
  hasDataPort: true,
  operations: ["list", "get"],
};

/** cs372-login: one more than the original's port, which is that of cs372. */
export const CS372_LOGIN_FACTS: ClassicFacts = {
  name: "cs372-login",
  doorPort: 3556,
  clientPort: 3556,
  hasLogin: true,
  hasDataPort: true,
  doorWarning:
    "cs372-login sends passwords as plain text: everybody on the way can read them.",
  operations: ["list", "get"],
};

/** coen366: the port is that of the original server. */
export const COEN366_FACTS: ClassicFacts = {
  name: "coen366",
  doorPort: 65_432,
  clientPort: 65_432,
  hasLogin: false,
  hasDataPort: false,
  operations: ["get", "put", "rename", "help"],
};

/** csci320: the port is that of the original server. */
export const CSCI320_FACTS: ClassicFacts = {
  name: "csci320",
  doorPort: 12_000,
  clientPort: 12_000,
  hasLogin: false,
  hasDataPort: false,
  operations: ["put"],
};

/** nets: the original client dials another port, that of the stammering proxy. */
export const NETS_FACTS: ClassicFacts = {
  name: "nets",
  doorPort: 50_001,
  clientPort: 50_000,
  hasLogin: false,
  hasDataPort: false,
  operations: ["get", "put"],
};

/** What is known of every classic protocol, by its name. */
export const CLASSIC_FACTS: ReadonlyMap<string, ClassicFacts> = new Map(
  [CS372_FACTS, CS372_LOGIN_FACTS, COEN366_FACTS, CSCI320_FACTS, NETS_FACTS]
    .map((facts) => [facts.name, facts]),
);
