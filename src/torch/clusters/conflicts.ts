import { basename } from "node:path";
import type { EarlierCredentials } from "../../credentials/earlier.ts";
import type { Problem } from "../../errors.ts";
import { type ClusterFiles, fileNames, listFiles } from "./cluster.ts";

/** What the clusters of earlier steps have in common with the step's own or with each other, and must not. */
export function checkEarlierClusters(
  own: string,
  files: ClusterFiles,
  given: readonly EarlierCredentials[],
): readonly Problem[] {
  return [
    ...given.filter(({ cluster }) => cluster === own).map(describeOwn),
    ...findTwice(given).map(describeTwice),
    ...findNamedAlike(files, given),
  ];
}

function describeOwn({ directory, cluster }: EarlierCredentials): Problem {
  return {
    input: "torch-clusters",
    value: directory,
    reason: `has the credentials of ${cluster}, which is the name of this step's own cluster`,
    allowed: "clusters of earlier steps; this step's own is always there",
    fix: "remove that directory, or choose another cluster-name",
  };
}

/** A directory whose cluster another one before it has. */
function findTwice(
  given: readonly EarlierCredentials[],
): readonly (readonly [EarlierCredentials, EarlierCredentials])[] {
  return given.flatMap((each, index) => {
    const before = given.slice(0, index).find(({ cluster }) => cluster === each.cluster);
    return before === undefined ? [] : [[each, before] as const];
  });
}

function describeTwice([{ directory, cluster }, before]: readonly [EarlierCredentials, EarlierCredentials]): Problem {
  return {
    input: "torch-clusters",
    value: directory,
    reason: `has the credentials of ${cluster}, and so does ${before.directory}`,
    allowed: "each cluster once",
    fix: "remove one of the two directories",
  };
}

/** Files that would have one name in the service layer's container: `a-b.key` is of the user b and of the user a-b. */
function findNamedAlike(own: ClusterFiles, given: readonly EarlierCredentials[]): readonly Problem[] {
  const owners = new Map(listFiles({ files: own }).map((path) => [basename(path), "this step's own cluster"]));
  return given.flatMap((credentials, index) => {
    const { cluster, directory } = credentials;
    // The same cluster again is refused already.
    if (given.slice(0, index).some((before) => before.cluster === cluster)) return [];
    const names = listFiles({ files: fileNames(credentials, "/") }).map((path) => basename(path));
    const problems = names.flatMap((name) => {
      const other = owners.get(name);
      return other === undefined ? [] : [describeAlike(directory, name, { cluster, other })];
    });
    for (const name of names) owners.set(name, cluster);
    return problems;
  });
}

function describeAlike(
  directory: string,
  name: string,
  { cluster, other }: { readonly cluster: string; readonly other: string },
): Problem {
  return {
    input: "torch-clusters",
    value: directory,
    reason: `would give the service layer a file ${name} of ${cluster}, and ${other} has one of that name`,
    allowed: "clusters and users whose names give different file names (<cluster>-<user>.key)",
    fix: "choose another user or cluster-name for one of them",
  };
}
