import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataFolder } from "./cache.ts";
import type { Module } from "./go-build.ts";
import type { Release } from "./releases.ts";

const components = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kube-proxy",
  "kubelet",
  "kubeadm",
] as const;

/**
 * Kubernetes is its own main module; as a dependency it needs its replacements again, with the staging folders as the
 * modules that are published from them.
 */
export async function writeKubernetesModule(folder: string, module: Module, release: Release): Promise<void> {
  await mkdir(folder, { recursive: true });
  const original = await readFile(join(module.folder, "go.mod"), "utf8");
  const staging = await readdir(join(module.folder, "staging/src/k8s.io")).catch(() => []);
  await writeFile(join(folder, "go.mod"), moduleFile(original, release.patch, staging));
  await writeFile(join(folder, "go.sum"), await readFile(join(module.folder, "go.sum")));
  for (const own of ["components", "network", "crictl"]) {
    await cp(join(dataFolder, "go", own), join(folder, own), { recursive: true });
  }
  for (const component of components) await renameMain(module, component, join(folder, "components"));
}

export function moduleFile(original: string, patch: string, stagingFolders: readonly string[]): string {
  const version = `v0${patch.slice(1)}`;
  const body = original
    .replace(/^module .*$/m, "module bed")
    .replaceAll(/^(\s*(?:replace )?)(k8s\.io\/\S+) => \.\/staging\S*$/gm, `$1$2 => $2 ${version}`)
    .replaceAll(/^(\s*(?:require )?)(k8s\.io\/\S+) v0\.0\.0(\s|$)/gm, `$1$2 ${version}$3`);
  const replaced = new Set([...body.matchAll(/^\s*(?:replace )?(k8s\.io\/\S+) =>/gm)].map(([, path]) => path));
  // Since 1.30 a workspace includes the staging modules, and there are no replacements to rewrite.
  const added = stagingFolders
    .map((name) => `k8s.io/${name}`)
    .filter((path) => body.includes(`${path} `) && !replaced.has(path))
    .map((path) => `replace ${path} => ${path} ${version}`);
  return [body, `require k8s.io/kubernetes v${patch}`, ...added, ""].join("\n");
}

/** Turns a main package into one that can be imported; only its package clause and its entry function change. */
async function renameMain(module: Module, component: string, folder: string): Promise<void> {
  const name = component.replaceAll("-", "");
  const source = join(module.folder, "cmd", component);
  await mkdir(join(folder, name));
  for (const file of await readdir(source)) {
    if (!file.endsWith(".go") || file.endsWith("_test.go")) continue;
    const text = await readFile(join(source, file), "utf8");
    const importable = text.replace(/^package main\b.*$/m, `package ${name}`).replace(/^func main\(\)/m, "func Main()");
    await writeFile(join(folder, name, file), importable);
  }
}
