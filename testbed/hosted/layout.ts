import { join } from "node:path";

const REPOSITORY = "kind-torch-action";

/** The user of GitHub's hosted runners. */
export const USER = { name: "runner", id: 1001, home: "/home/runner" } as const;
/** Where slirp4netns provides the machine's loopback address and a name server. */
export const GATEWAY = "10.0.2.2";
export const NAME_SERVER = "10.0.2.3";
/** The cgroup above the hosted machine's containers: only control groups are not in a namespace. */
export const CGROUP = "kind-torch-hosted";
/** Where the repository is checked out. */
export const WORK = join(USER.home, "work", REPOSITORY, REPOSITORY);
/** Where the project's version of Node.js is, as setup-node would put it. */
export const NODE = join(USER.home, "tools", "node");
