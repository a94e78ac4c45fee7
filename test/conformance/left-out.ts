/** Tests whose image cannot be made from packages, by a part of their names. */
const WITHOUT_IMAGE: Readonly<Record<string, string>> = {};

/** The image for want of which a test is left out. */
export function missingImage(name: string): string | undefined {
  return Object.entries(WITHOUT_IMAGE).find(([part]) => name.includes(part))?.[1];
}
