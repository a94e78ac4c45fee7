import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Issue, toProblem } from "../../values/issue.ts";
import type { Component } from "../components.ts";
import { checkBuilds, readBuild, resolveArguments } from "../compose/build.ts";
import { readModel } from "../compose/config.ts";
import { checkServiceNames, type FoundService, findService } from "../compose/service.ts";
import type { BuildSource, CheckedComponent } from "./checkout.ts";
import { type CheckoutReading, find } from "./find.ts";
import { checkReferences } from "./reference-check.ts";

/** Reads a component of a checkout. @returns `undefined` if something is wrong, which is noted. */
export async function readComponent(
  component: Component,
  reading: CheckoutReading,
): Promise<CheckedComponent | undefined> {
  const { root, layout, problems } = reading;
  const path = await chooseComposeFile(root, layout.components[component.name].composeFile);
  const what = `the ${component.title}'s compose file; ${await describeYaml(join(root, layout.docker))}`;
  const composeFile = await find(reading, { input: "torch", kind: "file", path, what });
  if (composeFile === undefined) return undefined;
  const note = (issues: readonly Issue[]) => problems.push(...issues.map((issue) => toProblem("torch", path, issue)));
  const found = await readOwnService(composeFile, component, reading);
  if ("issues" in found) {
    note(found.issues);
    return undefined;
  }
  const { source, issues } = await findBuildSource(found, component, reading);
  note(issues);
  return source === undefined ? undefined : { ...found, composeFile, build: source };
}

/** A compose file's name is fixed except for its extension. */
async function chooseComposeFile(root: string, path: string): Promise<string> {
  const other = path.replace(/\.yaml$/, ".yml");
  const exists = (name: string) =>
    stat(join(root, name)).then(
      () => true,
      () => false,
    );
  return !(await exists(path)) && (await exists(other)) ? other : path;
}

async function describeYaml(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name));
  return `its name is fixed, and the folder has ${names.length === 0 ? "no YAML file" : names.toSorted().join(", ")}`;
}

/** Reads a compose file, after all that it refers to was checked, and finds the component's own service in it. */
async function readOwnService(
  composeFile: string,
  component: Component,
  { root, exec, environment }: CheckoutReading,
): Promise<FoundService | { readonly issues: readonly Issue[] }> {
  const references = await checkReferences(root, composeFile);
  if (references.length > 0) return { issues: references };
  const read = await readModel(composeFile, exec, environment);
  if ("issues" in read) return read;
  const found = findService(read.model, component);
  if ("issue" in found) return { issues: [found.issue] };
  const issue = checkBuilds(found) ?? checkServiceNames(found);
  return issue === undefined ? found : { issues: [issue] };
}

/** What a component's image is built from: what its compose file says, unless an input names the folder. */
async function findBuildSource(
  { model, service }: FoundService,
  component: Component,
  reading: CheckoutReading,
): Promise<{ readonly source: BuildSource | undefined; readonly issues: readonly Issue[] }> {
  const { folder, explicit } = reading.layout.components[component.name];
  const build = readBuild(model.services[service]?.build ?? {});
  const { args, issues } = resolveArguments(build.args, reading.environment);
  const input = `torch-${component.name}-folder`;
  const path = explicit ? folder : (build.context ?? folder);
  const context = await find(reading, { input, kind: "folder", path, what: `the ${component.title}'s build context` });
  if (context === undefined) return { source: undefined, issues };
  const recipe = join(path, (explicit ? undefined : build.dockerfile) ?? "Dockerfile");
  const what = `the ${component.title}'s Dockerfile`;
  const dockerfile = await find(reading, { input, kind: "file", path: recipe, what });
  if (dockerfile === undefined) return { source: undefined, issues };
  return { source: { context, dockerfile, args, target: build.target }, issues };
}
