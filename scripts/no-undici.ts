/**
 * Stands in for undici in the bundle. Only @actions/github uses it, for GitHub's REST API, which this Action never calls;
 * @actions/artifact and @actions/http-client import it all the same: 0.4 MB that every job would download.
 */
export class ProxyAgent {
  constructor() {
    throw new Error("undici is not part of this bundle: see scripts/no-undici.ts");
  }
}

export const fetch = globalThis.fetch;
