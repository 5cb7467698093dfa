/**
 * The metrics port, by way of Deno's HTTP server.
 *
 * @module
 */

import { type NetworkAddress, networkError } from "../transport/mod.ts";
import { answerProbe, type Probed } from "./probe.ts";

/** A metrics port that is open. */
export interface MetricsListener extends AsyncDisposable {
  /** Where it listens, with the real port. */
  readonly address: NetworkAddress;
}

/**
 * Answers over HTTP what {@linkcode answerProbe} says.
 *
 * @param address Where to listen; port 0 is any free one.
 * @param probed What is asked about.
 * @returns The open port, once it listens.
 * @throws {NetworkError} When it cannot listen there.
 */
export function serveMetrics(
  address: NetworkAddress,
  probed: Probed,
): MetricsListener {
  const server = listen(address, async ({ method, url }) => {
    const { pathname } = new URL(url);
    const answer = await answerProbe(method, pathname, probed);
    return new Response(method === "HEAD" ? null : answer.body, {
      status: answer.status,
      headers: { "content-type": answer.contentType },
    });
  });
  return {
    address: { hostname: server.addr.hostname, port: server.addr.port },
    // Nobody waits for an answer that could not be asked again.
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function listen(
  { hostname, port }: NetworkAddress,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({
      hostname,
      port,
      // The command line says it in its own way.
      onListen: () => {},
      onError: () =>
        new Response("an internal error happened\n", { status: 500 }),
    }, handler);
  } catch (error) {
    throw networkError(error);
  }
}
