/** A processor's other names, as containerd's platforms know them (containerd/platforms, database.go). */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  armhf: "arm",
  i386: "386",
};

const SYSTEMS = ["linux", "windows", "darwin", "freebsd"];

/**
 * Whether an image's platform (`linux/arm64/v8`; its variant may be empty) is the one that is asked for: a whole one, or
 * a system or an architecture alone.
 */
export function isPlatform(found: string, asked: string): boolean {
  const [system, architecture, variant] = splitPlatform(asked.toLowerCase());
  const [ownSystem, ownArchitecture, ownVariant] = found.toLowerCase().split("/");
  const known = architecture === undefined ? undefined : (ARCHITECTURES[architecture] ?? architecture);
  return (
    (system === undefined || system === ownSystem) &&
    (known === undefined || known === ownArchitecture) &&
    // Of those with variants, the first one often goes without a name (arm64 is arm64/v8).
    ((variant ?? "") === "" || (ownVariant ?? "") === "" || variant === ownVariant)
  );
}

/** The system, the architecture and the variant that a platform names. */
function splitPlatform(platform: string): readonly (string | undefined)[] {
  if (platform.includes("/")) return platform.split("/");
  return SYSTEMS.includes(platform) ? [platform] : [undefined, platform];
}
