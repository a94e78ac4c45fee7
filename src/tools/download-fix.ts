import { getProxyUrl } from "@actions/http-client";
import { findProxies } from "../host/proxy.ts";
import { diskFix, isCertificateError, isDiskError } from "./download.ts";

/** What to do about a download that failed. @param folder where it was to go. */
export function downloadFix(url: string, folder: string, error: unknown): string {
  if (isDiskError(error)) return diskFix(folder);
  return isCertificateError(error) ? CERTIFICATE_FIX : `${proxyFix(url)}${NETWORK_FIX}`;
}

const NETWORK_FIX = "run the job again; on a machine without access to that host, set kind-mirror and kubectl-mirror";

const CERTIFICATE_FIX =
  "if an authority of your own signed that certificate, set NODE_EXTRA_CA_CERTS to the file of the authority's certificate in the job's env; if it has expired or is not valid yet, check this machine's clock";

function usesProxy(url: string): boolean {
  try {
    return getProxyUrl(url) !== "";
  } catch {
    // The toolkit's word for a proxy that is not an address.
    return true;
  }
}

/** What to look at first where a download goes through a proxy of the environment. */
function proxyFix(url: string): string {
  if (!usesProxy(url)) return "";
  const variable = `${new URL(url).protocol.slice(0, -1)}_PROXY=`.toUpperCase();
  const proxy = findProxies(process.env).find((each) => each.startsWith(variable));
  return `check that the proxy (${proxy}) is an address and lets this machine reach that host, or add the host to NO_PROXY; `;
}
