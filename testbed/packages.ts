import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exists, writeWhole } from "./cache.ts";
import { run, succeeds } from "./command.ts";
import { type Log, phase } from "./progress.ts";

/** The programs that are needed, and their packages. The later suite's Docker Engine needs no capability that this machine may lack. */
const wanted: readonly { readonly file: string; readonly package: string; readonly later: boolean }[] = [
  { file: "/usr/sbin/dockerd", package: "docker.io", later: true },
  { file: "/usr/bin/docker", package: "docker-cli", later: true },
  { file: "/usr/libexec/docker/cli-plugins/docker-compose", package: "docker-compose", later: true },
  { file: "/usr/libexec/docker/cli-plugins/docker-buildx", package: "docker-buildx", later: true },
  { file: "/usr/bin/docker-registry", package: "docker-registry", later: false },
  { file: "/usr/bin/mmdebstrap", package: "mmdebstrap", later: false },
  { file: "/usr/sbin/iptables", package: "iptables", later: false },
  { file: "/usr/bin/openssl", package: "openssl", later: false },
  { file: "/usr/bin/jq", package: "jq", later: false },
  { file: "/usr/bin/unzip", package: "unzip", later: false },
  { file: "/usr/bin/curl", package: "curl", later: false },
  { file: "/usr/bin/gcc", package: "gcc", later: false },
  { file: "/usr/bin/git", package: "git", later: false },
  { file: "/usr/bin/python3", package: "python3", later: false },
  { file: "/usr/bin/pip3", package: "python3-pip", later: false },
  { file: "/usr/bin/javac", package: "default-jdk-headless", later: false },
  { file: "/etc/ssl/certs/java/cacerts", package: "ca-certificates-java", later: false },
  { file: "/usr/bin/mvn", package: "maven", later: false },
  { file: "/usr/include/stdlib.h", package: "libc6-dev", later: false },
  { file: "/usr/sbin/sysctl", package: "procps", later: false },
  { file: "/usr/bin/sudo", package: "sudo", later: false },
  { file: "/usr/bin/slirp4netns", package: "slirp4netns", later: false },
];

const suites = { node: "bookworm", later: "trixie" } as const;
const sourcesFolder = "/etc/apt/sources.list.d";
const ownName = "kind-torch-bed";

type Package = { readonly package: string; readonly later: boolean };

export async function installPackages(log: Log): Promise<void> {
  const missing: Package[] = [];
  for (const each of wanted) if (!(await exists(each.file))) missing.push(each);
  missing.push(...(await missingForGo()));
  await install(
    missing,
    `No Docker Engine here can pull the official images, and building the test environment needs root, to install ${names(missing)}. Fix: run this as root, or on a machine with Docker Engine that can pull kindest/node.`,
    log,
  );
}

/** Installs Go where it is missing. */
export async function installGo(log: Log): Promise<void> {
  await install(await missingForGo(), "Go is not installed. Fix: install Go, or run this as root.", log);
}

/** apt takes the packages that another one needs from the machine's own suite, so each is named. */
async function missingForGo(): Promise<readonly Package[]> {
  if (await succeeds("go", ["version"])) return [];
  return ["golang-go", "golang-src"].map((name) => ({ package: name, later: true }));
}

async function install(missing: readonly Package[], refusal: string, log: Log): Promise<void> {
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) throw new Error(refusal);
  await phase(log, "packages", `install ${names(missing)}`, async () => {
    await addLaterSuite();
    await run("apt-get", ["update", "-qq"]);
    const packages = missing.map((each) => (each.later ? `${each.package}/${suites.later}` : each.package));
    await withoutServices(() =>
      run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
        env: { DEBIAN_FRONTEND: "noninteractive" },
      }),
    );
  });
}

/** The packages would start daemons of their own, on the socket that the test environment's need. */
async function withoutServices(work: () => Promise<unknown>): Promise<void> {
  const policy = "/usr/sbin/policy-rc.d";
  if (await exists(policy)) {
    await work();
    return;
  }
  await writeFile(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await work();
  } finally {
    await rm(policy);
  }
}

function names(packages: readonly { readonly package: string }[]): string {
  return packages.map((each) => each.package).join(", ");
}

/** The machine's own sources with another suite, so that packages come from the same mirror. */
export async function machineSources(suite: string): Promise<{ extension: string; text: string }> {
  const codename = await machineSuite();
  const files = ["/etc/apt/sources.list"];
  for (const name of (await readdir(sourcesFolder)).sort()) {
    if (/\.(sources|list)$/.test(name) && !name.startsWith(ownName)) files.push(join(sourcesFolder, name));
  }
  const suiteWord = new RegExp(`(^|\\s)${codename}(?=[\\s/-]|$)`, "gm");
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    const active = text.replaceAll(/^#.*\n/gm, "");
    if (!suiteWord.test(active) || !/\bmain\b/.test(active)) continue;
    const extension = file.endsWith(".sources") ? "sources" : "list";
    return { extension, text: active.replaceAll(suiteWord, `$1${suite}`) };
  }
  throw new Error(
    `no apt source of this machine names ${codename}. Fix: add one; the test environment needs Debian 12 or 13.`,
  );
}

async function machineSuite(): Promise<string> {
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(await readFile("/etc/os-release", "utf8"))?.[1];
  if (codename !== suites.node && codename !== suites.later) {
    throw new Error(`the test environment needs Debian 12 or 13, not ${codename ?? "an unknown system"}`);
  }
  return codename;
}

/** At a priority below everything installed, so that nothing but the named packages comes from it. */
async function addLaterSuite(): Promise<void> {
  if ((await machineSuite()) === suites.later) return;
  const { extension, text } = await machineSources(suites.later);
  for (const stale of ["sources", "list"]) await rm(join(sourcesFolder, `${ownName}.${stale}`), { force: true });
  await writeWhole(join(sourcesFolder, `${ownName}.${extension}`), text);
  await writeWhole(
    `/etc/apt/preferences.d/${ownName}`,
    `Package: *\nPin: release n=${suites.later}*\nPin-Priority: 50\n`,
  );
}

/** Creates a Debian file system of the suite whose systemd still runs on cgroup v1. */
export async function debootstrap(
  variant: "minbase" | "extract",
  packages: readonly string[],
  root: string,
): Promise<void> {
  const { extension, text } = await machineSources(suites.node);
  const sources = `${root}.${extension}`;
  await writeWhole(sources, text);
  const lean = [
    // The sections' folders are kept: Java's packages create links in them.
    "--dpkgopt=path-exclude=/usr/share/man/*/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
  ];
  await run(
    "mmdebstrap",
    [
      "--quiet",
      `--variant=${variant}`,
      `--include=${packages.join(",")}`,
      ...(variant === "minbase" ? lean : []),
      suites.node,
      root,
      sources,
    ],
    { env: { TMPDIR: "/tmp" } },
  );
  await rm(sources);
}
