/**
 * What the metrics port answers, apart from the HTTP server that says it.
 *
 * @module
 */

/** The type of the text format, version 0.0.4, as Prometheus documents it. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What is asked about. */
export interface Probed {
  /** All numbers, as Prometheus reads them. */
  text(): Promise<string>;
  /** Whether new sessions are served: no more once the server is shutting down. */
  isReady(): boolean;
}

/** An answer. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** The type of the body. */
  readonly contentType: string;
  /** The body. */
  readonly body: string;
}

const PLAIN = "text/plain; charset=utf-8";

function plain(status: number, body: string): Answer {
  return { status, contentType: PLAIN, body: `${body}\n` };
}

/**
 * Answers a request: `/metrics` with the numbers, `/healthz` with `ok` as long
 * as the process runs, `/readyz` with `ok` or 503 as long as new sessions are
 * served or not.
 *
 * @param method The HTTP method.
 * @param path The path of the URL, without what follows `?`.
 * @param probed What is asked about.
 */
export async function answerProbe(
  method: string,
  path: string,
  probed: Probed,
): Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") {
    return plain(405, "only GET and HEAD are answered");
  }
  switch (path) {
    case "/metrics":
      return {
        status: 200,
        contentType: CONTENT_TYPE,
        body: await probed.text(),
      };
    case "/healthz":
      return plain(200, "ok");
    case "/readyz":
      return probed.isReady()
        ? plain(200, "ok")
        : plain(503, "the server is shutting down");
    default:
      return plain(404, "there is /metrics, /healthz and /readyz");
  }
}
