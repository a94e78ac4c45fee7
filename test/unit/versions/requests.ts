import assert from "node:assert/strict";
import type { Problem } from "../../../src/errors.ts";
import type { Catalog } from "../../../src/versions/catalog.ts";
import { parseVersionRequest, type VersionRequests } from "../../../src/versions/request.ts";
import { resolveVersions, type Versions } from "../../../src/versions/resolve.ts";
import { CATALOG } from "../builders.ts";

export interface Asked {
  readonly kubernetes?: string;
  readonly kind?: string;
  readonly kubectl?: string;
  readonly nodeImage?: string;
  readonly images?: VersionRequests["configuredImages"];
  readonly cgroup?: 1 | 2 | undefined;
  readonly failCgroupV1?: boolean | undefined;
  readonly catalog?: Catalog;
}

export function resolve(asked: Asked) {
  const request = (text: string | undefined) => (text === undefined ? undefined : parseVersionRequest(text));
  return resolveVersions(
    {
      kubernetes: request(asked.kubernetes),
      kind: request(asked.kind),
      kubectl: request(asked.kubectl),
      nodeImage: asked.nodeImage,
      configuredImages: asked.images ?? [],
      failCgroupV1: asked.failCgroupV1,
    },
    asked.catalog ?? CATALOG,
    "cgroup" in asked ? asked.cgroup : 2,
  );
}

export function accepted(asked: Asked): Versions {
  const resolution = resolve(asked);
  assert.ok(resolution.ok, JSON.stringify(resolution));
  return resolution.versions;
}

export function refused(asked: Asked): readonly Problem[] {
  const resolution = resolve(asked);
  assert.ok(!resolution.ok, JSON.stringify(resolution));
  for (const problem of resolution.problems) {
    for (const part of [problem.input, problem.value, problem.reason, problem.allowed, problem.fix])
      assert.notEqual(part, "");
  }
  return resolution.problems;
}
