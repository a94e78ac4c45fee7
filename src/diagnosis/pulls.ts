import { array, object, optional, string } from "valibot";
import type { Kubectl } from "../cluster/kubectl.ts";
import { readJson } from "../values/json.ts";
import { printable } from "../values/text.ts";
import type { Diagnosis } from "./diagnose.ts";

const EVENTS = object({ items: array(object({ message: optional(string(), "") })) });

/** What a message means in the words of containerd and of registries; the first that matches counts. */
const CAUSES = [
  {
    words: /toomanyrequests|too many requests|pull rate limit/i,
    cause: "the registry's pull limit is reached",
    fix: "pull through a mirror (registry-mirrors), or give the nodes credentials (pull-credentials)",
  },
  {
    words: /401 Unauthorized|403 Forbidden|authorization failed|no basic auth credentials|pull access denied|denied:/i,
    cause: "the registry refuses the nodes, which have no credentials for it, or not the right ones",
    fix: "name a Docker config.json with the registry's credentials in pull-credentials, and check the image's name",
  },
  {
    words: /no such host|server misbehaving|connection refused|i\/o timeout|no route to host|network is unreachable/i,
    cause: "the nodes do not reach the registry",
    fix: "check the image's name; where the nodes have no way to the registry, name a mirror that they reach in registry-mirrors",
  },
] as const;

/** How many images are named. */
const MAX_IMAGES = 5;

/** Why images were not pulled, by the messages of events; the cause of anything else is in the message itself. */
export function diagnosePulls(messages: readonly string[]): readonly Diagnosis[] {
  const found = new Map<string, Diagnosis>();
  for (const message of messages) {
    const image = /^Failed to pull image "([^"]{1,500})": /.exec(message)?.[1];
    const known = CAUSES.find(({ words }) => words.test(message));
    if (image === undefined || known === undefined) continue;
    const { cause, fix } = known;
    found.set(image, { cause: `The image ${printable(image)} was not pulled: ${cause}.`, fix });
  }
  return [...found.values()].slice(0, MAX_IMAGES);
}

/** Looks for images that the nodes could not pull: the test that fails for want of one rarely says why. */
export async function findPullFailures(kubectl: Kubectl): Promise<readonly Diagnosis[]> {
  const args = ["get", "events", "--all-namespaces", "--field-selector=reason=Failed", "--output=json"];
  const { stdout } = await kubectl(args, { purpose: "looking for images that were not pulled", timeoutSeconds: 30 });
  return diagnosePulls(readJson(EVENTS, stdout).items.map(({ message }) => message));
}
