import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { COMPONENTS } from "../components.ts";
import { explainComposeError } from "../compose/config.ts";
import type { Checkout } from "./checkout.ts";
import { readComponent } from "./component.ts";
import { type CheckoutReading, find } from "./find.ts";
import { type Layout, selectPlans } from "./layout.ts";

/** Reads a checkout and reports everything that is missing, with the paths looked at. Compose itself reads its files. */
export async function readCheckout(
  root: string,
  layout: Layout,
  exec: Exec,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly checkout: Checkout } | { readonly problems: readonly Problem[] }> {
  if (!(await isFolder(root))) return { problems: [describeMissingCheckout(root)] };
  const submodules = await readFile(join(root, ".gitmodules"), "utf8").catch(() => "");
  const problems: Problem[] = [];
  const reading: CheckoutReading = { root, layout, submodules, exec, environment, problems };
  const what = await describeExample(root, layout);
  const example = await find(reading, { input: "torch-example", kind: "folder", path: layout.docker, what });
  if (example === undefined) return { problems };
  try {
    const [dashboard, engine, services, plans] = await Promise.all([
      readComponent(COMPONENTS.dashboard, reading),
      readComponent(COMPONENTS.engine, reading),
      readComponent(COMPONENTS.services, reading),
      findPlans(reading),
    ]);
    if (dashboard === undefined || engine === undefined || services === undefined || plans === undefined) {
      return { problems };
    }
    return problems.length > 0
      ? { problems }
      : { checkout: { root, components: { dashboard, engine, services }, plans } };
  } catch (error) {
    return { problems: [...problems, explainComposeError(error, root)] };
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function describeMissingCheckout(root: string): Problem {
  return {
    input: "torch",
    value: root,
    reason: "is not an existing folder",
    allowed: "a checkout of TORCH-V2, or the URL of its git repository",
    fix: "check the path, and run actions/checkout before this step",
  };
}

/** What the example's folder is, with the examples that there are. */
async function describeExample(root: string, { examples }: Layout): Promise<string> {
  const entries = await readdir(join(root, examples), { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const known =
    names.length === 0 ? `there is no ${examples} folder` : `the examples are ${names.toSorted().join(", ")}`;
  return `the example's folder of compose files; ${known}`;
}

/** The zip of BPMN plans: the one that an input names, else the only one in the example's folder. */
async function findPlans(reading: CheckoutReading): Promise<string | undefined> {
  const { root, layout, problems } = reading;
  const input = "torch-bpmn-plans";
  if (layout.plans !== undefined) {
    return await find(reading, { input, kind: "file", path: layout.plans, what: "the BPMN plans" });
  }
  const [plans, ...others] = selectPlans(await readdir(join(root, layout.docker)));
  if (plans !== undefined && others.length === 0) return join(root, layout.docker, plans);
  const found = plans === undefined ? "no zip of BPMN plans" : `several (${[plans, ...others].join(", ")})`;
  problems.push({
    input,
    value: "",
    reason: `is not set, and ${layout.docker} has ${found}`,
    allowed: "one bpmn*.zip in that folder, or a path in the checkout",
    fix: "set torch-bpmn-plans to the path of the zip",
  });
  return undefined;
}
