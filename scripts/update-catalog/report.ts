import type { Addition } from "./plan.ts";

/** Something that whoever reviews an update has to know. */
export interface Remark {
  /** Whether it is left to a person to decide. */
  readonly open: boolean;
  /** One line of Markdown. */
  readonly text: string;
}

const LONGEST_QUOTE = 160;

/** A text of somebody else's as a code span: nothing in it is Markdown, and nobody is called by an @ in it. */
export function quote(text: string): string {
  const line = text.replaceAll(/[`\s]+/g, " ").trim();
  return `\`${line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}...` : line}\``;
}

/** The text of the pull request that brings an update, in Markdown. */
export function renderReport(addition: Addition, remarks: readonly Remark[]): string {
  const news = describeNews(addition);
  const parts = [
    news.length === 0 ? "Nothing is new: the catalog stays as it is." : section("What is new", news),
    section(
      "A person must look at this",
      remarks.filter(({ open }) => open).map(({ text }) => text),
    ),
    section(
      "Contradictions that the list of the release notes decides",
      remarks.filter(({ open }) => !open).map(({ text }) => text),
    ),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function describeNews({ releases, findings }: Addition): readonly string[] {
  const news = releases.map(({ version, released, images, loadBalancer }) => {
    const notes = `https://github.com/kubernetes-sigs/kind/releases/tag/v${version}`;
    const kubernetes = images.map((image) => image.kubernetes).join(", ");
    const balancer = loadBalancer === undefined ? "no load balancer" : `the load balancer ${quote(loadBalancer)}`;
    return `[kind ${version}](${notes}) of ${released}, with Kubernetes ${kubernetes} and ${balancer}`;
  });
  const sums = (["kind", "kubectl"] as const).flatMap((tool) => {
    const versions = new Set(findings.filter((finding) => finding.tool === tool).map(({ version }) => version));
    if (versions.size === 0) return [];
    return [`Checksums of ${tool} ${[...versions].join(", ")}, each compared with the binary itself`];
  });
  return [...news, ...sums];
}

function section(title: string, items: readonly string[]): string {
  return items.length === 0 ? "" : `## ${title}\n\n${items.map((item) => `- ${item}`).join("\n")}`;
}
