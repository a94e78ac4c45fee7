import { imageReference } from "../../src/values/images.ts";
import type { Client } from "./client.ts";

/** Where kind's sources name the image, from the first release to Envoy's. */
const FILE = "pkg/cluster/internal/loadbalancer/const.go";

/**
 * Looks up the image of the load balancer that a kind release puts in front of several control planes.
 * @param raw the base URL of GitHub's raw files.
 * @returns undefined if kind's sources do not name exactly one.
 * @throws Failure if the file may exist but cannot be read.
 */
export async function findLoadBalancer(client: Client, raw: string, version: string): Promise<string | undefined> {
  const source = await client.findText(loadBalancerSource(raw, version));
  return source === undefined ? undefined : parseLoadBalancer(source);
}

/** The URL of the file that names the image. */
export function loadBalancerSource(raw: string, version: string): string {
  return `${raw}/kubernetes-sigs/kind/v${version}/${FILE}`;
}

/** The image in a line of Go such as `const Image = "docker.io/kindest/haproxy:v20230606-42a2262b"`. */
export function parseLoadBalancer(source: string): string | undefined {
  const images = [
    ...source.matchAll(/^[ \t]*(?:(?:const|var)[ \t]+)?\w*Image[ \t]*(?:string[ \t]*)?=[ \t]*"([^"]*)"/gm),
  ]
    .map(([, image = ""]) => image)
    .filter((image) => "value" in imageReference(image));
  const [image, ...others] = new Set(images);
  return others.length === 0 ? image : undefined;
}
